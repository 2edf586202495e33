"""The uniform law."""

from __future__ import annotations

from qemppl.distributions.base import Argument, Law
from qemppl.numerics.elementwise import broadcast
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import REAL


class Uniform(Law):
    """uniform(alpha, beta): log p = -log(beta - alpha) for alpha <= x <= beta."""

    name = "uniform"
    arguments = (Argument("alpha", REAL), Argument("beta", REAL))
    support = REAL
    least = "alpha"
    most = "beta"

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, beta = arguments
        return torch.where((x >= alpha) & (x <= beta), -(beta - alpha).log(), -torch.inf)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, beta = broadcast(*arguments)
        u = torch.rand(alpha.shape, generator=generator, dtype=alpha.dtype, device=alpha.device)
        return torch.lerp(alpha, beta, u)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, beta = arguments
        return ((x - alpha) / (beta - alpha)).clamp(0, 1).log()

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, beta = arguments
        return ((beta - x) / (beta - alpha)).clamp(0, 1).log()
