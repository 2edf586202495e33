"""A fit and what is made of it: summaries, ArviZ files."""
