"""Fits whose posterior is a Dirichlet law, one of angles, or one of sampled discrete latents, against closed forms and sums.

Every comparison allows SIGMAS = 5 standard errors: a correct fit fails less than once in a million seeds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln, i0e, i1e, logsumexp

from qemppl.driver import compile_model
from qemppl.result.file import load, save
from qemppl.result.fit import FitResult
from tests.engine.truth import SIGMAS, by_quadrature, check_evidence, check_moments
from tests.result.test_file import assert_same

RNG = np.random.default_rng(31)
Y = np.array([2.3, 5.1, 0.2, 7.7, -1.0])
NOISE = 0.8
COUNTS = """
data {{ plate obs; real y[obs]; }}
model {{ plate obs {{ sampled {kind} n ~ {law}; y ~ normal(n, 0.8); }} }}
"""


def by_sum(log_prior: np.ndarray, values: np.ndarray, y: np.ndarray = Y) -> tuple[float, np.ndarray, np.ndarray]:
    """log evidence, posterior means and sds of a whole number for each y. log_prior: (value,) or (member, value)."""
    log_joint = log_prior + stats.norm(values, NOISE).logpdf(y[:, None])
    log_z = logsumexp(log_joint, axis=1)
    p = np.exp(log_joint - log_z[:, None])
    mean = p @ values
    return float(log_z.sum()), mean, np.sqrt(p @ values**2 - mean**2)


def families(fit: FitResult) -> dict[str, str]:
    return {group.name: group.family for group in fit.groups}


def check_log_evidence(fit: FitResult, exact: float) -> None:
    assert fit.log_evidence is not None
    assert fit.log_evidence_mcse is not None
    assert abs(fit.log_evidence - exact) <= SIGMAS * fit.log_evidence_mcse + 1e-6
    assert fit.log_evidence_mcse < 0.02


def check_counts(fit: FitResult, truth: tuple[float, np.ndarray, np.ndarray], least: int = 0) -> None:
    """Evidence, means and sds of `n`, which come with errors of their own; whole draws."""
    log_z, mean, sd = truth
    check_log_evidence(fit, log_z)
    n = fit.estimate("n")
    assert (np.abs(n.mean - mean) <= SIGMAS * n.mcse + 1e-6 * sd).all()
    np.testing.assert_allclose(n.sd, sd, rtol=0.1)
    assert np.array_equal(n.draws, np.floor(n.draws))
    assert n.draws.min() >= least
    error = SIGMAS * sd / np.sqrt(len(n.draws)) + SIGMAS * n.mcse
    assert (np.abs(n.draws.mean(0) - mean) <= error).all()
    assert not fit.warnings


def log_dirichlet_normaliser(alpha: np.ndarray) -> np.ndarray:
    return np.asarray(gammaln(alpha).sum(-1) - gammaln(alpha.sum(-1)))


def test_dirichlet_and_counts_of_every_member() -> None:
    """One member lies far from where the others do: it has a way to go when they have arrived."""
    alpha = np.array([0.5, 1.0, 3.0, 0.2])
    votes = np.array([[3, 0, 4, 0], [0, 0, 1, 0], [2, 3, 5, 1], [0, 400, 300, 2]])
    text = """
    data { dim V; plate region; array[V] int<lower=0> votes[region]; vector[V] alpha; }
    model { plate region { simplex[V] share ~ dirichlet(alpha); votes ~ multinomial(share); } }
    """
    fit = compile_model(text=text).fit({"votes": votes, "alpha": alpha}, seed=1)
    assert families(fit) == {"share": "dirichlet"}
    posterior = alpha + votes
    laws = [stats.dirichlet(a) for a in posterior]
    check_moments(fit, "share", np.stack([law.mean() for law in laws]), np.stack([law.var() ** 0.5 for law in laws]))
    coefficients = gammaln(votes.sum(1) + 1) - gammaln(votes + 1).sum(1)
    log_z = log_dirichlet_normaliser(posterior) - log_dirichlet_normaliser(alpha) + coefficients
    check_evidence(fit, float(log_z.sum()))
    mean = fit.groups[0].mean_parameters
    assert mean.shape == (4, 4)
    assert fit.groups[0].ess_fraction > 0.5


def test_approx_dirichlet_stands_beside_other_latents() -> None:
    votes, alpha = np.array([3, 0, 9]), np.array([1.0, 1.0, 1.0])
    text = """
    data { array[3] int<lower=0> votes; real y; }
    model { real m ~ normal(0, 1); simplex[3] p ~ dirichlet(rep_vector(1, 3)) approx dirichlet; votes ~ multinomial(p); y ~ normal(m, 1); }
    """
    fit = compile_model(text=text).fit({"votes": votes, "y": 0.6}, seed=2)
    assert families(fit) == {"m": "normal", "p": "dirichlet"}
    law = stats.dirichlet(alpha + votes)
    check_moments(fit, "p", law.mean(), law.var() ** 0.5)
    log_z = (
        log_dirichlet_normaliser(alpha + votes)
        - log_dirichlet_normaliser(alpha)
        + gammaln(13)
        - gammaln(votes + 1).sum()
    )
    check_evidence(fit, float(log_z) + stats.norm(0, np.sqrt(2)).logpdf(0.6))


@pytest.mark.parametrize(("approx", "family"), [("", "neg_binomial"), (" approx poisson", "poisson")])
def test_unbounded_counts(approx: str, family: str) -> None:
    n = np.arange(60)
    fit = compile_model(text=COUNTS.format(kind="int", law=f"poisson(3){approx}")).fit({"y": Y}, seed=3)
    assert families(fit) == {"n": family}
    check_counts(fit, by_sum(stats.poisson(3).logpmf(n), n))


def test_counts_of_a_law_cut_by_a_bound() -> None:
    n = np.arange(2, 60)
    fit = compile_model(text=COUNTS.format(kind="int<lower=2>", law="poisson(3)")).fit({"y": Y + 2}, seed=4)
    assert families(fit) == {"n": "neg_binomial"}
    check_counts(fit, by_sum(stats.poisson(3).logpmf(n) - stats.poisson(3).logsf(1), n, Y + 2), least=2)


def test_bounds_of_each_member() -> None:
    """Values are counted from the bound of each member; the law is normalised above it."""
    low = np.array([0, 3, 1, 6, 0])
    text = """
    data { plate obs; real y[obs]; int low[obs]; }
    model { plate obs { sampled int<lower=low> n ~ neg_binomial_2(4, 3); y ~ normal(n, 0.8); } }
    """
    n, law = np.arange(100), stats.nbinom(3, 3 / 7)
    with np.errstate(divide="ignore"):
        log_prior = np.where(n >= low[:, None], law.logpmf(n) - law.logsf(low - 1)[:, None], -np.inf)
    fit = compile_model(text=text).fit({"y": Y + 1, "low": low}, seed=5)
    check_counts(fit, by_sum(log_prior, n, Y + 1))
    assert (fit.draws("n") >= low).all()


def test_counts_between_bounds_know_every_value() -> None:
    n = np.arange(1, 8)
    fit = compile_model(text=COUNTS.format(kind="int<lower=1, upper=7>", law="poisson(3)")).fit({"y": Y}, seed=6)
    assert families(fit) == {"n": "categorical"}
    log_prior = stats.poisson(3).logpmf(n)
    check_counts(fit, by_sum(log_prior - logsumexp(log_prior), n), least=1)
    assert fit.groups[0].mean_parameters.shape == (5, 7)


def test_more_values_than_are_kept_apart() -> None:
    """A law of 5,001 values, as an unbounded count: particles beyond its end have no weight."""
    text = "data { real y; } model { sampled int n ~ binomial(5000, 0.002); y ~ normal(n, 3); }"
    fit = compile_model(text=text).fit({"y": 12.5}, seed=7)
    n = np.arange(200)
    log_joint = stats.binom(5000, 0.002).logpmf(n) + stats.norm(n, 3).logpdf(12.5)
    p = np.exp(log_joint - logsumexp(log_joint))
    assert families(fit) == {"n": "neg_binomial"}
    check_evidence(fit, float(logsumexp(log_joint)))
    check_moments(fit, "n", p @ n, np.sqrt(p @ n**2 - (p @ n) ** 2))


def test_a_rate_that_is_fitted_too() -> None:
    """The probability beyond a bound depends on a latent argument."""
    y, n = Y + 3, np.arange(2, 80)

    def log_joint(log_rate: np.ndarray) -> np.ndarray:
        law = stats.poisson(np.exp(log_rate)[:, None, None])
        terms = law.logpmf(n) - law.logsf(1) + stats.norm(n, NOISE).logpdf(y[:, None])
        return stats.gamma(2).logpdf(np.exp(log_rate)) + log_rate + logsumexp(terms, axis=2).sum(1)

    text = """
    data { plate obs; real y[obs]; }
    model { real<lower=0> rate ~ gamma(2, 1); plate obs { sampled int<lower=2> n ~ poisson(rate); y ~ normal(n, 0.8); } }
    """
    log_z, _, _ = by_quadrature(log_joint, -12, 5)
    check_log_evidence(compile_model(text=text).fit({"y": y}, seed=8), log_z)


def log_bessel(kappa: np.ndarray | float) -> np.ndarray:
    """log I_0(kappa)."""
    return np.asarray(np.log(i0e(kappa)) + kappa)


def check_mean(fit: FitResult, name: str, mean: np.ndarray | float, sd: np.ndarray | float) -> None:
    """Of a function of angles, which is computed from the draws."""
    estimate = fit.estimate(name)
    assert (np.abs(estimate.mean - mean) <= SIGMAS * sd / np.sqrt(len(estimate.draws))).all()


def test_angles_whose_mode_lies_where_the_circle_is_cut() -> None:
    """Von Mises laws are conjugate to their mean directions. A normal law on the line has half of each coordinate at either end."""
    y = (np.array([3.1, -3.05, 3.14, -3.13]) + RNG.vonmises(0, 10, (20, 4)) + np.pi) % (2 * np.pi) - np.pi
    text = """
    data { dim D; plate obs; vector[D] y[obs]; }
    model {
      vector<lower=-3.141592653589793, upper=3.141592653589793>[D] a ~ von_mises(0, 0.5);
      real m ~ normal(0, 1);
      vector[D] east = cos(a);
      vector[D] north = sin(a);
      plate obs { y ~ von_mises(a, 10); }
    }
    """
    fit = compile_model(text=text).fit({"y": y}, seed=11)
    assert families(fit) == {"m": "normal", "a": "von_mises"}
    east, north = 0.5 + 10 * np.cos(y).sum(0), 10 * np.sin(y).sum(0)
    kappa, mode = np.hypot(east, north), np.arctan2(north, east)
    length = i1e(kappa) / i0e(kappa)
    check_evidence(
        fit, float((log_bessel(kappa) - log_bessel(0.5) - 20 * (np.log(2 * np.pi) + log_bessel(10.0))).sum())
    )
    assert fit.groups[1].ess_fraction > 0.5
    for name, axis, other in (("east", np.cos(mode), np.sin(mode)), ("north", np.sin(mode), np.cos(mode))):
        # the variances of cos and sin along the mode and across it: 1 - A / kappa - A^2 and A / kappa
        variance = axis**2 * (1 - length / kappa - length**2) + other**2 * length / kappa
        check_mean(fit, name, length * axis, np.sqrt(variance))


def test_an_angle_and_its_concentration_and_angles_of_members() -> None:
    """Each member's angle given the north is integrated by Bessel functions, and the north on a grid, on which a periodic function has an
    integral that is exact to rounding."""
    y = np.array([2.9, -3.0, -2.5, 3.1, 2.2])
    text = """
    data { plate bird; real y[bird]; }
    model {
      real<lower=0, upper=6.283185307179586> north ~ von_mises(3, 1);
      real to = sin(north);
      plate bird { real<lower=0, upper=6.283185307179586> turn ~ von_mises(north, 4); y ~ von_mises(turn, 8); }
    }
    """
    fit = compile_model(text=text).fit({"y": y}, seed=12)
    assert families(fit) == {"north": "von_mises", "turn": "von_mises"}
    north = np.linspace(0, 2 * np.pi, 2001)[:-1]
    joint = np.abs(4 * np.exp(1j * north[:, None]) + 8 * np.exp(1j * y))
    log_p = stats.vonmises(1, 3).logpdf(north) + (
        log_bessel(joint) - log_bessel(4.0) - log_bessel(8.0) - np.log(2 * np.pi)
    ).sum(1)
    check_evidence(fit, float(logsumexp(log_p) + np.log(north[1])))
    p = np.exp(log_p - logsumexp(log_p))
    mean = float(p @ np.sin(north))
    check_mean(fit, "to", mean, float(np.sqrt(p @ np.sin(north) ** 2 - mean**2)))


def test_approx_von_mises_of_a_direction_that_is_uniform() -> None:
    """Two bearings of one direction, each of which alone is the angle or its mirror image."""
    text = """
    data { real x; real y; }
    model {
      real<lower=-3.141592653589793, upper=3.141592653589793> a ~ uniform(-3.141592653589793, 3.141592653589793) approx von_mises;
      real east = cos(a);
      x ~ normal(cos(a), 0.3);
      y ~ normal(sin(a + 0.2), 0.2);
    }
    """
    fit = compile_model(text=text).fit({"x": -0.9, "y": -0.1}, seed=13)
    assert families(fit) == {"a": "von_mises"}
    a = np.linspace(-np.pi, np.pi, 4001)[:-1]
    log_p = stats.norm(np.cos(a), 0.3).logpdf(-0.9) + stats.norm(np.sin(a + 0.2), 0.2).logpdf(-0.1) - np.log(2 * np.pi)
    check_evidence(fit, float(logsumexp(log_p) + np.log(a[1] - a[0])))
    p = np.exp(log_p - logsumexp(log_p))
    mean = float(p @ np.cos(a))
    check_mean(fit, "east", mean, float(np.sqrt(p @ np.cos(a) ** 2 - mean**2)))


def test_approx_exponential() -> None:
    """A rate after counts of 0 is exponential, and after others gamma: the family need not be that of the posterior."""
    y, hours = np.array([0, 0, 2, 1]), np.array([1.0, 30.0, 2.0, 0.1])
    text = """
    data { plate day; int<lower=0> y[day]; real<lower=0> hours[day]; }
    model { plate day { real<lower=0> rate ~ exponential(0.5) approx exponential; y ~ poisson(rate * hours); } }
    """
    fit = compile_model(text=text).fit({"y": y, "hours": hours}, seed=14)
    assert families(fit) == {"rate": "exponential"}
    laws = [stats.gamma(1 + count, scale=1 / (0.5 + time)) for count, time in zip(y, hours, strict=True)]
    log_z = np.log(0.5) + y * np.log(hours) - (1 + y) * np.log(0.5 + hours)
    check_evidence(fit, float(log_z.sum()))
    check_moments(fit, "rate", np.array([law.mean() for law in laws]), np.array([law.std() for law in laws]))


@pytest.mark.parametrize("scale", [1, 100])
def test_approx_binomial_on_values_that_differ_by_member(scale: int) -> None:
    """Also with more values than are kept apart; one member has only one."""
    total, low = scale * np.array([10, 4, 2, 20, 0]), np.array([2, 0, 1, 3, 0])
    y = scale * np.array([2.9, 1.4, 1.2, 7.1, 0.3])
    text = """
    data { plate obs; real y[obs]; int<lower=0> total[obs]; int<lower=0> low[obs]; real<lower=0> s; }
    model { plate obs { sampled int<lower=low> n ~ binomial(total, 0.3) approx binomial; y ~ normal(n, s); } }
    """
    noise = 1.5 * np.sqrt(scale)
    fit = compile_model(text=text).fit({"y": y, "total": total, "low": low, "s": noise}, seed=15)
    assert families(fit) == {"n": "binomial"}
    n = np.arange(total.max() + 1)
    prior = np.where(n >= low[:, None], stats.binom(total[:, None], 0.3).logpmf(n), -np.inf)
    log_joint = prior - logsumexp(prior, axis=1, keepdims=True) + stats.norm(n, noise).logpdf(y[:, None])
    log_z = logsumexp(log_joint, axis=1)
    p = np.exp(log_joint - log_z[:, None])
    check_log_evidence(fit, float(log_z.sum()))
    estimate = fit.estimate("n")
    assert (np.abs(estimate.mean - p @ n) <= SIGMAS * estimate.mcse + 1e-6).all()
    np.testing.assert_allclose(estimate.sd, np.sqrt(p @ n**2 - (p @ n) ** 2), rtol=0.1, atol=1e-6)
    assert (estimate.draws >= low).all()
    assert (estimate.draws <= total).all()
    assert not fit.warnings


MIXTURE = """
data {{ dim K = {count}; plate obs; real y[obs]; vector[K] centre; }}
model {{
  real shift ~ normal(0, 1);
  plate obs {{ {keyword}int<lower=1, upper=K> z ~ categorical(rep_vector(1.0 / K, K)); y ~ normal(centre[z] + shift, 1); }}
}}
"""


@pytest.mark.parametrize("count", [2, 3])
def test_sampled_values_agree_with_enumerated_ones(count: int) -> None:
    """Also as the index of a vector. Two estimates of one number differ by the errors of both."""
    centre = np.array([-2.0, 1.0, 4.0])[:count]
    data = {"y": RNG.choice(centre, 8) + RNG.normal(size=8), "centre": centre}
    sampled = compile_model(text=MIXTURE.format(count=count, keyword="sampled ")).fit(data, seed=9)
    exact = compile_model(text=MIXTURE.format(count=count, keyword="")).fit(data, seed=9)
    assert families(sampled) == {"shift": "normal", "z": "bernoulli" if count == 2 else "categorical"}
    assert sampled.log_evidence is not None
    assert exact.log_evidence is not None
    error = np.hypot(sampled.log_evidence_mcse, exact.log_evidence_mcse)  # type: ignore[arg-type]
    assert abs(sampled.log_evidence - exact.log_evidence) <= SIGMAS * error
    for name in ("shift", "z"):
        one, other = sampled.estimate(name), exact.estimate(name)
        assert (np.abs(one.mean - other.mean) <= SIGMAS * np.hypot(one.mcse, other.mcse) + 1e-9).all()
    assert set(np.unique(sampled.draws("z"))) <= set(range(1, count + 1))


@pytest.mark.parametrize(
    ("law", "log_prior", "family"),
    [
        ("poisson(2)", stats.poisson(2).logpmf(np.arange(40)), "neg_binomial"),
        ("binomial(4, 0.3)", stats.binom(4, 0.3).logpmf(np.arange(5)), "categorical"),
        ("bernoulli(0.3)", stats.bernoulli(0.3).logpmf(np.arange(2)), "bernoulli"),
    ],
)
def test_arrays_of_whole_numbers(law: str, log_prior: np.ndarray, family: str) -> None:
    """Two components, independent under the law, of which the data see the sum."""
    text = f"data {{ real y; }} model {{ sampled array[2] int n ~ {law}; y ~ normal(n[1] + 2 * n[2], 0.8); }}"
    n = np.arange(len(log_prior))
    log_joint = log_prior[:, None] + log_prior + stats.norm(n[:, None] + 2 * n, NOISE).logpdf(2.4)
    p = np.exp(log_joint - logsumexp(log_joint))
    fit = compile_model(text=text).fit({"y": 2.4}, seed=10)
    assert families(fit) == {"n": family}
    check_log_evidence(fit, float(logsumexp(log_joint)))
    mean = np.array([p.sum(1) @ n, p.sum(0) @ n])
    estimate = fit.estimate("n")
    assert (np.abs(estimate.mean - mean) <= SIGMAS * estimate.mcse + 1e-6).all()


ALL = """
data { plate g; real y[g]; array[3] int<lower=0> votes[g]; }
model {
  plate g {
    simplex[3] p ~ dirichlet(rep_vector(1, 3));
    sampled int n ~ poisson(3);
    sampled int<lower=1, upper=4> k ~ discrete_range(1, 4);
    votes ~ multinomial(p);
    y ~ normal(n + k, 1);
  }
}
"""
DATA: dict[str, Any] = {"g": ["a", "b", "c"], "y": [3.0, 6.0, 8.0], "votes": [[1, 2, 3], [0, 4, 0], [9, 1, 1]]}
QUICK = {"particles": 16, "draws": 40, "tolerance": 0.9, "max_iterations": 25}


def test_a_fit_starts_from_the_families_of_an_earlier_one(tmp_path: Path) -> None:
    """Members in another order; and from the file of the fit."""
    model = compile_model(text=ALL)
    first = model.fit(DATA, seed=1, **QUICK)
    assert set(families(first).values()) == {"dirichlet", "neg_binomial", "categorical"}
    save(first, tmp_path / "fit.nc")
    assert_same(load(tmp_path / "fit.nc"), first)
    order = [2, 0, 1]
    turned = {name: [values[i] for i in order] for name, values in DATA.items()}
    quick = {**QUICK, "max_iterations": 1}
    again = model.fit(turned, seed=2, init_from=tmp_path / "fit.nc", **quick)
    for group, report in zip(first.groups, again.groups, strict=True):
        assert group.family == report.family
        # one step of the M-step away from the fit, not from the prior
        assert np.abs(report.mean_parameters - group.mean_parameters[order]).max() < 1.0
    assert again.trace.elbo[0] > model.fit(turned, seed=2, **quick).trace.elbo[0]


def test_a_resumed_fit_is_the_uninterrupted_one(tmp_path: Path) -> None:
    model, path = compile_model(text=ALL), tmp_path / "run.checkpoint"

    def stop(progress: Any) -> None:
        if progress.iteration == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(DATA, seed=3, progress=stop, resume=path, **QUICK)
    resumed, whole = model.fit(DATA, resume=path, **QUICK), model.fit(DATA, seed=3, **QUICK)
    for one, other in zip(resumed.groups, whole.groups, strict=True):
        assert np.array_equal(one.mean_parameters, other.mean_parameters)
    assert resumed.log_evidence == whole.log_evidence
