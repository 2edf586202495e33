from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nbinom, norm

from benchmarks.references.epidemic import FIRST, log_density


def test_the_chain_is_integrated_out() -> None:
    cases, drift, s, phi = np.array([12.0, 9.0]), np.array([np.nan, -0.3]), 0.2, 5.0
    nodes, weights = np.polynomial.legendre.leggauss(200)
    first, weight = 3 + 10 * nodes, 10 * weights * norm.pdf(3 + 10 * nodes, *FIRST)
    later, weight_later = first[:, None] + drift[1] + 2 * nodes, 2 * weights * norm.pdf(2 * nodes, 0, s)
    chance = [nbinom.pmf(y, phi, phi / (phi + np.exp(x))) for y, x in zip(cases, (first, later), strict=True)]
    expected = weight @ (chance[0] * (chance[1] @ weight_later))
    assert log_density(cases, drift, s, phi) == pytest.approx(np.log(expected), abs=1e-7)
    assert log_density(cases, drift, s, phi, 2) == pytest.approx(log_density(cases, drift, s, phi, 6), abs=1e-10)
