"""Datasets: reading, versions, contracts, profiles, time and splits."""
