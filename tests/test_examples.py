"""Every example, fitted with default settings, against the long NUTS run of its reference.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from benchmarks.examples import EXAMPLES, NAMES, REFERENCED
from qemppl.driver import compile_model
from qemppl.result.fit import FitResult

FEW_GROUPS = {("eight_schools", "tau"), ("surgical", "sigma"), ("melanoma", "s_nation"), ("wine", "s")}
"""Scales of fewer than 15 groups: the posterior has a heavy tail, so twice the error is allowed."""

DISCRETE = {"z", "prone", "occupied", "alive"}
"""Latents of two values: the mean says what the sd is, down to chances of 1e-9."""
ROUNDING = 1e-6
"""Of the means of discrete latents that are all but certain."""

Array = NDArray[np.float64]


UNSEEN = 0.02
"""Mass at scales so near 0 that particles of the groups rarely meet them: the evidence misses some of it, and its error does not say so."""


@cache
def fit(name: str, seed: int) -> FitResult:
    folder = EXAMPLES / name
    return compile_model(folder / "model.qem").fit(folder / "data.json", seed=seed)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", REFERENCED)
def test_agrees_with_the_reference(name: str, seed: int) -> None:
    reference = json.loads((EXAMPLES / name / "reference.json").read_text())
    result = fit(name, seed)
    rows = {row.name: row for row in result.summary()}
    assert set(rows) == set(reference)
    for key, expected in reference.items():
        slack = 2 if (name, key) in FEW_GROUPS else 1
        assert abs(rows[key].mean - expected["mean"]) <= 0.05 * slack * expected["sd"] + ROUNDING, key
        if key.partition("[")[0] not in DISCRETE:
            assert abs(rows[key].sd / expected["sd"] - 1) <= 0.05 * slack, key
    assert not result.warnings
    assert np.isfinite(result.log_evidence or np.nan)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(REFERENCED)))
def test_what_has_no_reference_is_bound_to_its_data(name: str) -> None:
    bound, warnings = compile_model(EXAMPLES / name / "model.qem").bind(EXAMPLES / name / "data.json")
    assert not warnings
    assert bound.ir.observations


def test_every_example_is_complete() -> None:
    assert len(NAMES) == 16
    for name in NAMES:
        files = {path.name for path in (EXAMPLES / name).iterdir()}
        assert {"model.qem", "data.json", "README.md"} <= files
        assert ("reference.json" if name in REFERENCED else "truth.json") in files
        assert "posterior.png" in files or name not in REFERENCED


def eight_schools_log_joint(data: dict[str, Any], mu: Array, tau: Array, fineness: int) -> Array:
    """log p(y, mu, tau): theta is integrated out in closed form."""
    log_joint = stats.norm.logpdf(mu, 0, 5) + stats.halfcauchy.logpdf(tau, scale=5)
    for y, sigma in zip(data["y"], data["sigma"], strict=True):
        log_joint = log_joint + stats.norm.logpdf(y, mu, np.hypot(sigma, tau))
    return log_joint


def surgical_log_joint(data: dict[str, Any], mu: Array, sigma: Array, fineness: int) -> Array:
    """log p(deaths, mu, sigma): each b is integrated out by Gauss-Hermite quadrature under its prior."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(fineness)
    b = mu[..., None] + sigma[..., None] * nodes
    log_death, log_survival = special.log_expit(b), special.log_expit(-b)
    log_weights = np.log(weights / weights.sum())
    log_joint = stats.norm.logpdf(mu, -2, 1.5) + stats.halfnorm.logpdf(sigma)
    for deaths, n in zip(data["deaths"], data["n"], strict=True):
        log_likelihood = deaths * log_death + (n - deaths) * log_survival + np.log(special.comb(n, deaths))
        log_joint = log_joint + special.logsumexp(log_likelihood + log_weights, axis=-1)
    return log_joint


LogJoint = Callable[[dict[str, Any], Array, Array, int], Array]
GRIDS: dict[str, tuple[LogJoint, tuple[float, float], tuple[float, float]]] = {
    "eight_schools": (eight_schools_log_joint, (-40, 40), (-25, 14)),
    "surgical": (surgical_log_joint, (-5.5, 0), (-10, 2)),
}
"""The log joint density of (mu, scale), and the ranges of mu and of the log scale, outside which next to nothing lies."""


def evidence_on_grid(name: str, points: int) -> float:
    """log of the integral over (mu, log scale) by the trapezoidal rule; the integrand vanishes at the ends."""
    log_joint, mu_range, log_range = GRIDS[name]
    data = json.loads((EXAMPLES / name / "data.json").read_text())
    mu, mu_step = np.linspace(*mu_range, points, retstep=True)
    log_scale, log_step = np.linspace(*log_range, points, retstep=True)
    density = log_joint(data, mu[:, None], np.exp(log_scale)[None], points) + log_scale
    return float(special.logsumexp(density) + np.log(mu_step * log_step))


@cache
def exact_evidence(name: str) -> tuple[float, float]:
    """The log evidence, and the error of the grid: what halving it changes."""
    coarse, fine = (evidence_on_grid(name, points) for points in (60, 120))
    return fine, abs(fine - coarse)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", sorted(GRIDS))
def test_evidence_agrees_with_a_sum_over_a_grid(name: str, seed: int) -> None:
    exact, grid_error = exact_evidence(name)
    result = fit(name, seed)
    assert result.log_evidence is not None
    assert result.log_evidence_mcse is not None
    assert grid_error < 1e-4
    assert abs(result.log_evidence - exact) <= 5 * result.log_evidence_mcse + UNSEEN + grid_error
