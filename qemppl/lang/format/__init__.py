"""The canonical layout of a model text."""
