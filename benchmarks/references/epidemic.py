"""python -m benchmarks.references.epidemic: log p(cases | parameters) of the example `epidemic` at the parameters behind its data.

Given them, regions are independent, and the chain of each is integrated out by the trapezoidal rule on a grid. Its error falls like
exp(-2 (pi s / spacing)^2): with a spacing of half the chain's step s it is exact to rounding.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import nbinom, norm

FOLDER = Path(__file__).parents[2] / "examples" / "epidemic"
LOWEST, HIGHEST = -40.0, 20.0
FIRST = (3.0, 2.0)
WIDTH = 12
"""Steps further than this many standard deviations are left out."""

Array = NDArray[np.float64]


def log_density(cases: Array, drift: Array, s: float, phi: float, fineness: float = 3) -> float:
    """log density, in nats, of the cases of one region, (day,). drift: the mean of the step to each day, (day,); the first is not read.
    fineness: grid points in a length of s.
    """
    spacing = s / fineness
    grid = np.arange(LOWEST, HIGHEST, spacing)
    chance = phi / (phi + np.exp(grid))
    log_emission = nbinom.logpmf(cases[:, None], phi, chance)
    log_alpha = norm.logpdf(grid, *FIRST) + log_emission[0]
    for now in range(1, len(cases)):
        reach = np.ceil((WIDTH * s + abs(drift[now])) / spacing)
        kernel = norm.pdf(np.arange(-reach, reach + 1) * spacing, drift[now], s) * spacing
        highest = log_alpha.max()
        with np.errstate(divide="ignore"):
            log_alpha = np.log(np.convolve(np.exp(log_alpha - highest), kernel, "same")) + highest + log_emission[now]
    return float(logsumexp(log_alpha) + np.log(spacing))


def at_truth(fineness: float) -> float:
    """The sum over the regions of the example."""
    data, truth = (json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in ("data", "truth"))
    total = 0.0
    for x, cases in zip(data["x"], data["cases"], strict=True):
        drift = truth["growth"] - np.array(x) @ np.array(truth["beta"])
        total += log_density(np.array(cases, float), drift, truth["s"], truth["phi"], fineness)
    return total


if __name__ == "__main__":
    for fineness in (2, 3):
        print(f"spacing s/{fineness}: log p(cases | parameters) = {at_truth(fineness):.6f}")
