from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm, poisson

from benchmarks.performance import cases, truth
from benchmarks.performance.cases import HERE
from qemppl.diagnostics.source import Source
from qemppl.lang.format.format import format_source


@pytest.mark.parametrize("path", sorted((HERE / "models").glob("*.qem")), ids=lambda path: path.stem)
def test_models_are_in_canonical_layout(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_source(Source(path.name, text)) == text


def test_the_truth_of_the_linear_model_is_that_of_normal_groups() -> None:
    data, at = cases.linear(3, 12), np.array([0.3, -0.2, 0.5, -0.4])
    tau, sigma = np.exp(at[1]), np.exp(at[3])
    expected = truth.log_prior(truth.NAMES["linear"], at)
    for group in (1, 2, 3):
        x, y = (data[name][data["group_of"] == group] for name in ("x", "y"))
        covariance = sigma**2 * np.eye(len(x)) + tau**2
        expected += multivariate_normal(at[0] + at[2] * x, covariance).logpdf(y)
    value, mean, sd = truth.linear(data)(at)
    assert value == pytest.approx(expected, rel=1e-12)
    for group in (1, 2, 3):
        x, y = (data[name][data["group_of"] == group] for name in ("x", "y"))
        gain = tau**2 * np.linalg.inv(sigma**2 * np.eye(len(x)) + tau**2).sum(0)
        assert mean[group - 1] == pytest.approx(at[0] + gain @ (y - at[0] - at[2] * x), rel=1e-12)
        assert sd[group - 1] == pytest.approx(tau * np.sqrt(1 - gain.sum()), rel=1e-9)


def test_the_truth_of_the_poisson_model_is_that_of_quadrature() -> None:
    data, at = cases.poisson(3), np.array([-0.1, -0.6])
    expected, moments = truth.log_prior(truth.NAMES["poisson"], at), []
    for exposure, y in zip(data["exposure"], data["y"], strict=True):
        effect = norm(at[0], np.exp(at[1]))
        mass, first, second = (
            quad(
                lambda a, e=exposure, y=y, law=effect, power=power: (
                    a**power * law.pdf(a) * poisson(e * np.exp(a)).pmf(y)
                ),
                -8,
                8,
            )[0]
            for power in range(3)
        )
        expected += np.log(mass)
        moments.append((first / mass, np.sqrt(second / mass - (first / mass) ** 2)))
    value, mean, sd = truth.integrated("poisson", data)(at)
    assert value == pytest.approx(expected, rel=1e-8)
    np.testing.assert_allclose(np.column_stack([mean, sd]), moments, rtol=1e-6)


def test_the_truth_covers_every_latent() -> None:
    """On data that leave mu and tau open but say all of the effects: each is then as good as the mean of its rows."""
    data = cases.linear(4, 400)
    table = truth.moments("linear", truth.linear(data))
    assert list(table) == ["mu", "tau", "slope", "sigma", *(f"alpha[{group}]" for group in range(1, 5))]
    for group in range(1, 5):
        mine = data["group_of"] == group
        alone = (data["y"] - table["slope"]["mean"] * data["x"])[mine].mean()
        assert abs(table[f"alpha[{group}]"]["mean"] - alone) < 0.1
        assert table[f"alpha[{group}]"]["sd"] == pytest.approx(table["sigma"]["mean"] / np.sqrt(mine.sum()), rel=0.1)
