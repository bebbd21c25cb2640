"""Watching: windows over the prediction log, what they say about data, service and realised performance."""
