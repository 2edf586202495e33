"""The passes of the compiler that make an iteration cheaper and leave its numbers as they are: to rounding, and where `integrate` spares
particles, to the Monte Carlo error that these would have.

Each can be switched off, in `explain --without NAME` and in the tests, which compare the numbers with and without it.
"""

from __future__ import annotations

PASSES: dict[str, str] = {
    "integrate": "states of a linear-Gaussian chain have no particles: the Kalman filter integrates them in closed form",
    "statistics": "rows with equal arguments are added up to the sufficient statistics of their law",
    "moments": "a linear predictor under a normal law is reduced to second moments of the data",
    "distribute": "the dot product of a sum is a sum of dot products, and one of a product a matrix product",
    "counts": "equal rows are computed once and counted",
    "additive": "a predictor that is a sum takes exponentials of its terms, not of all their pairs",
    "binary": "binary outcomes of a member share one logarithm",
    "natural": "an exponential-family density of two sets of particles is a matrix product over its statistics",
    "products": "factors that share only summed-out particles are multiplied as matrices, each exponentiated alone",
    "single": "exponentials of many members are taken in single precision, where a bound of the error allows it",
    "slabs": "members of a plate are computed and summed out slab by slab, so that tables stay in the cache or the memory",
}
"""By name, what a pass does."""

ALL_PASSES = frozenset(PASSES)
