"""The integral over a member's latent against quadrature: bias and spread of log Zhat, and of its slope in the global latents.

The bounds are for eight particles and a posterior family fitted to the member. log Zhat of n members is a sum: its sd is sqrt(n) times that
of one, and equally weighted replicates shift the global latents by n times the mean slope, in units of their posterior sd, which is
that of one member over sqrt(n).
"""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
import pytest
import torch
from scipy import special, stats

from qemppl.families.normal import Normal
from qemppl.numerics.quasi import periodic_grid

MU, TAU = 0.3, 0.7
MEMBERS, REPEATS, PARTICLES = 40, 200, 8
STEP = 0.1
Floats = np.ndarray
LogLikelihood = Callable[[Floats, Floats], Floats]


def logistic(y: Floats, a: Floats) -> Floats:
    """y: successes of ten, (member,)."""
    return np.asarray(y * special.log_expit(a) + (10 - y) * special.log_expit(-a))


def poisson(y: Floats, a: Floats) -> Floats:
    return np.asarray(y * a - np.exp(a))


def simulated(likelihood: LogLikelihood, rng: np.random.Generator) -> Floats:
    a = rng.normal(MU, TAU, MEMBERS)
    counts = rng.binomial(10, special.expit(a)) if likelihood is logistic else rng.poisson(np.exp(a))
    return np.asarray(counts, dtype=float)


def log_evidence(log_joint: Floats, step: float) -> Floats:
    return np.asarray(special.logsumexp(log_joint, axis=-1) + np.log(step))


@pytest.mark.parametrize("likelihood", [logistic, poisson])
def test_eight_particles_integrate_a_member_of_100_000(likelihood: LogLikelihood) -> None:
    """Over all 8,000 repetitions, so the sd is known to 1 % and the bounds, three times what was measured, are never met by chance."""
    y = simulated(likelihood, np.random.default_rng(1))
    grid = np.linspace(MU - 9 * TAU, MU + 9 * TAU, 2001)

    def log_joint(a: Floats, scale: float) -> Floats:
        return likelihood(y.reshape(-1, *(1,) * (a.ndim - 1)), a) + stats.norm(MU, scale).logpdf(a)

    on_grid = np.broadcast_to(grid, (MEMBERS, len(grid)))
    posterior = special.softmax(log_joint(on_grid, TAU), axis=1)
    mean = posterior @ grid
    variance = (posterior * (grid - mean[:, None]) ** 2).sum(1)
    information = np.mean((posterior @ (((grid - MU) / TAU) ** 2 - 1)) ** 2)  # of log tau, by member

    family = Normal()
    widened = family.widen(family.mean_to_standard(torch.tensor(np.stack((mean, variance), 1))), 1.2)
    widened = widened.repeat_interleave(REPEATS, 0)
    v, log_weight = periodic_grid(torch.Generator().manual_seed(1), len(widened), PARTICLES, torch.float64)
    u = family.quantile(widened, v[..., None])
    log_q = (family.log_prob(widened, u) - log_weight).numpy().reshape(MEMBERS, REPEATS, PARTICLES)
    a = u.numpy().reshape(MEMBERS, REPEATS, PARTICLES)

    errors = []
    for scale in (TAU, TAU * np.exp(STEP), TAU * np.exp(-STEP)):
        exact = log_evidence(log_joint(on_grid, scale), float(grid[1] - grid[0]))
        errors.append(special.logsumexp(log_joint(a, scale) - log_q, axis=2) - log(PARTICLES) - exact[:, None])
    slope = (errors[1] - errors[2]) / (2 * STEP)
    n = 100_000
    assert np.sqrt(n) * errors[0].std() < 0.2
    assert np.sqrt(n / information) * abs(slope.mean()) < 0.05
