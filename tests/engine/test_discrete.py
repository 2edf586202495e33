"""Enumerated latents: evidence and probabilities against sums over every value and quadrature over the one real latent."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import expit, logsumexp

from qemppl.compile.plan import make_plan
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.qem import Sampler
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from qemppl.result.fit import FitResult
from tests.engine.targets import CPU
from tests.engine.truth import SIGMAS, by_quadrature, check_evidence, check_moments

RNG = np.random.default_rng(77)


def check_probabilities(fit: FitResult, name: str, mean: np.ndarray) -> None:
    """Posterior means of a discrete latent, whose error comes from the real latents alone."""
    estimate = fit.estimate(name)
    assert (np.abs(estimate.mean - mean) <= SIGMAS * estimate.mcse + 1e-9).all()
    assert (estimate.mcse < 0.01).all()
    assert np.isin(estimate.draws, np.arange(10)).all()


def posterior_mean(log_joint: np.ndarray, values: np.ndarray) -> np.ndarray:
    """log_joint: (point, member, value) of everything else at that point -> (member,)."""
    weights = np.exp(log_joint - logsumexp(log_joint, axis=(0, 2), keepdims=True))
    return (weights * values).sum((0, 2))


def test_mixture_of_known_components() -> None:
    y = RNG.normal([-2, 1, 1, -2, 1, -2, -2, 1], 1.0)
    w, centre = np.array([0.3, 0.7]), np.array([-2.0, 1.0])
    text = """
    data { dim K = 2; plate obs; real y[obs]; simplex[K] w; vector[K] centre; }
    model {
      real shift ~ normal(0, 1);
      plate obs { int<lower=1, upper=K> z ~ categorical(w); y ~ normal(centre[z] + shift, 1); }
    }
    """
    x = np.linspace(-5, 5, 4001)
    by_value = np.log(w) + stats.norm(centre + x[:, None, None], 1).logpdf(y[:, None])
    prior = stats.norm(0, 1).logpdf(x)
    log_z, mean, sd = by_quadrature(
        lambda s: (
            stats.norm(0, 1).logpdf(s)
            + logsumexp(np.log(w) + stats.norm(centre + s[:, None, None], 1).logpdf(y[:, None]), axis=2).sum(1)
        ),
        -5,
        5,
    )
    fit = compile_model(text=text).fit({"y": y, "w": w, "centre": centre}, seed=1)
    check_moments(fit, "shift", mean, sd)
    check_evidence(fit, log_z)
    rest = prior[:, None] + logsumexp(by_value, axis=2).sum(1, keepdims=True) - logsumexp(by_value, axis=2)
    check_probabilities(fit, "z", posterior_mean(rest[..., None] + by_value, np.array([1, 2])))


def test_counts_within_declared_bounds_are_normalised() -> None:
    """A law cut to its declared bounds, with an argument that is a latent."""
    y = np.array([0.3, 2.2, 3.9, 1.1])
    text = """
    data { plate obs; real y[obs]; }
    model {
      real<lower=0> rate ~ gamma(2, 1);
      plate obs { int<lower=1, upper=4> n ~ poisson(rate); y ~ normal(n, 0.8); }
    }
    """
    n = np.arange(1, 5)

    def by_value(log_rate: np.ndarray) -> np.ndarray:
        law = stats.poisson(np.exp(log_rate)[:, None, None])
        mass = logsumexp(law.logpmf(n), axis=2, keepdims=True)
        return law.logpmf(n) - mass + stats.norm(n, 0.8).logpdf(y[:, None])

    def log_joint(log_rate: np.ndarray) -> np.ndarray:
        return stats.gamma(2).logpdf(np.exp(log_rate)) + log_rate + logsumexp(by_value(log_rate), axis=2).sum(1)

    log_z, _, _ = by_quadrature(log_joint, -12, 4)
    fit = compile_model(text=text).fit({"y": y}, seed=2)
    check_evidence(fit, log_z)
    x = np.linspace(-12, 4, 4001)
    table = by_value(x)
    rest = log_joint(x)[:, None] - logsumexp(table, axis=2)
    check_probabilities(fit, "n", posterior_mean(rest[..., None] + table, n))


def test_two_discrete_latents_of_a_member_that_depend_on_each_other() -> None:
    y = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1]])
    text = """
    data { plate site; plate visit in site; int<lower=0, upper=1> y[visit]; }
    model {
      real a ~ normal(0, 1);
      plate site {
        int<lower=0, upper=1> present ~ bernoulli_logit(a);
        int<lower=0, upper=2> crowd ~ binomial(2, 0.2 + 0.5 * present);
        plate visit { y ~ bernoulli(present * (0.1 + 0.4 * crowd)); }
      }
    }
    """

    def by_value(a: np.ndarray) -> np.ndarray:
        """(point, site, present, crowd)."""
        present, crowd = np.arange(2)[:, None], np.arange(3)
        seen = stats.bernoulli(present * (0.1 + 0.4 * crowd)).logpmf(y[:, :, None, None]).sum(1)
        prior = stats.bernoulli(expit(a)[:, None, None]).logpmf(present) + stats.binom(2, 0.2 + 0.5 * present).logpmf(
            crowd
        )
        return prior[:, None] + seen

    def log_joint(a: np.ndarray) -> np.ndarray:
        return stats.norm(0, 1).logpdf(a) + logsumexp(by_value(a), axis=(2, 3)).sum(1)

    log_z, mean, sd = by_quadrature(log_joint, -6, 6)
    fit = compile_model(text=text).fit({"y": y.tolist()}, seed=3)
    check_moments(fit, "a", mean, sd)
    check_evidence(fit, log_z)


def test_indexing_by_a_discrete_latent() -> None:
    """A row of an array of simplexes, and a component of a latent vector, both chosen by discrete latents of different plates."""
    y = np.array([1, 3, 2, 2, 1, 3])
    group = np.array([1, 1, 1, 2, 2, 2])
    share = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    text = """
    data {
      dim K = 2; dim V = 3; plate g; plate obs in g by group; int<lower=1, upper=V> y[obs]; array[K] simplex[V] share; real x[g];
    }
    model {
      vector[K] mu ~ normal(0, 1);
      plate g {
        int<lower=1, upper=K> kind ~ categorical(rep_vector(0.5, K));
        x ~ normal(mu[kind], 0.5);
        plate obs { y ~ categorical(share[kind]); }
      }
    }
    """
    x = np.array([0.4, -1.0])
    log_share = np.log(share)
    likelihood = np.array([log_share[:, y[group == g] - 1].sum(1) for g in (1, 2)])  # (g, kind)
    total = []
    for first in range(2):
        for second in range(2):
            kinds = (first, second)
            covariance = 0.25 * np.eye(2) + (first == second) * np.ones((2, 2)) + (first != second) * np.eye(2)
            total.append(
                2 * np.log(0.5)
                + stats.multivariate_normal(np.zeros(2), covariance).logpdf(x)
                + sum(likelihood[i, kind] for i, kind in enumerate(kinds))
            )
    fit = compile_model(text=text).fit({"y": y, "group": group, "share": share, "x": x}, seed=4)
    assert fit.log_evidence is not None
    assert fit.log_evidence_mcse is not None
    assert abs(fit.log_evidence - logsumexp(total)) <= SIGMAS * fit.log_evidence_mcse


def test_tempering_leaves_the_sum_over_discrete_values_alone() -> None:
    """At every beta the weight of a particle is a power of what is summed over z, not a sum of powers."""
    y = RNG.normal(size=6)
    text = """
    data { plate obs; real y[obs]; }
    model {
      real shift ~ normal(0, 2);
      plate obs { int<lower=0, upper=1> z ~ bernoulli(0.3); y ~ normal(shift + 2 * z, 1); }
    }
    """
    plan = make_plan(compile_model(text=text).bind({"y": y})[0], CPU, particles=32)
    generator = torch.Generator().manual_seed(1)
    sampler = Sampler(plan, Contraction(plan), generator)
    step = sampler.e_step(starting_proposals(plan, generator))
    shift = step.particles.values["shift"][0].numpy()
    cloud = step.particles.clouds["shift"]
    by_value = stats.norm(shift[:, None, None] + [0, 2], 1).logpdf(y[:, None]) + np.log([0.7, 0.3])
    log_r = stats.norm(0, 2).logpdf(shift) + logsumexp(by_value, 2).sum(1) - cloud.log_q[0].numpy() - np.log(32)
    for beta in (0.1, 0.7, 1.0):
        expected = beta * log_r + (1 - beta) * cloud.narrowing[0].numpy()
        weighted = sampler.weigh(step, beta)
        np.testing.assert_allclose(weighted.evidence.log_z.item(), logsumexp(expected), rtol=1e-12)
        np.testing.assert_allclose(weighted.weights["shift"][0], np.exp(expected - logsumexp(expected)), atol=1e-12)


def test_only_global_particles_are_tempered() -> None:
    """A global latent, a discrete one of each group and a real one of each row: the last two are summed over with their plain weights."""
    y = RNG.normal(size=(3, 2))
    text = """
    data { plate g; plate obs in g; real y[obs]; }
    model {
      real m ~ normal(0, 1);
      plate g {
        int<lower=0, upper=1> z ~ bernoulli(0.4);
        plate obs { real a ~ normal(m + z, 1); y ~ normal(a, 0.5); }
      }
    }
    """
    plan = make_plan(compile_model(text=text).bind({"y": y})[0], CPU, particles=8)
    generator = torch.Generator().manual_seed(2)
    sampler = Sampler(plan, Contraction(plan), generator)
    step = sampler.e_step(starting_proposals(plan, generator))
    m, a = (
        step.particles.values["m"][0].numpy(),
        step.particles.values["a"].numpy(),
    )  # (root particle,), (obs, particle)
    of_m, of_a = step.particles.clouds["m"], step.particles.clouds["a"]
    beta, group = 0.4, np.repeat(np.arange(3), 2)
    prior = stats.norm(m[:, None] + np.arange(2), 1).logpdf(a[..., None, None])  # (obs, particle, root particle, z)
    log_r = prior + (stats.norm(a, 0.5).logpdf(y.ravel()[:, None]) - of_a.log_q.numpy() - np.log(8))[..., None, None]
    message = logsumexp(log_r, axis=1)  # (obs, root particle, z)
    of_group = np.stack([message[group == g].sum(0) for g in range(3)]) + np.log([0.6, 0.4])
    of_root = stats.norm.logpdf(m) - of_m.log_q[0].numpy() - np.log(8) + logsumexp(of_group, 2).sum(0)
    log_weight = beta * of_root + (1 - beta) * of_m.narrowing[0].numpy()
    weighted = sampler.weigh(step, beta)
    np.testing.assert_allclose(weighted.evidence.log_z.item(), logsumexp(log_weight), rtol=1e-12)
    weight = np.exp(log_weight - logsumexp(log_weight))
    np.testing.assert_allclose(weighted.weights["m"][0], weight, atol=1e-12)
    shares = np.exp(of_group - logsumexp(of_group, 2, keepdims=True))
    np.testing.assert_allclose(weighted.weights["z"], np.einsum("r,grz->gz", weight, shares), atol=1e-12)


def test_a_model_of_discrete_latents_only_is_exact() -> None:
    y = np.array([0.3, 1.2, -0.5])
    text = """
    data { plate obs; real y[obs]; }
    model { plate obs { int<lower=0, upper=1> z ~ bernoulli(0.3); y ~ normal(z, 1); } }
    """
    fit = compile_model(text=text).fit({"y": y}, seed=6)
    each = np.array([0.7, 0.3]) * stats.norm([0, 1], 1).pdf(y[:, None])
    assert fit.log_evidence is not None
    np.testing.assert_allclose(fit.log_evidence, np.log(each.sum(1)).sum(), rtol=1e-12)
    np.testing.assert_allclose(fit.estimate("z").mean, each[:, 1] / each.sum(1), rtol=1e-12)
    assert not fit.warnings
