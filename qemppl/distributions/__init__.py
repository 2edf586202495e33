"""Probability laws: one file per law."""
