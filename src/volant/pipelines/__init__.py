"""Steps wired by parameter name, their cache identity and their execution."""
