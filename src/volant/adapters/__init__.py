"""Implementations of the ports: SQLite, memory, local objects, git, child processes."""
