"""Chains drawn forward: their laws at every step against closed forms, each test with a false alarm in less than 10,000 seeds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.driver import compile_model
from qemppl.engine.ancestral import prior_draws, simulate
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

Array = NDArray[np.float64]
DRAWS = 4000
RISK = 1e-4

NESTED = """
data { chain year; chain week in year; plate item in year; real y[week]; real p[item]; }
model {
  chain year {
    real x ~ normal(prev(x) + 1, 1e-6) init normal(0, 1e-6);
    plate item { real a ~ normal(3 * x, 1e-6); p ~ normal(a, 1e-6); }
    chain week { real w ~ normal(2 * prev(w), 1e-6) init normal(x + 1, 1e-6); y ~ normal(w + x, 1e-6); }
  }
}
"""


def drawn(text: str, data: dict[str, object], seed: int, draws: int = DRAWS) -> dict[str, Array]:
    """Prior draws by name: (member, draw, *event)."""
    bound, _ = compile_model(text=text).bind(data)
    return {name: x.numpy() for name, x in prior_draws(bound, draws, torch.Generator().manual_seed(seed), CPU).items()}


def simulated(text: str, data: dict[str, object], seed: int) -> dict[str, Array]:
    """One simulation by name: (member, *event)."""
    bound, _ = compile_model(text=text).bind(data)
    return {name: x[0].numpy() for name, x in simulate(bound, torch.Generator().manual_seed(seed), CPU).items()}


def assert_standard_normal(z: Array, tests: int) -> None:
    """The mean and the variance of independent standard normals, by their exact laws; one of so many tests."""
    risk = RISK / (4 * tests)
    assert abs(z.mean()) * np.sqrt(z.size) < stats.norm.isf(risk)
    assert stats.chi2(z.size).ppf(risk) < (z**2).sum() < stats.chi2(z.size).isf(risk)


def assert_probabilities(values: Array, probability: Array, tests: int) -> None:
    """Counts of the values 1..K by a chi-squared test; one of so many tests."""
    counts = np.bincount(values.astype(int), minlength=len(probability) + 1)[1:]
    assert stats.chisquare(counts, counts.sum() * probability).pvalue > RISK / tests


def test_an_autoregression_has_its_mean_and_variance_at_every_step() -> None:
    text = """
    data { chain t; real y[t]; }
    model { chain t { real x ~ normal(0.5 + 0.8 * prev(x), 0.6) init normal(-2, 0.3); y ~ normal(x, 1); } }
    """
    x = drawn(text, {"y": np.zeros(30)}, 1)["x"]
    mean, variance = -2.0, 0.3**2
    for step in range(30):
        assert_standard_normal((x[step] - mean) / np.sqrt(variance), 30)
        mean, variance = 0.5 + 0.8 * mean, 0.64 * variance + 0.36
    innovations = (x[1:] - 0.5 - 0.8 * x[:-1]) / 0.6
    assert stats.kstest(innovations.ravel(), "norm").pvalue > RISK


def test_a_local_linear_trend_has_its_moments_at_every_step() -> None:
    """Whitened by the closed form, level and slope are standard normal and do not correlate."""
    text = """
    data { chain t; real y[t]; }
    model {
      chain t {
        real slope ~ normal(prev(slope), 0.2) init normal(1, 0.5);
        real level ~ normal(prev(level) + prev(slope), 0.3) init normal(4, 2);
        y ~ normal(level, 1);
      }
    }
    """
    draws = drawn(text, {"y": np.zeros(12)}, 2)
    step = np.array([[1.0, 0.0], [1.0, 1.0]])
    mean, covariance = np.array([1.0, 4.0]), np.diag([0.25, 4.0])
    for t in range(12):
        x = np.stack([draws["slope"][t], draws["level"][t]])
        z = np.linalg.solve(np.linalg.cholesky(covariance), x - mean[:, None])
        assert_standard_normal(z, 24)
        assert stats.pearsonr(*z).pvalue > RISK / 24
        mean, covariance = step @ mean, step @ covariance @ step.T + np.diag([0.04, 0.09])


MARKOV = """
data {{ dim K = 3; chain t; matrix[K, K] A; vector[K] first; real y[t]; }}
model {{ chain t {{ {sampled} int<lower=1, upper=K> z ~ categorical(A[prev(z)]') init categorical(first); y ~ normal(z, 1); }} }}
"""


@pytest.mark.parametrize("sampled", ["", "sampled"])
def test_a_markov_chain_has_its_state_probabilities_and_transitions(sampled: str) -> None:
    a, p = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.05, 0.15, 0.8]]), np.array([0.5, 0.4, 0.1])
    text = MARKOV.format(sampled=sampled)
    z = drawn(text, {"y": np.zeros(8), "A": a.tolist(), "first": p.tolist()}, 3)["z"]
    for step in range(8):
        assert_probabilities(z[step], p @ np.linalg.matrix_power(a, step), 11)
    for state in range(3):
        assert_probabilities(z[1:][z[:-1] == state + 1], a[state], 11)


def test_a_chain_of_counts_has_its_means() -> None:
    """E n_t = keep E n_(t-1) + 1, and the variance is E n_t + keep^2 times that before; the mean of 4,000 is normal."""
    text = """
    data { chain day; int<lower=0> y[day]; }
    model { chain day { sampled int<lower=0> n ~ poisson(0.7 * prev(n) + 1) init poisson(10); y ~ poisson(n + 0.5); } }
    """
    n, mean, variance = drawn(text, {"y": np.zeros(6, int)}, 4)["n"], 10.0, 10.0
    for step in range(6):
        assert abs(n[step].mean() - mean) < stats.norm.isf(RISK / 12) * np.sqrt(variance / DRAWS)
        mean = 0.7 * mean + 1
        variance = mean + 0.49 * variance


def test_every_parent_has_a_chain_of_its_own_length_and_the_lags_of_its_own_data() -> None:
    """With almost no noise the chains are known; the bound is 100 standard deviations."""
    text = """
    data { plate store; chain week in store by s; real start[store]; real u[week]; int<lower=0,upper=1> is_first[week]; real y[week]; }
    model {
      plate store {
        chain week {
          real push = is_first == 1 ? 0 : lag(u, 1);
          real x ~ normal(prev(x) + push, 1e-6) init normal(start, 1e-6);
          real twice = 2 * x;
          y ~ normal(twice, 1e-6);
        }
      }
    }
    """
    s = np.array([2, 1, 1, 3, 2, 2, 2])
    u, is_first = np.arange(7.0) ** 2, np.array([1, 1, 0, 1, 0, 0, 0])
    start = np.array([10.0, 20.0, 30.0])
    expected = np.zeros(7)
    for store in (1, 2, 3):
        rows = np.flatnonzero(s == store)
        expected[rows] = start[store - 1] + np.concatenate([[0.0], np.cumsum(u[rows[:-1]])])
    data = {"s": s, "start": start, "u": u, "is_first": is_first, "y": np.zeros(7)}
    bound, _ = compile_model(text=text).bind(data)
    rows = bound.members["week"].rows
    x = prior_draws(bound, 3, torch.Generator().manual_seed(5), CPU)["x"].numpy()
    np.testing.assert_allclose(x, np.broadcast_to(expected[rows, None], x.shape), atol=1e-3)
    one = simulated(text, data, 6)
    np.testing.assert_allclose(one["twice"], 2 * one["x"], rtol=1e-12)
    np.testing.assert_allclose(one["y"], 2 * expected[rows], atol=1e-3)


def test_plates_inside_chains_and_chains_inside_chains_follow_their_step() -> None:
    """With almost no noise all is known; the bound is 100 standard deviations."""
    one = simulated(NESTED, {"y": [[0, 0, 0], [0], [0, 0]], "p": [[0], [0, 0], [0]]}, 7)
    np.testing.assert_allclose(one["x"], [0, 1, 2], atol=1e-3)
    np.testing.assert_allclose(one["p"], [0, 3, 3, 6], atol=1e-3)
    np.testing.assert_allclose(one["y"], [1, 2, 4, 2 + 1, 3 + 2, 6 + 2], atol=1e-3)


def test_statements_after_and_around_a_chain_see_all_of_it() -> None:
    """A latent of the chain that another one reaches back to needs no `init`; a global name may stand behind the chain."""
    text = """
    data { plate g; chain t in g; real y[t]; }
    model {
      plate g { chain t { real e ~ normal(0, 1); } }
      real mu ~ normal(5, 1e-6);
      plate g { real b ~ normal(mu, 1e-6); chain t { real x ~ normal(b + prev(e), 1e-6) init normal(mu, 1e-6); y ~ normal(x, 1e-6); } }
    }
    """
    one = simulated(text, {"y": [[0, 0, 0], [0]]}, 8)
    e = one["e"]
    np.testing.assert_allclose(one["y"], [5, 5 + e[0], 5 + e[1], 5], atol=1e-3)


def test_bounds_and_forms_hold_at_every_step() -> None:
    text = """
    data { chain t; real y[t]; }
    model {
      chain t {
        real<lower=0> x ~ normal(0.5 * prev(x), 1) init normal(0, 1);
        real<lower=0, upper=1> u ~ normal(prev(u), 2) init uniform(0, 1);
        simplex[3] p ~ dirichlet(20 * prev(p) + 1) init dirichlet(rep_vector(1, 3));
        ordered[2] m ~ normal(prev(m), 1) init normal(0, 1);
        y ~ normal(x + m[1], 1);
      }
    }
    """
    draws = drawn(text, {"y": np.zeros(10)}, 9, 1000)
    x, u, p = draws["x"], draws["u"], draws["p"]
    before = np.concatenate([np.zeros((1, 1000)), 0.5 * x[:-1]])
    assert stats.kstest(stats.truncnorm(-before, np.inf, before, 1).cdf(x).ravel(), "uniform").pvalue > RISK
    ends = (-u[:-1] / 2, (1 - u[:-1]) / 2)
    assert stats.kstest(stats.truncnorm(*ends, u[:-1], 2).cdf(u[1:]).ravel(), "uniform").pvalue > RISK
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-12)
    first = 20 * p[:-1, :, 0] + 1
    assert stats.kstest(stats.beta(first, 23 - first).cdf(p[1:, :, 0]).ravel(), "uniform").pvalue > RISK
    assert (np.diff(draws["m"], axis=-1) > 0).all()


def test_a_chain_of_one_step_has_the_law_of_its_first_one() -> None:
    text = "data { chain t; real y[t]; } model { chain t { real x ~ normal(prev(x), 1) init normal(7, 2); y ~ normal(x, 1); } }"
    assert_standard_normal((drawn(text, {"y": [0]}, 10)["x"][0] - 7) / 2, 1)


EXPLODING = """
data { chain t; real y[t]; }
model { real rho ~ normal(0, 2); chain t { real x ~ normal(rho * prev(x), 1) init flat(); y ~ normal(x, 1); } }
"""


def test_a_start_stays_finite_where_the_prior_of_a_chain_explodes() -> None:
    x = drawn(EXPLODING, {"y": np.zeros(1000)}, 11, 64)["x"]
    assert np.isfinite(x**2).all()


def test_a_simulation_that_explodes_is_an_error_at_its_statement() -> None:
    text = EXPLODING.replace("normal(0, 2)", "normal(9, 0.1)").replace("flat()", "normal(0, 1)")
    with pytest.raises(DiagnosticsError, match="QEM804") as caught:
        simulated(text, {"y": np.zeros(1000)}, 12)
    assert "`x`" in caught.value.diagnostics[0].message


def test_missing_outcomes_of_a_chain_stay_missing() -> None:
    text = """
    data { chain t; missing real y[t]; }
    model { chain t { real x ~ normal(prev(x), 1) init normal(0, 1); y ~ normal(x, 1); } }
    """
    one = simulated(text, {"y": [1, None, 2, None]}, 13)
    np.testing.assert_array_equal(np.isnan(one["y"]), [False, True, False, True])
    assert np.isfinite(one["x"]).all()
