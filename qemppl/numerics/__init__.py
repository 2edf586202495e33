"""Supports, special functions and log-space helpers."""
