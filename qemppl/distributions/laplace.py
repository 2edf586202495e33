"""The Laplace law, which Stan calls double exponential."""

from __future__ import annotations

import math

from qemppl.distributions.base import Argument, Law
from qemppl.numerics.elementwise import broadcast, plus, positive, times
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import POSITIVE, REAL


class Laplace(Law):
    """laplace(mu, sigma): log p = -|x - mu| / sigma - log(2 sigma). Stan's name, `double_exponential`, is an alias."""

    name = "laplace"
    arguments = (Argument("mu", REAL), Argument("sigma", POSITIVE))
    support = REAL

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = arguments
        sigma = positive(sigma)
        return plus(times((x - mu).abs_(), -1 / sigma), sigma.log() + math.log(2), sign=-1)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """The difference of two exponential draws is standard Laplace."""
        mu, sigma = broadcast(*arguments)
        above = torch.empty(mu.shape, dtype=mu.dtype, device=mu.device).exponential_(generator=generator)
        below = torch.empty_like(above).exponential_(generator=generator)
        return torch.addcmul(mu, sigma, above - below)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = arguments
        return _log_standard_cdf((x - mu) / positive(sigma))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = arguments
        return _log_standard_cdf((mu - x) / positive(sigma))


def _log_standard_cdf(z: torch.Tensor) -> torch.Tensor:
    return torch.where(z < 0, z - math.log(2), (-0.5 * (-z.clamp_min(0)).exp()).log1p())
