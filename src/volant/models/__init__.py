"""Packages: a fitted model with its feature function, signature and proof that serving equals training."""
