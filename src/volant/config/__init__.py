"""The project's policy file, ``volant.yaml``, as frozen values, and where each value came from."""
