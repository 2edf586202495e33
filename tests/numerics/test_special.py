from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special as sp
import torch

from qemppl.numerics import special


def tensor(x):
    return torch.as_tensor(np.asarray(x), dtype=torch.float64)


def test_log1mexp_and_log_diff_exp():
    x = np.array([0.0, 1e-300, 1e-10, 0.5, 0.7, 5.0, 800.0])
    expected = [-np.inf if v == 0 else np.log(-np.expm1(-v)) if v < 0.6 else np.log1p(-np.exp(-v)) for v in x]
    np.testing.assert_allclose(special.log1mexp(tensor(x)), expected)
    got = special.log_diff_exp(tensor([-1000.0, 0.0, -math.inf, 3.0]), tensor([-1001.0, -1e-12, -math.inf, -math.inf]))
    np.testing.assert_allclose(got, [-1000 + np.log(-np.expm1(-1)), np.log(1e-12), -np.inf, 3.0], rtol=1e-12)


def test_softplus_is_exact_in_both_tails():
    x = np.array([-800.0, -40.0, -1.0, 0.0, 19.0, 25.0, 39.0, 41.0, 1e5])
    np.testing.assert_allclose(special.softplus(tensor(x)), np.logaddexp(0, x), rtol=1e-15)


def test_log1pmx_keeps_its_digits_near_zero():
    x = np.array([-0.999, -0.5, -0.49, -1e-3, -1e-12, 1e-12, 1e-3, 0.3, 0.49, 0.5, 10.0, 1e8])
    series = sum((-1) ** (k + 1) * x**k / k for k in range(2, 9))
    np.testing.assert_allclose(special.log1pmx(tensor(x)), np.where(abs(x) < 2e-3, series, np.log1p(x) - x), rtol=2e-14)


@pytest.mark.parametrize("a", [1e-8, 0.3, 7.0, 15.9, 16.0, 500.0, 1e4])
def test_gamma_function_ratios(a):
    x = np.array([0.0, 1e-6, 0.5, 1.0, 30.0, 1e4])
    expected = np.array([math.lgamma(a + v) - math.lgamma(a) for v in x])
    np.testing.assert_allclose(special.log_rising(tensor(a), tensor(x)), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(special.log_beta(tensor(a), tensor(x[1:])), sp.betaln(a, x[1:]), rtol=1e-11, atol=1e-11)
    expected = math.lgamma(a) - ((a - 0.5) * math.log(a) - a + 0.5 * math.log(2 * math.pi))
    assert float(special.stirling_error(tensor(a))) == pytest.approx(expected, abs=1e-11)


def test_the_ratio_of_a_large_argument_does_not_cancel():
    # Gamma(a + 2) / (Gamma(a) a^2) = 1 + 1/a
    a = tensor([1e6, 1e10, 1e15])
    np.testing.assert_allclose(
        special.log_rising_over_power(a, tensor(2.0)), np.log1p(1 / a.numpy()), rtol=0, atol=1e-15
    )


def test_binomial_coefficients_and_counts():
    x = tensor([-1.0, 0.0, 2.0, 2.5, 5.0, 6.0])
    got = special.log_choose(tensor(5.0), x)
    np.testing.assert_allclose(got, [-np.inf, 0, np.log(10), -np.inf, 0, -np.inf], atol=1e-14)
    np.testing.assert_allclose(
        special.count_base(tensor([-1.0, 0.0, 3.0, 0.5])), [-np.inf, 0, -np.log(6), -np.inf], atol=1e-15
    )


def test_normal_quantile_is_accurate_to_the_tails():
    u = np.array([1e-300, 1e-20, 1e-3, 0.5, 0.9, 1 - 1e-15])
    np.testing.assert_allclose(special.ndtri(tensor(u)), sp.ndtri(u), rtol=1e-13)
    z = np.array([-1e10, -40.0, -5.0, 0.0, 3.0, 9.0])
    np.testing.assert_allclose(special.log_ndtr(tensor(z)), sp.log_ndtr(z), rtol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_normal_scores_are_quantiles_of_numbers_within_rounding_of_their_own(dtype):
    eps = torch.finfo(dtype).eps
    inside = torch.rand(10_000, generator=torch.Generator().manual_seed(1), dtype=dtype).clamp(eps / 2, 1 - eps / 2)
    u = torch.cat((inside, torch.tensor([eps / 2, 1e-3 * eps**0.5, 0.5, 1 - eps / 2], dtype=dtype)))
    z = special.normal_scores(u)
    assert z.isfinite().all()
    found, wanted = sp.ndtr(z.double().numpy()), u.double().numpy()
    # a score is rounded too: by eps |z|, which moves its probability by less than eps / 4
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2 * eps)
