"""The references of chains: sums over all paths, and the joint normal law of all states and outcomes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

pytest.importorskip("jax")

import jax

from benchmarks.references.chains import LinearGaussian, forward_backward


def test_forward_backward_is_a_sum_over_paths() -> None:
    generator = np.random.default_rng(1)
    first, steps = np.log(generator.dirichlet([1, 1])), np.log(generator.dirichlet([1, 1], (4, 2)))
    emission = generator.normal(size=(5, 2))
    paths = np.array(list(itertools.product(range(2), repeat=5)))
    t = np.arange(5)
    log_joint = first[paths[:, 0]] + emission[t, paths].sum(1) + steps[t[:-1], paths[:, :-1], paths[:, 1:]].sum(1)
    with jax.enable_x64(True):
        log_evidence, chance = forward_backward(first, steps, emission)
    assert float(log_evidence) == pytest.approx(logsumexp(log_joint), abs=1e-12)
    upper = np.exp(log_joint - logsumexp(log_joint)) @ paths
    assert np.asarray(chance)[:, 1] == pytest.approx(upper, abs=1e-12)


def test_the_smoother_is_that_of_the_joint_normal_law() -> None:
    generator = np.random.default_rng(2)
    steps, transition, noise, r = 6, np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([0.3, 0.7]), 1.1
    first, first_sd = np.array([0.2, 3.0]), np.array([1.0, 2.0])
    y, is_seen = generator.normal(3, 2, steps), np.array([1, 1, 0, 1, 0, 1], bool)
    rows = np.eye(2, 2 * steps)  # each state as a sum of the innovations so far
    mean, innovations = [first], [rows]
    for step in range(1, steps):
        rows = transition @ rows + np.eye(2, 2 * steps, 2 * step)
        innovations.append(rows)
        mean.append(transition @ mean[-1])
    sums, prior = np.vstack(innovations), np.concatenate(mean)
    covariance = sums @ np.diag(np.concatenate([first_sd, *[noise] * (steps - 1)]) ** 2) @ sums.T
    seen = 2 * np.flatnonzero(is_seen) + 1
    of_y = covariance[np.ix_(seen, seen)] + r**2 * np.eye(len(seen))
    gain = covariance[:, seen] @ np.linalg.inv(of_y)
    with jax.enable_x64(True):
        log_density, means, variances = LinearGaussian(first, first_sd, transition, noise, r).smooth(y, is_seen)
    assert float(log_density) == pytest.approx(multivariate_normal.logpdf(y[is_seen], prior[seen], of_y), abs=1e-10)
    assert np.asarray(means).ravel() == pytest.approx(prior + gain @ (y[is_seen] - prior[seen]), abs=1e-10)
    assert np.asarray(variances).ravel() == pytest.approx(np.diag(covariance - gain @ covariance[seen]), abs=1e-10)
