"""Cdfs where scipy has lost its digits, against closed forms and sums of log probabilities; and at and beyond the ends."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.integrate as si
import scipy.special as sp
import scipy.stats as st
import torch

from qemppl.distributions.registry import LAWS
from tests.laws.cases import CASES

COUNTS = {
    "bernoulli": [(0.3,), (1e-12,)],
    "bernoulli_logit": [(0.3,), (-30.0,)],
    "binomial": [(7.0, 0.3), (60.0, 1e-3), (3000.0, 0.97)],
    "binomial_logit": [(7.0, 0.3), (60.0, -6.0)],
    "poisson": [(0.2,), (12.0,)],
    "poisson_log": [(-5.0,), (2.0,)],
    "neg_binomial_2": [(0.5, 1e-3), (20.0, 0.8), (3.0, 1e9)],
    "neg_binomial_2_log": [(-3.0, 0.5), (2.0, 30.0)],
    "geometric": [(1e-3,), (0.3,)],
    "beta_binomial": [(9.0, 2.0, 3.0), (200.0, 0.1, 30.0), (40.0, 1e-8, 1.0), (30.0, 1e6, 3e6)],
    "discrete_range": [(0.0, 0.0), (0.0, 1000.0)],
}


def tensor(x):
    return torch.as_tensor(np.asarray(x, dtype=float))


def test_every_discrete_law_with_a_cdf_is_named_here():
    assert {n for n, law in LAWS.items() if law.support.integer and law.has_cdf and n in CASES} == set(COUNTS)


@pytest.mark.parametrize(("name", "arguments"), [(n, a) for n, rows in COUNTS.items() for a in rows])
def test_the_cdf_of_a_discrete_law_is_the_sum_of_its_probabilities(name, arguments):
    law, args = LAWS[name], [tensor(a) for a in arguments]
    most = 40_000 if law.most is None else int(arguments[[a.name for a in law.arguments].index(law.most)])
    most = 1 if law.support.upper == 1 else most
    k = np.arange(most + 1.0)
    log_p = law.log_prob(tensor(k), *args).numpy()
    assert float(np.exp(sp.logsumexp(log_p))) == pytest.approx(1, abs=1e-9)
    x = np.unique(np.clip([0, 1, 2, 5, 8, 11, 14, most // 20, most // 2, most - 1], 0, min(most, 3000)))
    below = [sp.logsumexp(log_p[: v + 1]) for v in x]
    above = [sp.logsumexp(log_p[v + 1 :]) if v < most else -np.inf for v in x]
    np.testing.assert_allclose(law.log_cdf(tensor(x), *args), np.minimum(below, 0), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(law.log_survival(tensor(x), *args), above, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("name", "arguments"), [(n, a) for n, rows in COUNTS.items() for a in rows[:1]])
def test_between_and_beyond_the_whole_numbers(name, arguments):
    law, args = LAWS[name], [tensor(a) for a in arguments]
    for cdf in (law.log_cdf, law.log_survival):
        whole, between = cdf(tensor([0, 1, 3]), *args), cdf(tensor([0.3, 1.999, 3.5]), *args)
        assert torch.equal(whole, between)
    assert law.log_cdf(tensor([-1e-9, -1, -50]), *args).tolist() == [-math.inf] * 3
    assert law.log_survival(tensor([-1e-9, -1, -50]), *args).tolist() == [0] * 3
    if law.most is not None or law.support.upper == 1:
        most = 1 if law.most is None else arguments[[a.name for a in law.arguments].index(law.most)]
        assert law.log_cdf(tensor([most, most + 7.5]), *args).tolist() == [0, 0]
        assert law.log_survival(tensor([most, most + 7.5]), *args).tolist() == [-math.inf] * 2


def test_tails_of_logistic_laplace_and_gumbel_laws_do_not_underflow():
    zero, one, z = tensor(0), tensor(1), tensor([800.0, 5000.0])
    for name, offset in (("logistic", 0.0), ("laplace", math.log(2))):
        np.testing.assert_allclose(LAWS[name].log_cdf(-z, zero, one), -z - offset, rtol=1e-15)
        np.testing.assert_allclose(LAWS[name].log_survival(z, zero, one), -z - offset, rtol=1e-15)
    np.testing.assert_allclose(LAWS["gumbel"].log_survival(z, zero, one), -z, rtol=1e-15)
    near = tensor([38.0, 39.999, 40.001])  # log(1 - exp(-t)) = log t - t / 2 + ..
    np.testing.assert_allclose(LAWS["gumbel"].log_survival(near, zero, one), -near, rtol=1e-15)
    np.testing.assert_allclose(LAWS["gumbel"].log_cdf(tensor([-5.0, 30.0]), zero, one), [-math.exp(5), -math.exp(-30)])


def test_counts_of_tiny_rates_do_not_underflow():
    # P(X > 0) is about the rate, P(X > 2) about rate^3 / 6
    got = LAWS["poisson_log"].log_survival(tensor([0, 2]), tensor(-900))
    np.testing.assert_allclose(got, [-900, -2700 - math.log(6)], rtol=1e-14)
    got = LAWS["binomial_logit"].log_survival(tensor([0, 2]), tensor(5), tensor(-900))
    np.testing.assert_allclose(got, [-900 + math.log(5), -2700 + math.log(10)], rtol=1e-14)
    got = LAWS["binomial_logit"].log_cdf(tensor([4, 2]), tensor(5), tensor(900))
    np.testing.assert_allclose(got, [-900 + math.log(5), -2700 + math.log(10)], rtol=1e-14)
    # with phi = 2 the chance of one is 2 (mu / 2)
    got = LAWS["neg_binomial_2_log"].log_survival(tensor(0), tensor(-900), tensor(2))
    assert float(got) == pytest.approx(-900, rel=1e-14)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_skew_normal_cdf_at_shapes_of_closed_form(sign):
    zero, one = tensor(0), tensor(1)
    z = tensor([-200.0, -38.0, -5.0, -1e-3, 0.0, 1e-3, 2.0, 9.0, 40.0])
    cdf = LAWS["skew_normal"].log_cdf if sign > 0 else LAWS["skew_normal"].log_survival
    log_ndtr = sp.log_ndtr(z.numpy())
    np.testing.assert_allclose(cdf(sign * z, zero, one, tensor(0)), log_ndtr, rtol=1e-14)
    np.testing.assert_allclose(cdf(sign * z, zero, one, tensor(sign)), 2 * log_ndtr, rtol=1e-13)
    # alpha = -1: 1 - (1 - F(z))^2 = F (2 - F); a large alpha: a folded normal
    np.testing.assert_allclose(
        cdf(sign * z, zero, one, tensor(-sign)),
        log_ndtr + np.log1p(np.exp(sp.log_ndtr(-z.numpy()))),
        rtol=1e-13,
        atol=1e-16,
    )
    left = z[:4]
    folded = cdf(sign * left, zero, one, tensor(-sign * 1e9))
    np.testing.assert_allclose(folded, math.log(2) + sp.log_ndtr(left.numpy()), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("alpha", [-8.0, -0.5, 0.1, 3.0, 40.0])
def test_the_skew_normal_cdf_is_the_integral_of_its_density(alpha):
    zero, one = tensor(0), tensor(1)
    for z in (-3.0, -0.4, 0.0, 0.05, 1.0, 4.0):
        if alpha * z < -30:
            continue  # the density underflows
        scale = 1 / (1 + abs(z)) / (1 + alpha**2)
        edges = [z, *(z - scale * np.array([1, 3, 10, 30, 100])), min(z, 0) - 40]
        edges = sorted({e for e in (*edges, 0.0, 1 / alpha) if e <= z})
        pieces = [
            si.quad(lambda x: 2 * st.norm.pdf(x) * sp.ndtr(alpha * x), a, b, epsabs=0, epsrel=1e-11)[0]
            for a, b in itertools.pairwise(edges)
        ]
        got = float(LAWS["skew_normal"].log_cdf(tensor(z), zero, one, tensor(alpha)))
        assert got == pytest.approx(math.log(sum(pieces)), rel=1e-10, abs=1e-10)
