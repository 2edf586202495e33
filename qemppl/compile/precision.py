"""Where single precision is enough: the exponentials of members that are summed out in slabs, most of all that a wide contraction does.

Log-factors are computed and shifted by their maximum in double precision; only then are they rounded, exponentiated and summed in
single precision, twice as fast and in half the memory. With unit roundoff u, a shifted log-factor x is off by |x| u, its exponential by
2 u more, and a sum of K terms by log2(K) u. Weighted by the terms themselves, |x| is at most log K, because the entropy of K weights is.
So a message, the log of such a sum, is off by at most u (log K + log2 K + 2) nats. Errors of N members are as good as independent and
their mean is 0: together they stay below LAMBDA sqrt(N) of one (Higham and Mary 2019, "A new approach to probabilistic rounding error
analysis", which bounds the risk that they do not by 2 exp(-LAMBDA^2 / 2)).

Factors that are multiplied as matrices stay in double precision: what the product of two small numbers may be, single precision does
not hold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import log, log2, prod, sqrt

from qemppl.compile.eliminate import Elimination, Step
from qemppl.compile.layout import Axes

UNIT_ROUNDOFF = 2.0**-24
LAMBDA = 5.0
"""A risk of 7e-6."""
TOLERANCE = 0.01
"""Nats that rounding may change log Zhat by."""
WORTH_IT = 1 << 18
"""Entries of all tables from which on single precision saves time."""


def single_precision(
    elimination: Elimination, cut: Collection[str | None], axes: Axes, particles: Mapping[str, int]
) -> float | None:
    """The largest error of log Zhat, in nats, that single precision makes; None where double precision is to be used.

    cut: the plates that are summed out in slabs.
    """
    if single_entries(elimination, cut, axes, particles) < WORTH_IT:
        return None
    steps = single_steps(elimination, cut)
    variance = sum(
        axes.size(step.plate) * _error(prod(particles[dim] for dim in step.eliminated)) ** 2 for step in steps
    )
    bound = LAMBDA * sqrt(variance)
    return bound if bound <= TOLERANCE else None


def single_entries(
    elimination: Elimination, cut: Collection[str | None], axes: Axes, particles: Mapping[str, int]
) -> int:
    """Entries of the tables whose exponentials may be taken in single precision."""
    return sum(axes.size(step.plate) * step.entries(particles) for step in single_steps(elimination, cut))


def single_steps(elimination: Elimination, cut: Collection[str | None]) -> list[Step]:
    """The steps whose exponentials may be taken in single precision."""
    return [
        step
        for step in elimination.steps
        if step.plate in cut and len(step.parts) == 1 and step.eliminated and not step.states
    ]


def _error(terms: int) -> float:
    """Of the log of a sum of exponentials, in nats."""
    return UNIT_ROUNDOFF * (log(terms) + log2(terms) + 2)
