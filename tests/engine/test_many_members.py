"""A fit of many groups against an accurate reference: global means within 0.05 posterior sd, whose sds are as small as 1 / sqrt(groups)."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import special, stats

from qemppl.driver import compile_model

GROUPS = 2000
TEXT = """
data { plate group; real<lower=0> exposure[group]; int<lower=0> y[group]; }
model {
  joint { real mu ~ normal(0, 2); real<lower=0> tau ~ normal(0, 1); }
  plate group { real a ~ normal(mu, tau); y ~ poisson(exposure * exp(a)); }
}
"""


@cache
def data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    exposure = rng.uniform(0.5, 5, GROUPS)
    return {"exposure": exposure, "y": rng.poisson(exposure * np.exp(rng.normal(0.3, 0.7, GROUPS)))}


@cache
def reference() -> tuple[float, dict[str, tuple[float, float]]]:
    """Sums over grids: each a by the trapezium rule, exact to rounding here, then (mu, log tau) over six sd and more."""
    a = np.linspace(-4, 5, 301)
    log_likelihood = stats.poisson.logpmf(data()["y"][:, None], data()["exposure"][:, None] * np.exp(a))
    top = log_likelihood.max(1, keepdims=True)
    likelihood = np.exp(log_likelihood - top)
    mu, log_tau = np.linspace(0.10, 0.46, 37), np.linspace(-0.56, -0.20, 37)
    prior = stats.norm.pdf(a, mu[:, None, None], np.exp(log_tau)[None, :, None]) * (a[1] - a[0])
    log_p = np.log(np.einsum("na,mta->nmt", likelihood, prior)).sum(0) + top.sum()
    log_p += stats.norm.logpdf(mu, 0, 2)[:, None] + stats.halfnorm.logpdf(np.exp(log_tau)) + log_tau
    cell = (mu[1] - mu[0]) * (log_tau[1] - log_tau[0])
    weight = special.softmax(log_p)
    assert weight[[0, -1]].sum() + weight[:, [0, -1]].sum() < 1e-6, "the grid holds the posterior"
    found = {}
    for name, values in (("mu", mu[:, None]), ("tau", np.exp(log_tau)[None])):
        mean = float((weight * values).sum())
        found[name] = (mean, float((weight * (values - mean) ** 2).sum() ** 0.5))
    return float(special.logsumexp(log_p) + np.log(cell)), found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_thousand_groups(seed: int) -> None:
    log_z, moments = reference()
    fit = compile_model(text=TEXT).fit(data(), seed=seed, draws=200)
    for name, (mean, sd) in moments.items():
        estimate = fit.estimate(name)
        assert abs(float(estimate.mean) - mean) <= 0.05 * sd, name
        assert abs(float(estimate.sd) / sd - 1) <= 0.05, name
    assert fit.log_evidence is not None
    assert abs(fit.log_evidence - log_z) < 0.1
    assert not fit.warnings
