"""The Gaussian families where raw second moments would cancel, and at the edge of positive definiteness."""

from __future__ import annotations

import math

import pytest
import torch

from qemppl.families.multivariate_normal import robust_cholesky
from qemppl.families.registry import make_family


@pytest.mark.parametrize("name", ["normal", "multi_normal", "multi_normal_diag"])
def test_a_mean_of_1e8_with_an_sd_of_1e_3_survives_every_step(name):
    d = 1 if name == "normal" else 3
    family = make_family(name, d)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn((1, 4000, d), generator=generator, dtype=torch.float64)
    weight = torch.full((1, 4000), 1 / 4000, dtype=torch.float64)
    plain, shifted = family.moments(noise, weight), family.moments(1e8 + 1e-3 * noise, weight)
    for moments, centre, scale in ((plain, 0.0, 1.0), (shifted, 1e8, 1e-3)):
        blended = family.project_mean(family.blend(moments, moments, 0.5))
        standard = family.mean_to_standard(blended)
        x = family.quantile(standard, torch.full((1, 1, d), 0.8, dtype=torch.float64))
        # 1e8 is known to 1e-8, a hundred-thousandth of the sd
        torch.testing.assert_close(
            (x - centre) / scale,
            family.quantile(family.mean_to_standard(plain), torch.full_like(x, 0.8)),
            rtol=0,
            atol=1e-3,
        )
        got = family.log_prob(standard, centre + scale * noise) + d * math.log(scale)
        torch.testing.assert_close(got, family.log_prob(family.mean_to_standard(plain), noise), rtol=0, atol=2e-3)


def test_moments_do_not_need_weights_that_sum_to_one_exactly():
    family = make_family("normal", 1)
    x = 1e8 + torch.linspace(-1, 1, 11, dtype=torch.float64)[None, :, None]
    weight = torch.full((1, 11), 1 / 11, dtype=torch.float32).double()
    torch.testing.assert_close(
        family.moments(x, weight)[0, 0], torch.tensor(1e8, dtype=torch.float64), rtol=0, atol=1e-6
    )


def test_fewer_particles_than_dimensions_still_give_a_factor():
    family = make_family("multi_normal", 6)
    generator = torch.Generator().manual_seed(0)
    units = 10.0 ** torch.arange(-6, 6, 2, dtype=torch.float64)
    x = units * torch.randn((3, 4, 6), generator=generator, dtype=torch.float64)
    weight = torch.full((3, 4), 0.25, dtype=torch.float64)
    mean = family.moments(x, weight)
    projected = family.project_mean(mean)
    standard = family.mean_to_standard(projected)
    assert standard.isfinite().all()
    torch.testing.assert_close(family.standard_to_mean(standard), projected, rtol=1e-9, atol=0)
    diagonal = mean[:, 6:].view(3, 6, 6).diagonal(dim1=1, dim2=2)
    projected_diagonal = projected[:, 6:].view(3, 6, 6).diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(projected_diagonal, diagonal, rtol=1e-10, atol=0)


def test_jitter_touches_only_the_members_that_need_it():
    generator = torch.Generator().manual_seed(0)
    root = torch.randn((2, 4, 4), generator=generator, dtype=torch.float64)
    covariance = root @ root.mT
    covariance[1] = torch.ones(4, 4, dtype=torch.float64)
    repaired, factor = robust_cholesky(covariance)
    assert torch.equal(repaired[0], covariance[0])
    torch.testing.assert_close(factor @ factor.mT, repaired, rtol=1e-12, atol=1e-12)
    assert ((repaired - covariance).abs() < 1e-12).all()


def test_particles_of_a_vector_are_monotone_by_coordinate_and_follow_the_factor():
    family = make_family("multi_normal", 2)
    standard = torch.tensor([[1.0, 2.0, 0.5, 0.0, 0.3, 0.4]], dtype=torch.float64)
    u = torch.tensor([[[0.5, 0.5], [0.8, 0.5], [0.5, 0.9]]], dtype=torch.float64)
    z = torch.special.ndtri(u)
    expected = torch.tensor([1.0, 2.0]) + torch.stack((0.5 * z[..., 0], 0.3 * z[..., 0] + 0.4 * z[..., 1]), -1)
    torch.testing.assert_close(family.quantile(standard, u), expected)


def test_a_covariance_that_is_not_finite_is_an_internal_error():
    with pytest.raises(AssertionError, match="not finite"):
        robust_cholesky(torch.full((1, 2, 2), torch.nan, dtype=torch.float64))
