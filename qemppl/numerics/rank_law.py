"""How far the ranks of calibrated draws stray from uniform: simultaneous bands of their distribution function, exactly.

Säilynoja, Bürkner, Vehtari 2022, "Graphical test for discrete uniformity and its applications in goodness-of-fit evaluation and
multiple sample comparison".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

NEGLIGIBLE = 1e-40
"""Chance of so many ranks of one value, below which they are left out."""
ROUNDING = 1e-9
"""Relative; tails that are equal by symmetry differ by less."""


@dataclass(frozen=True)
class RankLaw:
    """Independent ranks, uniform on 0..draws, one of each of some simulations.

    How many ranks lie below r is binomial with probability r / (draws + 1), for r = 1..draws. The two-sided tail of that count, the
    least over all r, measures how far a set of ranks strays.
    """

    simulations: int
    draws: int

    def below(self, ranks: Counts) -> Counts:
        """(point,) how many ranks are less than 1..draws. ranks: (simulation,)."""
        return np.cumsum(np.bincount(ranks, minlength=self.draws + 1))[:-1]

    def extreme(self, ranks: Counts) -> float:
        """The least tail of a set of ranks, (simulation,); small where they stray far."""
        return float(self._tails[np.arange(self.draws), self.below(ranks)].min())

    def p_value(self, extreme: float) -> float:
        """The chance that ranks stray as far as this or further, exact to some 1e-12."""
        return max(0.0, 1.0 - self._stay_inside(self._inside(extreme)))

    def band(self, alpha: float) -> tuple[Counts, Counts]:
        """The least and the most counts, each (point,), between which all counts lie with probability 1 - alpha or a little more: the
        narrowest band whose points have equal tails. A set of ranks leaves it just where its p-value is at most alpha."""
        tails = np.unique(self._tails)
        # of the tails that alpha leaves out, the last is at or after `low` and before `high`
        low, high = -1, len(tails) - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.p_value(tails[middle]) <= alpha else (low, middle)
        inside = self._inside(tails[low]) if low >= 0 else np.ones_like(self._tails, np.bool_)
        return inside.argmax(1), self.simulations - inside[:, ::-1].argmax(1)

    @cached_property
    def _tails(self) -> Array:
        """(point, count): 2 min(P(B <= count), P(B >= count)), at most 1, of B binomial."""
        n = self.simulations
        count, p = np.arange(n + 1), np.arange(1, self.draws + 1)[:, None] / (self.draws + 1)
        log_p = _log_factorials(n)[n] - _log_factorials(n) - _log_factorials(n)[::-1]
        mass = np.exp(log_p + count * np.log(p) + (n - count) * np.log1p(-p))
        lower, upper = mass.cumsum(1), mass[:, ::-1].cumsum(1)[:, ::-1]
        tails: Array = np.minimum(2 * np.minimum(lower, upper), 1.0)
        return tails

    def _inside(self, extreme: float) -> NDArray[np.bool_]:
        """(point, count): the counts whose tails are larger."""
        return self._tails > extreme * (1 + ROUNDING)

    def _stay_inside(self, inside: NDArray[np.bool_]) -> float:
        """The chance that all counts are inside: (point, count).

        Multinomial counts are Poisson ones given their sum, and Poisson counts are independent: from point to point the law of the count
        is convolved with that of one value of the rank, and cut.
        """
        n = self.simulations
        log_rate = np.log(n / (self.draws + 1))
        single = np.exp(np.arange(n + 1) * log_rate - n / (self.draws + 1) - _log_factorials(n))
        single = single[: 1 + np.flatnonzero(single > NEGLIGIBLE)[-1]]
        law = np.ones(1)
        for here in inside:
            law = np.convolve(law, single)[: n + 1]
            law = law * here[: len(law)]
        last = np.convolve(law, single)
        total = np.exp(n * np.log(n) - n - _log_factorials(n)[n])
        return float(last[n] / total) if len(last) > n else 0.0


def _log_factorials(most: int) -> Array:
    """log n! for n = 0..most."""
    return np.cumsum(np.log(np.maximum(np.arange(most + 1), 1)))


def rank(truth: Array, draws: Array, generator: np.random.Generator, slack: float = 0.0) -> Counts:
    """(...,) how many draws lie below the truth; equal ones, and those within `slack`, count or do not at random, all numbers of them
    being as likely. truth: (...,). draws: (draw, ...)."""
    ties = (np.abs(draws - truth) <= slack).sum(0)
    ranks: Counts = (draws < truth - slack).sum(0) + generator.integers(0, ties, endpoint=True)
    return ranks
