"""Vectors whose components hang together - simplexes, ordered vectors, correlated normals - against closed forms and quadrature."""

from __future__ import annotations

import numpy as np
from scipy import integrate, stats
from scipy.special import expit, gammaln

from qemppl.driver import compile_model
from tests.engine.truth import by_quadrature, check_evidence, check_moments

RNG = np.random.default_rng(13)


def log_dirichlet_normaliser(alpha: np.ndarray) -> float:
    return float(gammaln(alpha).sum() - gammaln(alpha.sum()))


def test_dirichlet_and_counts() -> None:
    alpha, votes = np.array([2.0, 1.0, 3.0]), np.array([[3, 9, 4], [1, 5, 6]])
    text = """
    data { dim V; plate survey; array[V] int<lower=0> votes[survey]; vector[V] alpha; }
    model { simplex[V] share ~ dirichlet(alpha); plate survey { votes ~ multinomial(share); } }
    """
    fit = compile_model(text=text).fit({"votes": votes, "alpha": alpha}, seed=1)
    posterior = alpha + votes.sum(0)
    law = stats.dirichlet(posterior)
    check_moments(fit, "share", law.mean(), law.var() ** 0.5)
    coefficients = (gammaln(votes.sum(1) + 1) - gammaln(votes + 1).sum(1)).sum()
    check_evidence(fit, log_dirichlet_normaliser(posterior) - log_dirichlet_normaliser(alpha) + coefficients)


def test_dirichlet_of_every_member() -> None:
    counts = np.array([[3, 0], [1, 5], [2, 2]])
    y = [[1] * a + [2] * b for a, b in counts]
    text = """
    data { plate g; plate obs in g; int<lower=1, upper=2> y[obs]; }
    model { plate g { simplex[2] p ~ dirichlet(rep_vector(1.5, 2)); plate obs { y ~ categorical(p); } } }
    """
    fit = compile_model(text=text).fit({"y": y}, seed=2)
    first, second = 1.5 + counts.T
    law = stats.beta(first, second)
    both = np.stack([law.mean(), 1 - law.mean()], 1)
    check_moments(fit, "p", both, np.stack([law.std(), law.std()], 1))
    log_z = sum(log_dirichlet_normaliser(1.5 + c) - log_dirichlet_normaliser(np.array([1.5, 1.5])) for c in counts)
    check_evidence(fit, log_z)


def test_ordered_vector_of_one_law_is_normalised() -> None:
    """Of K ordered draws of one law the least has the density K f (1 - F)^(K - 1)."""
    text = "data { real y; } model { ordered[3] mu ~ normal(0, 1); y ~ normal(mu[1], 0.5); }"

    def log_joint(least: np.ndarray) -> np.ndarray:
        prior = np.log(3) + stats.norm.logpdf(least) + 2 * stats.norm.logsf(least)
        return prior + stats.norm(least, 0.5).logpdf(-1.2)

    log_z, mean, _ = by_quadrature(log_joint, -8, 6)
    fit = compile_model(text=text).fit({"y": -1.2}, seed=3)
    check_evidence(fit, log_z)
    assert abs(fit.estimate("mu").mean[0] - mean) < 5 * fit.estimate("mu").mcse[0]
    assert (np.diff(fit.draws("mu"), axis=1) > 0).all()


def test_positive_ordered_vector() -> None:
    text = "data { real y; } model { positive_ordered[2] mu ~ normal(1, 2); y ~ normal(mu[2] - mu[1], 0.5); }"

    least, gap = np.linspace(0, 14, 2001)[:, None], np.linspace(0, 8, 2001)
    law = stats.norm(1, 2)
    density = 2 * law.pdf(least) * law.pdf(least + gap) / law.sf(0) ** 2 * stats.norm(gap, 0.5).pdf(1.5)
    total = integrate.simpson(integrate.simpson(density, x=gap), x=least[:, 0])
    check_evidence(compile_model(text=text).fit({"y": 1.5}, seed=4), float(np.log(total)))


