"""Rollouts: how a version that passed its gate takes over traffic step by step, or is taken back."""
