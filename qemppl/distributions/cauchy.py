"""The Cauchy law."""

from __future__ import annotations

import math

from qemppl.distributions.base import Argument, Law
from qemppl.numerics.elementwise import broadcast, plus, positive, times
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import POSITIVE, REAL


class Cauchy(Law):
    """cauchy(mu, sigma): log p = -log(1 + z^2) - log(pi sigma), z = (x - mu) / sigma."""

    name = "cauchy"
    arguments = (Argument("mu", REAL), Argument("sigma", POSITIVE))
    support = REAL
    heavy_right_tail = True

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = arguments
        sigma = positive(sigma)
        z = times(x - mu, -1 / sigma)
        return plus(z.square_().log1p_().neg_(), sigma.log() + math.log(math.pi), sign=-1)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = broadcast(*arguments)
        return torch.addcmul(mu, sigma, torch.empty_like(mu).contiguous().cauchy_(generator=generator))

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = arguments
        return _log_upper_tail((mu - x) / positive(sigma))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = arguments
        return _log_upper_tail((x - mu) / positive(sigma))


def _log_upper_tail(z: torch.Tensor) -> torch.Tensor:
    """log P(Z > z) of the standard law: the angle under which (z, 1) is seen, over pi; no cancellation for large z."""
    return (torch.atan2(torch.ones_like(z), z) / math.pi).log()
