"""What every package stands on: time, ids, errors, events, digests, transactions."""
