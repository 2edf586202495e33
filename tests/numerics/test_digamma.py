from __future__ import annotations

import numpy as np
import scipy.special as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as hs

from qemppl.numerics.digamma import beta_shapes, digamma_rise, gamma_shape, log_minus_digamma

concentrations = hs.floats(-8, 8).map(lambda e: 10.0**e)


def tensor(x):
    return torch.as_tensor(np.asarray(x), dtype=torch.float64)


def test_log_minus_digamma_against_scipy_and_its_series():
    x = np.array([1e-8, 0.1, 1.0, 15.9, 16.0, 100.0])
    np.testing.assert_allclose(log_minus_digamma(tensor(x)), np.log(x) - sp.psi(x), rtol=1e-12)
    np.testing.assert_allclose(log_minus_digamma(tensor(1e8)), 0.5e-8 + 1e-16 / 12, rtol=1e-14)


def test_digamma_rise_over_steps_of_any_size():
    x, step = np.meshgrid([1e-8, 0.1, 3.0, 50.0], [0.5, 2.0, 100.0, 1e8])
    np.testing.assert_allclose(digamma_rise(tensor(x), tensor(step)), sp.psi(x + step) - sp.psi(x), rtol=1e-11)
    x = np.array([1e-3, 1.0, 40.0, 1e6])  # a step below the resolution of x: a derivative
    np.testing.assert_allclose(digamma_rise(tensor(x), tensor(1e-12 * x)), 1e-12 * x * sp.polygamma(1, x), rtol=1e-9)


@settings(max_examples=200, deadline=None)
@given(alpha=concentrations)
def test_gamma_shape_inverts_exactly(alpha):
    torch.testing.assert_close(gamma_shape(log_minus_digamma(tensor([alpha]))), tensor([alpha]), rtol=1e-12, atol=0)


@settings(max_examples=100, deadline=None)
@given(a=concentrations, b=concentrations)
def test_beta_shapes_solve_their_equations(a, b):
    left, right = digamma_rise(tensor([a]), tensor([b])), digamma_rise(tensor([b]), tensor([a]))
    found_a, found_b = beta_shapes(left, right)
    torch.testing.assert_close(digamma_rise(found_a, found_b), left, rtol=1e-12, atol=0)
    torch.testing.assert_close(digamma_rise(found_b, found_a), right, rtol=1e-12, atol=0)
