"""Supports: the sets that values and arguments of laws live in."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Support:
    """An interval of the real line or of the integers. Infinite ends are open; `open_lower`/`open_upper` exclude a finite end.

    phrase: how a message names a member of the set, such as `a positive number`.
    """

    name: str
    phrase: str
    lower: float = -math.inf
    upper: float = math.inf
    integer: bool = False
    open_lower: bool = False
    open_upper: bool = False

    def contains(self, value: float) -> bool:
        """Whether one value belongs here."""
        if self.integer and value != math.floor(value):
            return False
        above = value > self.lower if self.open_lower else value >= self.lower
        below = value < self.upper if self.open_upper else value <= self.upper
        return above and below


REAL = Support("real", "a real number")
POSITIVE = Support("positive", "a positive number", lower=0.0, open_lower=True)
NON_NEGATIVE = Support("non_negative", "a number of at least 0", lower=0.0)
UNIT = Support("unit", "a number between 0 and 1", lower=0.0, upper=1.0)
BOOLEAN = Support("boolean", "0 or 1", lower=0.0, upper=1.0, integer=True)
INTEGER = Support("integer", "a whole number", integer=True)
CATEGORY = Support("category", "a whole number of at least 1", lower=1.0, integer=True)
COUNT = Support("count", "a whole number of at least 0", lower=0.0, integer=True)
FINITE = Support("finite", "one of finitely many whole numbers", lower=0.0, upper=2.0**53, integer=True)
CIRCLE = Support("circle", "an angle", lower=-math.pi, upper=math.pi)
