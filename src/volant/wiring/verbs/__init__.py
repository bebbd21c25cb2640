"""What the child process does, one module per stage. Each verb takes (root, environment, request, report)."""
