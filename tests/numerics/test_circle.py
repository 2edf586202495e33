from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from qemppl.numerics.circle import circular_variance, concentration, log_i0e, versine, von_mises_quantile, wrapped


def moment(kappa: float, order: int) -> float:
    """The integral of versine^order exp(-kappa versine) over an angle scaled by the square root of kappa."""
    scale = max(1.0, math.sqrt(kappa))

    def integrand(z: float) -> float:
        v = 2 * math.sin(0.5 * z / scale) ** 2
        return v**order * math.exp(-kappa * v)

    return 2 * quad(integrand, 0, min(math.pi * scale, 13.0), epsabs=0, epsrel=1e-13, limit=200)[0] / scale


@pytest.mark.parametrize("kappa", [1e-8, 1e-3, 0.5, 3.0, 20.0, 31.9, 32.1, 100.0, 1e4, 1e8, 1e16])
def test_variance_and_normaliser_agree_with_the_integrals(kappa: float) -> None:
    k = torch.tensor([kappa], dtype=torch.float64)
    assert float(circular_variance(k)) == pytest.approx(moment(kappa, 1) / moment(kappa, 0), rel=2e-13)
    assert float(log_i0e(k)) == pytest.approx(math.log(moment(kappa, 0) / math.tau), rel=1e-12, abs=1e-12)


def test_the_concentration_of_every_variance() -> None:
    """From the edge of the disk, where 1 - r is 1e-150, to its middle, where kappa is 2 r."""
    v = torch.cat(
        (torch.logspace(-150, -1, 900, dtype=torch.float64), 1 - torch.logspace(-1, -15, 200, dtype=torch.float64))
    )
    kappa = concentration(v)
    torch.testing.assert_close(circular_variance(kappa), v, rtol=2e-13, atol=0)
    length = 1 - v
    assert ((kappa[-50:] / (2 * length[-50:]) - 1).abs() < 1e-6).all()
    assert float(concentration(torch.ones(1, dtype=torch.float64))) < 1e-300


def test_quantiles_move_with_the_concentration_as_the_cdf_does() -> None:
    """dx / dkappa = -(dF / dkappa) / f, by differences of the quantile itself."""
    u = torch.tensor([1e-6, 0.01, 0.3, 0.5, 0.8, 0.999], dtype=torch.float64)
    for value in (0.0, 0.4, 5.0, 24.0, 26.0, 1e3):
        kappa = torch.full((1,), value + 0.1, dtype=torch.float64, requires_grad=True)
        slopes = torch.autograd.functional.jacobian(lambda k: von_mises_quantile(k, u[None])[0], kappa)[:, 0]
        step = 1e-4 * float(kappa.detach())
        high, low = (von_mises_quantile(kappa.detach() + sign * step, u[None])[0] for sign in (1, -1))
        np.testing.assert_allclose(slopes, (high - low) / (2 * step), rtol=1e-5, atol=1e-9)


def test_directions_are_wrapped_and_those_inside_are_left_as_they_are() -> None:
    inside = torch.tensor([-math.pi, -1e-300, 0.0, 1.0, math.pi], dtype=torch.float64)
    assert torch.equal(wrapped(inside), inside)
    turned = inside[1:4] + math.tau * torch.tensor([-3.0, 1.0, 1000.0], dtype=torch.float64)
    torch.testing.assert_close(wrapped(turned), inside[1:4], rtol=0, atol=1e-11)
    assert float(versine(torch.tensor([1e-100], dtype=torch.float64))) == pytest.approx(5e-201, rel=1e-12)
