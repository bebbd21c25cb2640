"""The inference worker: protocols in, predictions out, the log before the reply."""
