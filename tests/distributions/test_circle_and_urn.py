"""The von Mises, hypergeometric and beta-binomial laws: what is their own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats as st
import torch

from qemppl.distributions.base import Grouping
from qemppl.distributions.registry import LAWS


def tensor(x):
    return torch.as_tensor(np.asarray(x, dtype=float))


def dkw_bound(n):
    """The distance of an empirical cdf that is exceeded less than once in a million."""
    return math.sqrt(math.log(2 / 1e-6) / (2 * n))


def test_the_density_on_the_circle_has_period_2_pi():
    law, x = LAWS["von_mises"], tensor([-2.0, 0.3, 3.0])
    around = law.log_prob(x[:, None] + 2 * math.pi * tensor([-3, -1, 0, 5]), tensor(0.5), tensor(4))
    np.testing.assert_allclose(around, around[:, [2]].expand(3, 4), rtol=1e-13)
    for low in (-math.pi, 0.0, 40.0):
        nodes = low + 2 * math.pi * np.arange(400) / 400
        total = law.log_prob(tensor(nodes), tensor(1.0), tensor(9.0)).exp().mean() * 2 * math.pi
        assert float(total) == pytest.approx(1, abs=1e-12)
    assert law.log_prob(tensor([-math.inf, math.inf]), tensor(1.0), tensor(9.0)).tolist() == [-math.inf] * 2


def test_no_concentration_is_uniform_and_a_high_one_is_normal():
    law, x = LAWS["von_mises"], tensor([-3.0, 0.0, 2.0])
    np.testing.assert_allclose(law.log_prob(x, tensor(0.4), tensor(0)), -math.log(2 * math.pi), rtol=1e-15)
    for kappa in (1e8, 1e12):
        z = tensor([-4.0, 0.0, 1.0])
        got = law.log_prob(z / kappa**0.5, tensor(0), tensor(kappa))
        np.testing.assert_allclose(got, st.norm.logpdf(z, 0, 1) + 0.5 * math.log(kappa), rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kappa", [0.0, 1e-6, 1.0, 50.0, 1e8])
def test_draws_of_the_circle_at_every_concentration(kappa, dtype):
    n, mu = 40_000, 0.25
    mean, concentration = torch.full((n,), mu, dtype=dtype), torch.full((n,), kappa, dtype=dtype)
    turn = (LAWS["von_mises"].sample(torch.Generator().manual_seed(5), mean, concentration) - mu).double()
    assert (turn.abs() <= math.pi * (1 + 1e-6)).all()
    if dtype == torch.float64 or kappa < 1e6:  # a deviation of 1e-4 from 0.25 has three digits in single precision
        reference = st.norm(0, kappa**-0.5) if kappa > 1e6 else st.vonmises(kappa) if kappa > 0 else None
        sorted_turn = np.sort(turn.numpy())
        at = reference.cdf(sorted_turn) if reference is not None else 0.5 + sorted_turn / (2 * math.pi)
        assert np.abs(at - np.arange(n) / n).max() < dkw_bound(n) + 1 / n


def test_a_summary_of_close_angles_keeps_its_digits():
    law, rng = LAWS["von_mises"], np.random.default_rng(2)
    x = tensor(3.1 + 1e-5 * rng.normal(size=300) + 2 * math.pi * rng.integers(-1, 2, 300))
    statistics = law.summarise(x, (), Grouping(torch.zeros(300, dtype=torch.int64), 1))
    mu, kappa = tensor(3.1), tensor(1e8)
    got = law.log_prob_summary(statistics, mu, kappa)[0]
    # an angle near 6 is known to 1e-15, 1e-10 of the spread
    torch.testing.assert_close(got, law.log_prob(x, mu, kappa).sum(), rtol=1e-9, atol=0)


@pytest.mark.parametrize(("draws", "white", "black"), [(7, 4, 9), (500, 3000, 2000), (4000, 30_000, 5000)])
def test_hypergeometric_probabilities_against_whole_number_arithmetic(draws, white, black):
    least, most = max(0, draws - black), min(draws, white)
    middle = draws * white // (white + black)
    x = sorted({least, most, middle, (least + middle) // 2, (middle + most) // 2})
    expected = []
    for k in x:
        ways = math.comb(white, k) * math.comb(black, draws - k)
        total = math.comb(white + black, draws)
        shift = max(0, total.bit_length() - ways.bit_length()) + 80
        expected.append(math.log((ways << shift) // total) - shift * math.log(2))
    law, args = LAWS["hypergeometric"], [tensor(v) for v in (draws, white, black)]
    np.testing.assert_allclose(law.log_prob(tensor(x), *args), expected, rtol=1e-12, atol=1e-12)
    outside = tensor([least - 1, most + 1, middle + 0.5])
    assert law.log_prob(outside, *args).tolist() == [-math.inf] * 3


def test_urns_that_leave_no_choice():
    draws, white, black = tensor([0, 7, 3, 3]), tensor([4, 4, 0, 3]), tensor([3, 3, 5, 0])
    x = tensor([0, 4, 0, 3])
    law = LAWS["hypergeometric"]
    np.testing.assert_allclose(law.log_prob(x, draws, white, black), 0, atol=1e-14)
    assert torch.equal(law.sample(torch.Generator().manual_seed(0), draws, white, black), x)


def test_draws_from_a_large_urn_stay_inside_and_follow_the_law():
    n = 40_000
    draws, white, black = (torch.full((n,), float(v), dtype=torch.float64) for v in (900, 800, 400))
    x = LAWS["hypergeometric"].sample(torch.Generator().manual_seed(1), draws, white, black)
    assert ((x >= 500) & (x <= 800) & (x == x.floor())).all()
    value, count = np.unique(x.numpy(), return_counts=True)
    at = st.hypergeom(1200, 800, 900).cdf(value)
    assert np.abs(np.cumsum(count) / n - at).max() < dkw_bound(n)


def test_beta_binomial_tends_to_binomial():
    x, n = tensor([0, 3, 10]), tensor(10)
    for size in (1e9, 1e14, 1e100):
        got = LAWS["beta_binomial"].log_prob(x, n, tensor(0.3 * size), tensor(0.7 * size))
        np.testing.assert_allclose(got, st.binom.logpmf(x, 10, 0.3), rtol=0, atol=1e-6 if size < 1e10 else 1e-11)


def test_chi_square_and_beta_proportion_are_gamma_and_beta_laws():
    x = tensor([0.01, 0.4, 0.9])
    assert torch.equal(LAWS["chi_square"].log_prob(x, tensor(5)), LAWS["gamma"].log_prob(x, tensor(2.5), tensor(0.5)))
    got = LAWS["beta_proportion"].log_prob(x, tensor(0.25), tensor(8))
    assert torch.equal(got, LAWS["beta"].log_prob(x, tensor(2), tensor(6)))
    ends = LAWS["beta_proportion"].log_cdf(x, tensor([[0.0], [1.0]]), tensor(8))
    assert (ends[0] > -1e-300).all()  # a mean of 0 or 1 leaves the mass at that end
    assert (ends[1] < -600).all()
