"""Fits against closed forms: posterior means and sds, and the evidence.

Seeds are fixed. A correct fit misses a bound of 5 Monte Carlo standard errors less than once in a million seeds.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from qemppl.driver import compile_model
from tests.engine.truth import SIGMAS, check_evidence, check_moments

RNG = np.random.default_rng(20)


def test_normal_mean() -> None:
    y = RNG.normal(2, 1.5, size=30)
    model = compile_model(
        text="data { plate obs; real y[obs]; } model { real mu ~ normal(1, 2); plate obs { y ~ normal(mu, 1.5); } }"
    )
    fit = model.fit({"y": y}, seed=1)
    precision = 1 / 4 + 30 / 1.5**2
    check_moments(fit, "mu", np.array((1 / 4 + y.sum() / 1.5**2) / precision), np.array(precision**-0.5))
    covariance = 1.5**2 * np.eye(30) + 4 * np.ones((30, 30))
    check_evidence(fit, stats.multivariate_normal(np.full(30, 1.0), covariance).logpdf(y))


HIERARCHY = """
data { plate g; plate obs in g by g_of; real x[obs]; real y[obs]; }
model {
  real mu ~ normal(0, 2); real slope ~ normal(0, 1);
  plate g { real theta ~ normal(mu, 1.3); plate obs { y ~ normal(theta + slope * x, 0.7); } }
}
"""


def test_normal_hierarchy_with_a_covariate() -> None:
    """All latents and data are jointly normal: the posterior is a linear regression."""
    groups, parents = 6, np.repeat(np.arange(6), [1, 2, 3, 4, 5, 6])
    x = RNG.normal(size=len(parents))
    y = RNG.normal(0.5 + x + parents / 3, 0.7)
    fit = compile_model(text=HIERARCHY).fit({"g_of": parents + 1, "x": x, "y": y}, seed=2)
    design = np.column_stack([np.zeros(len(y)), x, np.eye(groups)[parents]])
    prior = np.diag([4.0, 1.0] + [1.3**2] * groups)
    prior[2:, 2:] += 4.0
    prior[0, 2:] = prior[2:, 0] = 4.0
    marginal = design @ prior @ design.T + 0.7**2 * np.eye(len(y))
    gain = prior @ design.T @ np.linalg.inv(marginal)
    mean, sd = gain @ y, np.sqrt(np.diag(prior - gain @ design @ prior))
    check_moments(fit, "mu", mean[0], sd[0])
    check_moments(fit, "slope", mean[1], sd[1])
    check_moments(fit, "theta", mean[2:], sd[2:])
    check_evidence(fit, stats.multivariate_normal(np.zeros(len(y)), marginal).logpdf(y))


@pytest.mark.parametrize("vague", [1e-3, 0.1])
def test_an_inverse_gamma_prior_that_is_nearly_improper(vague: float) -> None:
    """Prior draws of inv_gamma(0.001, 0.001) overflow, so the fit starts elsewhere; its target is as stated."""
    rng = np.random.default_rng(21)
    y = rng.normal(3, 2.5, size=40)
    text = "data { plate obs; real y[obs]; } model { real<lower=0> v ~ inv_gamma(VAGUE, VAGUE); plate obs { y ~ normal(3, sqrt(v)); } }"
    fit = compile_model(text=text.replace("VAGUE", str(vague))).fit({"y": y}, seed=1)
    shape, scale = vague + 20, vague + 0.5 * ((y - 3) ** 2).sum()
    posterior = stats.invgamma(shape, scale=scale)
    check_moments(fit, "v", np.array(posterior.mean()), np.array(posterior.std()))
    at = 6.0  # the evidence is prior x likelihood / posterior, anywhere
    prior = stats.invgamma(vague, scale=vague).logpdf(at)
    check_evidence(fit, prior + stats.norm(3, at**0.5).logpdf(y).sum() - posterior.logpdf(at))


def test_beta_binomial() -> None:
    n, k = np.array([3, 10, 25, 40, 7]), np.array([0, 4, 25, 11, 3])
    model = compile_model(
        text="data { plate ward; int n[ward]; int k[ward]; } "
        "model { plate ward { real<lower=0,upper=1> p ~ beta(2, 3); k ~ binomial(n, p); } }"
    )
    fit = model.fit({"n": n, "k": k}, seed=3)
    posterior = stats.beta(2 + k, 3 + n - k)
    check_moments(fit, "p", posterior.mean(), posterior.std())
    check_evidence(fit, stats.betabinom(n, 2, 3).logpmf(k).sum())


def test_gamma_poisson() -> None:
    counts = {"site_of": np.array([1, 1, 2, 3, 3, 3]), "n": np.array([4, 6, 0, 1, 2, 11])}
    model = compile_model(
        text="data { plate site; plate trap in site by site_of; int<lower=0> n[trap]; } "
        "model { plate site { real<lower=0> rate ~ gamma(2, 0.5); plate trap { n ~ poisson(rate); } } }"
    )
    fit = model.fit(counts, seed=4)
    totals, sizes = np.array([10, 0, 14]), np.array([2, 1, 3])
    posterior = stats.gamma(2 + totals, scale=1 / (0.5 + sizes))
    check_moments(fit, "rate", posterior.mean(), posterior.std())
    exact = 0.0
    for site in (1, 2, 3):
        a, b = 2.0, 0.5  # one observation after another: each is negative binomial given those before
        for value in counts["n"][counts["site_of"] == site]:
            exact += stats.nbinom(a, b / (b + 1)).logpmf(value)
            a, b = a + value, b + 1
    check_evidence(fit, exact)


@pytest.mark.parametrize("seed", range(3))
def test_truncated_prior_is_normalised(seed: int) -> None:
    """A half-normal scale of one observation: the evidence is a one-dimensional integral."""
    model = compile_model(text="data { real y; } model { real<lower=0> s ~ normal(0, 2); y ~ normal(0, s); }")
    fit = model.fit({"y": 1.3}, seed=seed)
    grid = np.linspace(1e-3, 25, 400_001)
    joint = stats.halfnorm(scale=2).pdf(grid) * stats.norm(0, grid).pdf(1.3)
    evidence = np.trapezoid(joint, grid)
    mean = np.trapezoid(grid * joint, grid) / evidence
    sd = np.sqrt(np.trapezoid(grid**2 * joint, grid) / evidence - mean**2)
    check_moments(fit, "s", mean, sd)
    check_evidence(fit, float(np.log(evidence)))


def test_a_thousand_groups() -> None:
    """Wide starts and many groups: the global mean is known in closed form once the group means are summed out."""
    groups, rows = 1000, 5
    effects = RNG.normal(1.5, 0.7, groups)
    y = np.repeat(effects, rows) + RNG.normal(size=groups * rows)
    model = compile_model(
        text="data { plate g; plate o in g by g_of; real y[o]; } model { real mu ~ normal(0, 10); "
        "plate g { real a ~ normal(mu, 0.7); plate o { y ~ normal(a, 1); } } }"
    )
    fit = model.fit({"g_of": np.repeat(np.arange(groups), rows) + 1, "y": y}, seed=6, draws=500)
    means, variance = y.reshape(groups, rows).mean(1), 0.7**2 + 1 / rows
    precision = 1 / 100 + groups / variance
    mu = fit.estimate("mu")
    assert abs(mu.mean - means.sum() / variance / precision) <= SIGMAS * mu.mcse + 0.02 * precision**-0.5
    assert mu.sd == pytest.approx(precision**-0.5, rel=0.05)
    weight = 0.7**2 / variance
    expected = weight * means + (1 - weight) * mu.mean
    sd = np.sqrt(weight / rows + (1 - weight) ** 2 / precision)
    assert (np.abs(fit.estimate("a").mean - expected) <= 0.06 * sd).mean() > 0.99
