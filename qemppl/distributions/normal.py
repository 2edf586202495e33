"""The normal law."""

from __future__ import annotations

import math

from qemppl.distributions.base import Argument, Grouping, Law
from qemppl.numerics.elementwise import broadcast, positive, times
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log_ndtr
from qemppl.numerics.supports import POSITIVE, REAL

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
SQRT_HALF = math.sqrt(0.5)


class Normal(Law):
    """normal(mu, sigma): log p = -(x - mu)^2 / (2 sigma^2) - log sigma - log(2 pi) / 2."""

    name = "normal"
    arguments = (Argument("mu", REAL), Argument("sigma", POSITIVE))
    support = REAL
    location = "mu"

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = arguments
        sigma = positive(sigma)
        z = times(x - mu, SQRT_HALF / sigma)
        return torch.addcmul(-HALF_LOG_2PI - sigma.log(), z, z, value=-1)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return x.new_zeros(()), x, x.square()

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        mu, sigma = arguments
        sigma = positive(sigma)
        precision = sigma.square().reciprocal()
        towards = mu * precision
        return -0.5 * mu * towards - sigma.log() - HALF_LOG_2PI, towards, -0.5 * precision

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = broadcast(*arguments)
        noise = torch.randn(mu.shape, generator=generator, dtype=mu.dtype, device=mu.device)
        return torch.addcmul(mu, sigma, noise)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = arguments
        return log_ndtr((x - mu) / positive(sigma))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = arguments
        return log_ndtr((mu - x) / positive(sigma))

    def summarise(self, x: torch.Tensor, data: tuple[torch.Tensor, ...], groups: Grouping) -> tuple[torch.Tensor, ...]:
        """Count, mean and centred sum of squares by group."""
        count = groups.sum(torch.ones_like(x))
        rough = groups.sum(x) / count.clamp_min(1)
        mean = rough + groups.sum(x - groups.spread(rough)) / count.clamp_min(
            1
        )  # keeps the digits of a mean far from 0
        return count, mean, groups.sum((x - groups.spread(mean)).square())

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        count, mean, squares = statistics
        mu, sigma = arguments
        sigma = positive(sigma)
        inverse = SQRT_HALF / sigma
        within = (squares.sqrt() * inverse).square()
        z = times(mean - mu, count.sqrt() * inverse)
        return torch.addcmul(-count * (HALF_LOG_2PI + sigma.log()) - within, z, z, value=-1)
