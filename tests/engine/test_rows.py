"""Rows of which something is not known - missing, censored, truncated - against closed forms and quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

from qemppl.driver import compile_model
from tests.engine.truth import by_quadrature, check_evidence, check_moments

RNG = np.random.default_rng(31)


def test_missing_outcomes_take_no_part() -> None:
    y = RNG.normal(2, 1.5, size=30)
    y[[0, 7, 8, 29]] = np.nan
    model = compile_model(
        text="data { plate obs; missing real y[obs]; } model { real mu ~ normal(1, 2); plate obs { y ~ normal(mu, 1.5); } }"
    )
    fit = model.fit({"y": y}, seed=1)
    known = y[np.isfinite(y)]
    precision = 1 / 4 + len(known) / 1.5**2
    check_moments(fit, "mu", (1 / 4 + known.sum() / 1.5**2) / precision, precision**-0.5)
    covariance = 1.5**2 * np.eye(len(known)) + 4
    check_evidence(fit, stats.multivariate_normal(np.full(len(known), 1.0), covariance).logpdf(known))
    assert (np.isnan(fit.log_likelihood["y"]) == np.isnan(y)).all()


def test_missing_outcomes_below_latents_of_their_own() -> None:
    """A member whose outcome is missing keeps its prior."""
    y = np.array([1.0, np.nan, -2.0, np.nan])
    text = "data { plate g; missing real y[g]; } model { plate g { real a ~ normal(0.5, 2); y ~ normal(a, 1); } }"
    fit = compile_model(text=text).fit({"y": y}, seed=2)
    precision = 1 / 4 + np.isfinite(y)
    check_moments(fit, "a", (0.5 / 4 + np.nan_to_num(y)) / precision, precision**-0.5)
    check_evidence(fit, stats.norm(0.5, 5**0.5).logpdf([1.0, -2.0]).sum())


def test_censored_exponentials() -> None:
    """A gamma prior stays gamma: a censored row counts its time, not an event."""
    time = RNG.exponential(2.0, size=40)
    censored = (time > 2.5).astype(int)
    time = np.minimum(time, 2.5)
    text = """
    data { plate obs; real<lower=0> time[obs]; int<lower=0, upper=1> censored[obs]; }
    model { real<lower=0> rate ~ gamma(2, 3); plate obs { time ~ exponential(rate) right_censored(censored); } }
    """
    fit = compile_model(text=text).fit({"time": time, "censored": censored}, seed=3)
    shape, total = 2 + (1 - censored).sum(), 3 + time.sum()
    check_moments(fit, "rate", shape / total, shape**0.5 / total)
    check_evidence(fit, gammaln(shape) - gammaln(2) + 2 * np.log(3) - shape * np.log(total))


def test_left_censored_counts() -> None:
    """Where the flag is 1, the count is at most the one given."""
    y, flag = np.array([3, 5, 2, 0, 7, 2]), np.array([0, 0, 1, 0, 0, 1])
    text = """
    data { plate obs; int<lower=0> y[obs]; int<lower=0, upper=1> flag[obs]; }
    model { real a ~ normal(1, 1); plate obs { y ~ poisson_log(a) left_censored(flag); } }
    """

    def log_joint(a: np.ndarray) -> np.ndarray:
        law = stats.poisson(np.exp(a)[:, None])
        return stats.norm(1, 1).logpdf(a) + np.where(flag, law.logcdf(y), law.logpmf(y)).sum(1)

    log_z, mean, sd = by_quadrature(log_joint, -3, 4)
    fit = compile_model(text=text).fit({"y": y, "flag": flag}, seed=4)
    check_moments(fit, "a", mean, sd)
    check_evidence(fit, log_z)


@pytest.mark.parametrize("bounds", ["0, 3", "0, ", ", 3"])
def test_truncated_normal_outcomes(bounds: str) -> None:
    low, high = (
        float(end) if end.strip() else side * np.inf for end, side in zip(bounds.split(","), (-1, 1), strict=True)
    )
    y = np.array([0.1, 0.4, 2.0, 0.2, 1.1])
    text = f"""
    data {{ plate obs; real y[obs]; }}
    model {{ real mu ~ normal(0, 1); plate obs {{ y ~ normal(mu, 0.8) T[{bounds}]; }} }}
    """

    def log_joint(mu: np.ndarray) -> np.ndarray:
        law = stats.norm(mu[:, None], 0.8)
        mass = np.log(law.cdf(high) - law.cdf(low))
        return stats.norm(0, 1).logpdf(mu) + (law.logpdf(y) - mass).sum(1)

    log_z, mean, sd = by_quadrature(log_joint, -5, 5)
    fit = compile_model(text=text).fit({"y": y}, seed=5)
    check_moments(fit, "mu", mean, sd)
    check_evidence(fit, log_z)


def test_zero_truncated_counts() -> None:
    y = np.array([1, 2, 1, 4, 1])
    text = "data { plate obs; int<lower=1> y[obs]; } model { real a ~ normal(0, 1); plate obs { y ~ poisson_log(a) T[1, ]; } }"

    def log_joint(a: np.ndarray) -> np.ndarray:
        law = stats.poisson(np.exp(a)[:, None])
        return stats.norm(0, 1).logpdf(a) + (law.logpmf(y) - law.logsf(0)).sum(1)

    log_z, mean, sd = by_quadrature(log_joint, -6, 4)
    fit = compile_model(text=text).fit({"y": y}, seed=6)
    check_moments(fit, "a", mean, sd)
    check_evidence(fit, log_z)


@pytest.mark.parametrize(("side", "flag"), [("right", [0, 0, 1, 1]), ("left", [1, 1, 0, 0])])
def test_censoring_stays_within_the_truncation(side: str, flag: list[int]) -> None:
    """A censored value lies between the one given and the end of the truncation."""
    y = np.array([0.5, 1.0, 2.0, 2.5])
    text = f"""
    data {{ plate obs; real y[obs]; int<lower=0, upper=1> flag[obs]; }}
    model {{ real mu ~ normal(0, 1); plate obs {{ y ~ normal(mu, 1) T[0, 3] {side}_censored(flag); }} }}
    """

    def log_joint(mu: np.ndarray) -> np.ndarray:
        law = stats.norm(mu[:, None], 1)
        mass = law.cdf(3) - law.cdf(0)
        beyond = law.cdf(3) - law.cdf(y) if side == "right" else law.cdf(y) - law.cdf(0)
        return stats.norm(0, 1).logpdf(mu) + (np.where(flag, np.log(beyond), law.logpdf(y)) - np.log(mass)).sum(1)

    log_z, mean, sd = by_quadrature(log_joint, -5, 6)
    fit = compile_model(text=text).fit({"y": y, "flag": flag}, seed=7)
    check_moments(fit, "mu", mean, sd)
    check_evidence(fit, log_z)


def test_a_lag_conditions_on_the_first_step() -> None:
    """An autoregression on the data: the first outcome is missing, for nothing stands before it."""
    y = RNG.normal(size=12).cumsum()
    text = """
    data { chain t; real y[t]; missing real out[t]; }
    model { real a ~ normal(0, 2); chain t { out ~ normal(a * lag(y, 1), 1); } }
    """
    out = y.copy()
    out[0] = np.nan
    fit = compile_model(text=text).fit({"y": y, "out": out}, seed=8)
    precision = 1 / 4 + (y[:-1] ** 2).sum()
    check_moments(fit, "a", (y[:-1] * y[1:]).sum() / precision, precision**-0.5)
    covariance = np.eye(11) + 4 * np.outer(y[:-1], y[:-1])
    check_evidence(fit, stats.multivariate_normal(np.zeros(11), covariance).logpdf(y[1:]))
