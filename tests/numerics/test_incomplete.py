"""Incomplete gamma and beta functions against scipy, and in depths where scipy underflows against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sp
import scipy.stats as st
import torch

from qemppl.numerics.incomplete_beta import log_betainc, logit_beta_quantile
from qemppl.numerics.incomplete_gamma import log_gamma_quantile, log_gammainc, log_gammaincc
from qemppl.numerics.student_t import log_student_t_cdf


def tensor(x):
    return torch.as_tensor(np.asarray(x), dtype=torch.float64)


@pytest.mark.parametrize("low", [-8, -2, 0, 2, 6])
def test_gamma_quantile_inverts_scipy(low):
    rng = np.random.default_rng(low + 10)
    a, u = 10 ** rng.uniform(low, low + 2, 2000), rng.uniform(1e-4, 1 - 1e-4, 2000)
    expected = sp.gammaincinv(a, u)
    usable = expected > 1e-300
    got = log_gamma_quantile(tensor(a), tensor(u)).exp().numpy()
    # near a probability of 1 the rounding of P is magnified by 1 / (1 - u), up to 1e4
    np.testing.assert_allclose(got[usable], expected[usable], rtol=2e-9)


@pytest.mark.parametrize("low_a", [-8, -1, 1, 4])
@pytest.mark.parametrize("low_b", [-8, -1, 1, 4])
def test_beta_cdf_and_quantile_agree_with_scipy(low_a, low_b):
    rng = np.random.default_rng(100 + 10 * low_a + low_b)
    a, b = 10 ** rng.uniform(low_a, low_a + 2, 500), 10 ** rng.uniform(low_b, low_b + 2, 500)
    u = rng.uniform(1e-4, 1 - 1e-4, 500)
    x = sp.betaincinv(a, b, u)
    usable = (x > 1e-300) & (x < 1 - 1e-6)
    x, u, a, b = x[usable], u[usable], a[usable], b[usable]
    got = log_betainc(*(tensor(v) for v in (a, b, x, 1 - x))).exp()
    np.testing.assert_allclose(got, sp.betainc(a, b, x), rtol=0, atol=1e-9)
    quantile = logit_beta_quantile(tensor(a), tensor(b), tensor(u)).sigmoid().numpy()
    np.testing.assert_allclose(sp.betainc(a, b, quantile), u, rtol=0, atol=1e-9)


def test_depths_where_probabilities_underflow():
    # P(1, x) = 1 - exp(-x), Q(1, x) = exp(-x), Q(2, x) = (1 + x) exp(-x); I_x(a, 1) = x^a
    assert float(log_gammainc(tensor(1.0), tensor(1e-305))) == pytest.approx(np.log(1e-305), rel=1e-14)
    assert float(log_gammaincc(tensor(1.0), tensor(5000.0))) == pytest.approx(-5000, rel=1e-14)
    assert float(log_gammaincc(tensor(2.0), tensor(5000.0))) == pytest.approx(np.log1p(5000) - 5000, rel=1e-14)
    assert float(log_betainc(*(tensor(v) for v in (300.0, 1.0, 1e-4, 1 - 1e-4)))) == pytest.approx(
        300 * np.log(1e-4), rel=1e-13
    )
    # P(50, x) by its series 1 + x / 51 + x^2 / (51 52) for a small x
    expected = 50 * np.log(1e-3) - 1e-3 - sp.gammaln(51) + np.log1p(1e-3 / 51 + 1e-6 / (51 * 52))
    assert float(log_gammainc(tensor(50.0), tensor(1e-3))) == pytest.approx(expected, rel=1e-14)


def test_large_shapes_far_from_the_mean_agree_with_the_saddlepoint():
    # Poisson-gamma identity: Q(n, x) is a Poisson cdf, which scipy sums on the log scale
    for n, x in ((10_000, 14_000.0), (100_000, 112_000.0)):
        expected = sp.logsumexp(st.poisson.logpmf(np.arange(n - 20_000 if n > 20_000 else 0, n), x))
        assert float(log_gammaincc(tensor(float(n)), tensor(x))) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("nu", [0.01, 1.0, 4.5, 1e3, 1e8])
def test_student_t_cdf_in_both_tails(nu):
    t = np.array([-1e5, -30.0, -2.0, -1e-5, 0.0, 1e-5, 1.0, 5.0])
    with np.errstate(divide="ignore"):
        expected = np.log(sp.stdtr(nu, t))
    finite = np.isfinite(expected)
    got = log_student_t_cdf(tensor(t), tensor(nu)).numpy()
    np.testing.assert_allclose(got[finite], expected[finite], rtol=1e-9)
    assert (np.diff(got) > 0).all()


def test_student_t_tail_deep_under_the_floor():
    # nu = 2: P(T < -t) = (1 - t / sqrt(2 + t^2)) / 2, about 1 / (2 t^2)
    t = np.array([1e30, 1e100, 1e150])
    np.testing.assert_allclose(log_student_t_cdf(tensor(-t), tensor(2.0)), -np.log(2) - 2 * np.log(t), rtol=1e-13)
