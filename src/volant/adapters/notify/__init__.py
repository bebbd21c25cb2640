"""Telling the world: the log, webhooks, Slack."""
