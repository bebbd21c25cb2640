"""Runs with their parameters, metrics, tags and artifacts."""
