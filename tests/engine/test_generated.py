"""Generated quantities: functions of joint draws, reductions over plates, and draws of laws."""

from __future__ import annotations

import numpy as np
from scipy import stats

from qemppl.driver import compile_model

DRAWS = 4000
TEXT = """
data { plate g; plate obs in g by g_of; real x[obs]; real y[obs]; }
transformed data {
  real centre = mean(x over obs);
  plate g { real n = sum(1 over obs); plate obs { real z = x - centre; } }
}
model {
  real mu ~ normal(0, 2); real<lower=0> s ~ normal(0, 1);
  plate g { real a ~ normal(mu, 1); plate obs { real eta = a + 0.5 * z; y ~ normal(eta, s); } }
}
generated quantities {
  real ratio = mu / s;
  real top = max(a over g);
  real overall = mean(eta over obs);
  plate g {
    real rank = sum(1 over g) * n;
    real fresh = mean(eta over obs);
    plate obs { real y_rep ~ normal(eta, s); int<lower=1> count ~ poisson(exp(0.3 * a)); real<lower=4> tail ~ normal(0, 1); }
  }
}
"""
GROUP = np.array([2, 1, 2, 3, 1, 2])
X = np.array([0.5, -1.0, 2.0, 0.0, 1.0, 1.5])
Y = np.array([1.0, 0.2, 1.7, -0.3, 0.4, 0.9])


def test_generated_quantities_follow_from_the_draws() -> None:
    fit = compile_model(text=TEXT).fit({"g_of": GROUP, "x": X, "y": Y}, seed=5, draws=DRAWS)
    mu, s, a, eta = (fit.draws(name) for name in ("mu", "s", "a", "eta"))
    assert eta.shape == (DRAWS, 6)
    np.testing.assert_allclose(eta, a[:, GROUP - 1] + 0.5 * (X - X.mean()))
    np.testing.assert_allclose(fit.draws("ratio"), mu / s)
    np.testing.assert_allclose(fit.draws("top"), a.max(1))
    np.testing.assert_allclose(fit.draws("overall"), eta.mean(1))
    sizes = np.bincount(GROUP - 1)
    np.testing.assert_allclose(fit.draws("rank"), np.broadcast_to(3 * sizes, (DRAWS, 3)))
    means = np.stack([eta[:, g == GROUP].mean(1) for g in (1, 2, 3)], 1)
    np.testing.assert_allclose(fit.draws("fresh"), means)


def test_generated_draws_have_their_law_given_the_latents() -> None:
    """Probability integral transforms are uniform: a Kolmogorov-Smirnov test that errs once in 10,000 seeds."""
    fit = compile_model(text=TEXT).fit({"g_of": GROUP, "x": X, "y": Y}, seed=6, draws=DRAWS)
    a, s, eta = fit.draws("a"), fit.draws("s"), fit.draws("eta")
    u = stats.norm(eta, s[:, None]).cdf(fit.draws("y_rep"))
    assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-4
    tail = fit.draws("tail")
    assert (tail > 4).all()
    assert stats.kstest((stats.norm.sf(tail) / stats.norm.sf(4)).ravel(), "uniform").pvalue > 1e-4
    count, rate = fit.draws("count"), np.exp(0.3 * a[:, GROUP - 1])
    assert (count >= 1).all()
    mean = rate / -np.expm1(-rate)  # of a Poisson law without 0
    error = count.std() / np.sqrt(count.size)
    assert abs((count - mean).mean()) < 5 * error


def test_draws_stand_in_the_predictive_group(tmp_path) -> None:  # type: ignore[no-untyped-def]
    fit = compile_model(text=TEXT).fit({"g_of": GROUP, "x": X, "y": Y}, seed=7, draws=50)
    tree = fit.to_datatree()
    assert set(tree["posterior_predictive"].data_vars) == {"y_rep", "count", "tail"}
    assert {"ratio", "top", "overall", "rank", "fresh"} <= set(tree["posterior"].data_vars)
    assert {"centre", "n", "z"} <= set(tree["constant_data"].data_vars)
    assert tree["posterior_predictive"]["y_rep"].dims == ("chain", "draw", "obs")
