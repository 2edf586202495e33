"""The cdf of the skew normal law on the log scale."""

from __future__ import annotations

import math

from qemppl.numerics.elementwise import broadcast
from qemppl.numerics.lazy import torch
from qemppl.numerics.quadrature import log_tail_integral
from qemppl.numerics.special import HALF_LOG_2PI, log_ndtr


def log_skew_normal_cdf(z: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """log P(Z <= z) for the density 2 phi(z) Phi(alpha z), accurate in the left tail.

    With J the thin tail beyond |z|, the other one is 2 Phi(-|z|) - J, and J <= Phi(-|z|): no digits cancel.
    """
    z, alpha = broadcast(z, alpha)
    height = z.abs().clamp_max(torch.finfo(z.dtype).max)
    log_thin = log_thin_tail(height, alpha.abs())
    log_normal = log_ndtr(-height)
    excess = torch.where(log_thin < log_normal, log_thin - log_normal, 0.0)
    log_thick = log_normal + (-excess.expm1()).log1p()
    is_thin = (z < 0) == (alpha > 0)
    log_outer = torch.where(is_thin, log_thin, log_thick)
    # the mass inside of |z|, then that on its far side: a sum of positive terms where the outer tail is most of it
    inner = (height * math.sqrt(0.5)).erf() + log_thin.exp()
    log_rest = torch.where(log_outer < -math.log(2), (-log_outer.exp()).log1p(), inner.log())
    return torch.where(z < 0, log_outer, log_rest)


def log_thin_tail(height: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """log J, J the integral of 2 phi(x) Phi(-alpha x) over x > height, for height, alpha >= 0; J = Phi(-height) - 2 T(height, alpha)
    with Owen's T.

    Phi(-x) = exp(-x^2 / 2) erfcx(x / sqrt 2) / 2, and in t = sqrt(1 + alpha^2) (x - height) the integrand is exp(-s t - t^2 / 2)
    times a slowly falling erfcx.
    """
    length = torch.hypot(alpha, torch.ones_like(alpha))
    slope = height * length
    near = (alpha * height * math.sqrt(0.5)).clamp_max(torch.finfo(height.dtype).max ** 0.5)[..., None]
    rate = (alpha / length * math.sqrt(0.5))[..., None]
    finite = slope.clamp_max(0.1 * torch.finfo(height.dtype).max ** 0.5)[..., None]
    log_erfcx = torch.special.erfcx(near).log()
    integral = log_tail_integral(
        lambda t: finite * t + 0.5 * t.square() - torch.special.erfcx(near + rate * t).log() + log_erfcx,
        slope=finite[..., 0],
        curvature=torch.ones_like(slope),
    )
    log_density: torch.Tensor = log_erfcx[..., 0] - 0.5 * slope.square() - length.log() - HALF_LOG_2PI
    return log_density + integral
