"""Is the candidate better than what serves now, and safe? Checks and verdicts."""
