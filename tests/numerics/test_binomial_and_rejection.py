from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special as sp
import torch

from qemppl.numerics.binomial import log_binomial
from qemppl.numerics.incomplete_beta import log_betainc, log_betainc_of_logit
from qemppl.numerics.rejection import draw_by_rejection
from qemppl.numerics.skew_normal import log_thin_tail


def tensor(x):
    return torch.as_tensor(np.asarray(x, dtype=float))


@pytest.mark.parametrize("n", [1, 12, 4000])
def test_binomial_probabilities_against_whole_number_arithmetic(n):
    x = np.unique([0, 1, n // 3, n // 2, n - 1, n])
    expected = [math.log(math.comb(n, int(k))) - n * math.log(2) for k in x]
    got = log_binomial(tensor(x), tensor(n), tensor(0.5), tensor(0.5))
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_binomial_probabilities_of_certain_outcomes():
    x, n = tensor([0, 3, 0, 3]), tensor(3)
    p = tensor([0, 1, 1, 0])
    assert log_binomial(x, n, p, 1 - p).tolist() == [0, 0, -math.inf, -math.inf]


def test_incomplete_beta_of_a_logit():
    t = tensor([-39.0, -5.0, 0.0, 3.0, 30.0])
    for a, b in ((1.0, 4.0), (30.0, 0.5), (2.0, 1e8)):
        expected = log_betainc(tensor(a), tensor(b), t.sigmoid(), (-t).sigmoid())
        np.testing.assert_allclose(log_betainc_of_logit(tensor(a), tensor(b), t), expected, rtol=1e-14)
    # I_x(2, 3) is about 6 x^2
    got = log_betainc_of_logit(tensor(2), tensor(3), tensor([-41.0, -900.0]))
    np.testing.assert_allclose(got, math.log(6) + 2 * np.array([-41.0, -900.0]), rtol=1e-14)


def test_the_thin_tail_is_owens_function():
    h, a = np.meshgrid([0.0, 1e-3, 0.4, 1.5, 3.0], [0.0, 1e-3, 0.3, 1.0, 5.0, 1e4])
    expected = sp.ndtr(-h) - 2 * sp.owens_t(h, a)
    got = log_thin_tail(tensor(h), tensor(a)).exp()
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-14)


def test_rejection_draws_again_only_what_was_refused():
    def propose(generator, low):
        x = torch.rand(low.shape, generator=generator, dtype=low.dtype)
        return x, x < low

    generator = torch.Generator().manual_seed(3)
    low = tensor(np.linspace(0, 0.99, 600).reshape(20, 1, 30)).expand(20, 2, 30)
    x = draw_by_rejection(lambda low: propose(generator, low), low)
    assert x.shape == (20, 2, 30)
    assert (x >= low).all()
    n = 40_000
    u = draw_by_rejection(lambda low: propose(generator, low), torch.full((n,), 0.75, dtype=torch.float64))
    # 4.5 standard errors of the mean of a uniform on (0.75, 1): a false alarm in a hundred thousand
    assert abs(float(u.mean()) - 0.875) < 4.5 * 0.25 / math.sqrt(12 * n)
    assert draw_by_rejection(lambda low: propose(generator, low), tensor(0.5)).shape == ()
    assert draw_by_rejection(lambda low: propose(generator, low), low[:0]).shape == (0, 2, 30)
