"""Posterior families: one file per exponential family."""
