"""Fits against independent truth: the error bounds that a correct fit misses less than once in a million seeds, and a quadrature."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from qemppl.result.fit import FitResult

SIGMAS = 5.0
Floats = NDArray[np.float64]


def check_moments(fit: FitResult, name: str, mean: Floats | float, sd: Floats | float) -> None:
    """Mean within its own Monte Carlo error, sd within 4 %, of every component; the joint draws too."""
    estimate, sd = fit.estimate(name), np.asarray(sd)
    assert (np.abs(estimate.mean - mean) <= SIGMAS * estimate.mcse + 1e-6 * sd).all()
    assert (estimate.mcse <= 0.02 * sd).all()
    np.testing.assert_allclose(estimate.sd, sd, rtol=0.04)
    draws = estimate.draws.mean(0)
    assert (np.abs(draws - mean) <= SIGMAS * sd / np.sqrt(len(estimate.draws)) + SIGMAS * estimate.mcse).all()


def check_evidence(fit: FitResult, exact: float) -> None:
    assert fit.log_evidence is not None
    assert fit.log_evidence_mcse is not None
    assert abs(fit.log_evidence - exact) <= SIGMAS * fit.log_evidence_mcse + 1e-6
    assert fit.log_evidence_mcse < 0.05
    assert not fit.warnings


def by_quadrature(log_joint: Callable[[Floats], Floats], low: float, high: float) -> tuple[float, float, float]:
    """log evidence, posterior mean and sd of one real number from its log joint density, (point,) -> (point,).

    The trapezium rule on a smooth density that vanishes at both ends is exact to rounding.
    """
    x = np.linspace(low, high, 20001)
    log_p = log_joint(x)
    weights = np.exp(log_p - logsumexp(log_p))
    mean = float(weights @ x)
    return float(logsumexp(log_p) + np.log(x[1] - x[0])), mean, float(np.sqrt(weights @ (x - mean) ** 2))
