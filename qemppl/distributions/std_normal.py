"""The standard normal law."""

from __future__ import annotations

from qemppl.distributions.base import Law
from qemppl.distributions.normal import HALF_LOG_2PI
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log_ndtr
from qemppl.numerics.supports import REAL


class StdNormal(Law):
    """std_normal(): log p = -x^2 / 2 - log(2 pi) / 2."""

    name = "std_normal"
    arguments = ()
    support = REAL

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        return x.square().mul_(-0.5).sub_(HALF_LOG_2PI)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        (like,) = arguments
        return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        return log_ndtr(x)

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        return log_ndtr(-x)
