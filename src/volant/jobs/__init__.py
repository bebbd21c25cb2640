"""Leases: who may do a piece of background work now."""
