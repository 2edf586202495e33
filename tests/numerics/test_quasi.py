from __future__ import annotations

import math

import pytest
import torch

from qemppl.numerics.quasi import SOBOL_DIMENSIONS, periodic_grid, uniforms


def draw(members, particles, coordinates, seed=0, dtype=torch.float64):
    return uniforms(torch.Generator().manual_seed(seed), members, particles, coordinates, dtype)


@pytest.mark.parametrize("coordinates", [1, 2, 8, SOBOL_DIMENSIONS + 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_strictly_inside_reproducible_and_of_the_right_shape(coordinates, dtype):
    u = draw(3, 16, coordinates, dtype=dtype)
    assert u.shape == (3, 16, coordinates)
    assert u.dtype == dtype
    assert u.min() > 0
    assert u.max() < 1
    assert torch.equal(u, draw(3, 16, coordinates, dtype=dtype))
    assert not torch.equal(u, draw(3, 16, coordinates, seed=1, dtype=dtype))


@pytest.mark.parametrize("coordinates", [1, 3, 80, SOBOL_DIMENSIONS + 1])
def test_every_stratum_of_every_coordinate_holds_one_particle(coordinates):
    """Stratified, Sobol (a power of two of points) and Latin hypercube alike."""
    stratum = (draw(5, 32, coordinates) * 32).floor().sort(1).values
    expected = torch.arange(32, dtype=torch.float64)[:, None].expand(5, 32, coordinates)
    assert torch.equal(stratum, expected)


@pytest.mark.parametrize("coordinates", [1, 2])
def test_every_point_is_uniform_and_members_are_independent(coordinates):
    """First two moments within 4.5 standard errors over 20,000 members."""
    u = draw(20_000, 8, coordinates) - 0.5
    if coordinates == 2:
        assert (u.mean(0).abs() < 4.5 * (1 / 12 / 20_000) ** 0.5).all()
        assert ((u.square().mean(0) - 1 / 12).abs() < 4.5 * (1 / 180 / 20_000) ** 0.5).all()
    pair = (u[0::2] * u[1::2]).mean((0, 1))
    assert (pair.abs() < 1 / 12).all() if coordinates == 1 else (pair.abs() < 4.5 / 12 / 10_000**0.5).all()


def test_a_small_smooth_mean_has_less_variance_than_plain_uniforms():
    u = draw(2000, 64, 4)
    means = torch.special.ndtri(u).mul(0.3).sum(-1).exp().mean(1)
    plain_variance = float(torch.expm1(torch.tensor(0.36)) * torch.exp(torch.tensor(0.36))) / 64
    assert float(means.var()) < plain_variance / 10


def grid_estimates(integrand, members, particles, seed=0):
    """One estimate of the integral of a function over (0, 1) from each member's grid."""
    v, log_weight = periodic_grid(torch.Generator().manual_seed(seed), members, particles, torch.float64)
    return (log_weight.exp() * integrand(v)).mean(1)


@pytest.mark.parametrize("particles", [1, 2, 5])
def test_a_grid_is_unbiased_however_coarse(particles):
    """Six standard errors of 20,000 members; the standard error itself is known to 1 %."""
    for power in (0.0, 1.0, 3.0):
        found = grid_estimates(lambda v, power=power: v**power, 20_000, particles)
        error = float(found.std()) / 20_000**0.5
        assert abs(float(found.mean()) - 1 / (power + 1)) <= 6 * error + 1e-12


def test_a_grid_of_a_smooth_function_beats_strata():
    """The worst of 1,000 members, five times what was measured, is an eighth of the sd of stratified averages, slope / (K^1.5 sqrt 12)."""
    found = grid_estimates(lambda v: (2 * v).exp(), 1_000, 12)
    exact = (math.exp(2) - 1) / 2
    assert float((found - exact).abs().max()) < 2e-3 * exact


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_grid_is_strictly_inside(dtype):
    v, log_weight = periodic_grid(torch.Generator().manual_seed(1), 100_000, 8, dtype)
    assert v.dtype == log_weight.dtype == dtype
    assert v.min() > 0
    assert v.max() < 1
    assert log_weight.isfinite().all()
