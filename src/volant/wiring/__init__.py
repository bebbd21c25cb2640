"""The only place that picks adapters and puts services together."""
