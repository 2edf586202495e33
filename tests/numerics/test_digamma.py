from __future__ import annotations

import numpy as np
import scipy.special as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as hs

from qemppl.numerics.digamma import (
    digamma_rise,
    dirichlet_falls,
    dirichlet_shapes,
    gamma_shape,
    log_minus_digamma,
)

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


def test_dirichlet_falls_against_scipy():
    alpha = np.array([[0.3, 2.0, 40.0], [1e-6, 1e6, 3.0]])
    expected = sp.psi(alpha.sum(1, keepdims=True)) - sp.psi(alpha)
    np.testing.assert_allclose(dirichlet_falls(tensor(alpha)), expected, rtol=1e-9)


@settings(max_examples=200, deadline=None)
@given(alpha=hs.lists(concentrations, min_size=2, max_size=12))
def test_dirichlet_shapes_solve_their_equations(alpha):
    falls = dirichlet_falls(tensor([alpha]))
    found = dirichlet_shapes(falls)
    torch.testing.assert_close(dirichlet_falls(found), falls, rtol=1e-12, atol=0)
    # the falls, about -log of the shares, know the total to 1 / (2 total) of their rounding
    torch.testing.assert_close(found, tensor([alpha]), rtol=1e-11 + 2e-14 * sum(alpha), atol=0)


def test_every_row_of_many_is_solved():
    generator = torch.Generator().manual_seed(0)
    for size in (2, 3, 30):
        alpha = 10 ** (-8 + 16 * torch.rand(5000, size, generator=generator, dtype=torch.float64))
        falls = dirichlet_falls(alpha)
        torch.testing.assert_close(dirichlet_falls(dirichlet_shapes(falls)), falls, rtol=1e-12, atol=0)
