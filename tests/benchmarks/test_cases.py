from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm, poisson

from benchmarks.performance import cases, truth
from benchmarks.performance.cases import CASES, HERE
from qemppl.diagnostics.source import Source
from qemppl.lang.format.format import format_source


@pytest.mark.parametrize("path", sorted((HERE / "models").glob("*.qem")), ids=lambda path: path.stem)
def test_models_are_in_canonical_layout(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_source(Source(path.name, text)) == text


def test_simulated_cases_have_their_truth() -> None:
    for case in CASES:
        if case.peer in truth.NAMES:
            assert set(case.reference() or {}) == set(truth.NAMES[case.peer])


def test_the_truth_of_the_linear_model_is_that_of_normal_groups() -> None:
    data, at = cases.linear(3, 12), np.array([0.3, -0.2, 0.5, -0.4])
    tau, sigma = np.exp(at[1]), np.exp(at[3])
    expected = truth.log_prior(truth.NAMES["linear"], at)
    for group in (1, 2, 3):
        x, y = (data[name][data["group_of"] == group] for name in ("x", "y"))
        covariance = sigma**2 * np.eye(len(x)) + tau**2
        expected += multivariate_normal(at[0] + at[2] * x, covariance).logpdf(y)
    assert truth.linear(data)(at) == pytest.approx(expected, rel=1e-12)


def test_the_truth_of_the_poisson_model_is_that_of_quadrature() -> None:
    data, at = cases.poisson(3), np.array([-0.1, -0.6])
    expected = truth.log_prior(truth.NAMES["poisson"], at)
    for exposure, y in zip(data["exposure"], data["y"], strict=True):
        effect = norm(at[0], np.exp(at[1]))
        mass, _ = quad(lambda a, e=exposure, y=y, law=effect: law.pdf(a) * poisson(e * np.exp(a)).pmf(y), -8, 8)
        expected += np.log(mass)
    assert truth.integrated("poisson", data)(at) == pytest.approx(expected, rel=1e-8)
