"""The Weibull law."""

from __future__ import annotations

from qemppl.distributions.base import Argument, Law
from qemppl.numerics.elementwise import broadcast, log_indicator, plus, positive, times
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log1mexp
from qemppl.numerics.supports import POSITIVE


class Weibull(Law):
    """weibull(alpha, sigma), shape and scale: log p = log alpha - log x + alpha y - exp(alpha y), y = log(x / sigma)."""

    name = "weibull"
    arguments = (Argument("alpha", POSITIVE), Argument("sigma", POSITIVE))
    support = POSITIVE

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, sigma = (positive(a) for a in arguments)
        inside = (x > 0) & (x < torch.inf)
        log_x = torch.where(inside, x, 1.0).log()
        scaled = times(log_x - sigma.log(), alpha)
        log_p = plus(scaled - scaled.exp(), log_indicator(inside, x) - log_x)
        return plus(log_p, alpha.log())

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, sigma = broadcast(*arguments)
        standard = torch.empty(alpha.shape, dtype=alpha.dtype, device=alpha.device).exponential_(generator=generator)
        return positive(sigma * standard ** (1 / alpha))

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, sigma = arguments
        return log1mexp((x.clamp_min(0) / sigma) ** alpha)

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, sigma = arguments
        return -((x.clamp_min(0) / sigma) ** alpha)
