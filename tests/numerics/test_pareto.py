from __future__ import annotations

import math

import arviz
import numpy as np
import pytest
import torch

from qemppl.numerics.pareto import khat, khat_from_tail, smooth, tail_size, threshold


@pytest.mark.parametrize("count", [30, 100, 1000, 4000])
@pytest.mark.parametrize("shape", [0.1, 0.5, 0.9])
def test_agrees_with_arviz(count, shape):
    log_weights = shape * np.random.default_rng(count).exponential(size=(4, count)) - 700  # Pareto weights of any size
    expected, expected_khat = arviz.psislw(log_weights.copy(), normalize=False)
    got, got_khat = smooth(torch.tensor(log_weights))
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    np.testing.assert_allclose(got_khat, expected_khat, rtol=1e-9)
    np.testing.assert_allclose(khat(torch.tensor(log_weights.T), dim=0), expected_khat, rtol=1e-9)
    largest = torch.tensor(np.sort(log_weights, -1)[:, -tail_size(count) - 3 :].copy())
    np.testing.assert_allclose(khat_from_tail(largest, count), expected_khat, rtol=1e-9)


def test_the_shape_of_a_pareto_tail_is_found():
    """Tail 1/k of exact Pareto weights; the standard error of k-hat is about (1 + k) / sqrt(tail), 0.033 here."""
    log_weights = 0.5 * torch.empty(250_000, dtype=torch.float64).exponential_(
        generator=torch.Generator().manual_seed(0)
    )
    assert float(khat(log_weights)) == pytest.approx(0.5, abs=4.5 * 1.5 / math.sqrt(tail_size(250_000)))


def test_degenerate_weights():
    assert torch.isnan(khat(torch.zeros(12)))
    unchanged, shape = smooth(torch.arange(12.0))
    assert torch.isnan(shape)
    assert torch.equal(unchanged, torch.arange(12.0))
    equal = torch.full((2, 400), -3.0, dtype=torch.float64)
    smoothed, shape = smooth(equal)
    assert torch.equal(smoothed, equal)
    assert (shape == 0).all()
    one = torch.full((400,), -torch.inf, dtype=torch.float64)
    one[7] = 5.0
    smoothed, shape = smooth(one)
    assert shape == torch.inf
    assert torch.equal(smoothed, one)


def test_weights_of_zero_and_ties_at_the_cutoff_agree_with_arviz():
    log_weights = 0.4 * np.random.default_rng(2).exponential(size=(3, 500))
    log_weights[0, 40:] = -np.inf
    log_weights[1, 60:] = 0.0
    with np.errstate(all="ignore"):
        expected, expected_khat = arviz.psislw(log_weights.copy(), normalize=False)
    got, got_khat = smooth(torch.tensor(log_weights))
    np.testing.assert_allclose(got, expected, rtol=1e-10)
    np.testing.assert_allclose(got_khat, expected_khat, rtol=1e-9)


def test_blocks_give_the_same_numbers(monkeypatch):
    log_weights = torch.randn(50, 200, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    whole = khat(log_weights)
    monkeypatch.setattr("qemppl.numerics.pareto._BLOCK", 5000)
    torch.testing.assert_close(khat(log_weights), whole, rtol=0, atol=0)


def test_threshold_and_tail_size():
    assert threshold(100) == pytest.approx(0.5)
    assert threshold(10**6) == 0.7
    assert tail_size(100) == 20
    assert tail_size(10_000) == 300
