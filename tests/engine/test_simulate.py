"""Whole data sets drawn from a model: their laws against scipy, and what stays as it is in the data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from qemppl.calibration import with_outcomes
from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.driver import compile_model
from qemppl.engine.ancestral import simulate
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

MEMBERS = 4000


def simulated(text: str, data: dict[str, object], seed: int) -> dict[str, torch.Tensor]:
    bound, _ = compile_model(text=text).bind(data)
    return simulate(bound, torch.Generator().manual_seed(seed), CPU)


def test_latents_and_outcomes_have_their_laws() -> None:
    """Probability integral transforms are uniform: Kolmogorov-Smirnov tests that err once in 10,000 seeds each."""
    text = """
    data { plate g; real x[g]; real y[g]; int<lower=0> k[g]; real z[g]; }
    model {
      real mu ~ normal(3, 2);
      plate g {
        real<lower=1> a ~ normal(0, 1);
        real eta = mu + a * x;
        y ~ normal(eta, 0.5);
        k ~ poisson(a);
        z ~ normal(a, 1) T[0, ];
      }
    }
    """
    x = np.linspace(-2, 2, MEMBERS)
    drawn = simulated(text, {"x": x, "y": np.zeros(MEMBERS), "k": np.zeros(MEMBERS, int), "z": np.ones(MEMBERS)}, 1)
    assert {name: tuple(values.shape) for name, values in drawn.items()} == {"mu": (1, 1)} | dict.fromkeys(
        ("a", "eta", "y", "k", "z"), (1, MEMBERS)
    )
    mu, a, eta, y, k, z = (drawn[name][0].numpy() for name in ("mu", "a", "eta", "y", "k", "z"))
    np.testing.assert_allclose(eta, mu + a * x, rtol=1e-12)
    assert stats.kstest(stats.norm.sf(a) / stats.norm.sf(1), "uniform").pvalue > 1e-4
    assert stats.kstest((y - eta) / 0.5, "norm").pvalue > 1e-4
    assert stats.kstest(stats.truncnorm(-a, np.inf, a, 1).cdf(z), "uniform").pvalue > 1e-4
    randomised = stats.poisson(a).cdf(k - 1) + np.random.default_rng(1).uniform(size=MEMBERS) * stats.poisson(a).pmf(k)
    assert stats.kstest(randomised, "uniform").pvalue > 1e-4


def test_no_prior_has_a_stand_in() -> None:
    """As a start for a fit, so wide a prior is replaced by a narrower one; here it is drawn from. A test that errs once in 10,000 seeds."""
    text = "data { plate g; real y[g]; } model { plate g { real<lower=0> s ~ inv_gamma(0.01, 1); y ~ normal(0, 1); } }"
    s = simulated(text, {"y": np.zeros(200)}, 2)["s"]
    assert stats.kstest(stats.invgamma(0.01).cdf(s[0].numpy()), "uniform").pvalue > 1e-4


def test_missing_outcomes_stay_missing_and_their_covariates_may_be_missing_too() -> None:
    text = """
    data { plate g; missing int<lower=0,upper=1> k[g]; missing vector[2] v[g]; int<lower=0> n[g]; }
    model { real a ~ normal(0, 1); plate g { k ~ bernoulli_logit(a); v ~ normal(a, 1); n ~ poisson(2); } }
    """
    data = {"k": [1, None, 0], "v": [[1.0, None], [2.0, 3.0], [None, None]], "n": [1, 2, 3]}
    bound, _ = compile_model(text=text).bind(data)
    drawn = simulate(bound, torch.Generator().manual_seed(3), CPU)
    arrays = with_outcomes(bound, drawn).arrays
    np.testing.assert_array_equal(np.isnan(arrays["k"]), [False, True, False])
    np.testing.assert_array_equal(np.isnan(arrays["v"]), [[True, True], [False, False], [True, True]])
    assert arrays["n"].dtype == np.int64
    np.testing.assert_array_equal(arrays["n"], drawn["n"][0])


@pytest.mark.parametrize(
    ("law", "name"),
    [("real y[g]; } model { real x ~ normal(900, 1); plate g { y ~ normal(exp(x), 1);", "y"),
     ("int y[g]; } model { real x ~ normal(60, 1); plate g { y ~ poisson_log(x);", "y")],
)  # fmt: skip
def test_a_draw_that_overflows_is_an_error_at_its_statement(law: str, name: str) -> None:
    with pytest.raises(DiagnosticsError, match="QEM804") as caught:
        simulated(f"data {{ plate g; {law} }} }}", {"y": [1, 2]}, 4)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    assert f"`{name}`" in diagnostic.message
