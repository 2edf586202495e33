"""Names of the language that this version does not serve yet: they are answered as such, not as unknown."""

from __future__ import annotations

LATER_FAMILIES = frozenset(
    {
        "multinomial",
    }
)
"""Posterior families."""
