"""Every port in memory, with real transactions: for tests, replays and throw-away projects."""