def test_multivariate_normal_effects() -> None:
    """Correlated effects of every member under a known covariance: everything is jointly normal."""
    covariance = np.array([[1.0, 0.6], [0.6, 2.0]])
    y = RNG.normal(size=(4, 2))
    text = """
    data { dim D = 2; plate g; vector[D] y[g]; matrix[D, D] S; matrix[D, D] L; }
    model {
      real m ~ normal(0, 1);
      plate g { vector[D] a ~ multi_normal_cholesky(rep_vector(m, D), L); y ~ multi_normal(a, S); }
    }
    """
    data = {"y": y, "S": 0.5 * covariance, "L": np.linalg.cholesky(covariance)}
    fit = compile_model(text=text).fit(data, seed=5)
    marginal = np.kron(np.eye(4), 1.5 * covariance) + 1
    check_evidence(fit, stats.multivariate_normal(np.zeros(8), marginal).logpdf(y.ravel()))
    prior = np.kron(np.eye(4), covariance) + 1
    gain = prior @ np.linalg.inv(marginal)
    check_moments(fit, "a", (gain @ y.ravel()).reshape(4, 2), np.sqrt(np.diag(prior - gain @ prior)).reshape(4, 2))


def test_ordinal_regression() -> None:
    y, x = np.array([1, 3, 2, 2, 3, 1, 2, 3]), RNG.normal(size=8)
    cut = np.array([-0.5, 1.0])
    text = """
    data { plate obs; int<lower=1, upper=3> y[obs]; real x[obs]; ordered[2] cut; }
    model { real b ~ normal(0, 2); plate obs { y ~ ordered_logistic(b * x, cut); } }
    """

    def log_joint(b: np.ndarray) -> np.ndarray:
        below = expit(cut - (b[:, None] * x)[..., None])
        edges = np.concatenate([np.zeros((*below.shape[:2], 1)), below, np.ones((*below.shape[:2], 1))], 2)
        chosen = np.take_along_axis(np.diff(edges, axis=2), np.broadcast_to((y - 1)[:, None], (len(b), 8, 1)), 2)
        with np.errstate(divide="ignore"):
            return stats.norm(0, 2).logpdf(b) + np.log(chosen[..., 0]).sum(1)

    log_z, mean, sd = by_quadrature(log_joint, -14, 14)
    fit = compile_model(text=text).fit({"y": y, "x": x, "cut": cut}, seed=6)
    check_moments(fit, "b", mean, sd)
    check_evidence(fit, log_z)


def test_correlation_of_two_effects() -> None:
    """The correlation of a 2 x 2 factor under lkj_corr_cholesky(eta) is 2 beta(eta, eta) - 1."""
    y = RNG.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], size=12)
    text = """
    data { dim D = 2; plate obs; vector[D] y[obs]; }
    model { cholesky_factor_corr[D] L ~ lkj_corr_cholesky(2); plate obs { y ~ multi_normal_cholesky(rep_vector(0, D), L); } }
    """

    def log_joint(z: np.ndarray) -> np.ndarray:
        r = np.tanh(z)
        prior = stats.beta(2, 2).logpdf((r + 1) / 2) - np.log(2) + np.log1p(-(r**2))
        quadratic = (y**2).sum() - 2 * r * (y[:, 0] * y[:, 1]).sum()
        return prior - 12 * np.log(2 * np.pi) - 6 * np.log1p(-(r**2)) - 0.5 * quadratic / (1 - r**2)

    log_z, _, _ = by_quadrature(log_joint, -6, 6)
    fit = compile_model(text=text).fit({"y": y}, seed=7)
    check_evidence(fit, log_z)
    x = np.linspace(-6, 6, 4001)
    weights = np.exp(log_joint(x) - log_z) * (x[1] - x[0])
    mean = weights @ np.tanh(x)
    assert abs(fit.estimate("L").mean[1, 0] - mean) < 5 * fit.estimate("L").mcse[1, 0] + 1e-9
