"""The geometric law."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import log_indicator, plus
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log1mexp, xlog1py
from qemppl.numerics.supports import COUNT, UNIT


class Geometric(SummableLaw):
    """geometric(theta), failures before the first success: log p = log theta + x log(1 - theta), x = 0, 1, ...

    Stan has no law of this name; its neg_binomial(1, theta / (1 - theta)) is the same. scipy and others count the success too.
    """

    name = "geometric"
    arguments = (Argument("theta", UNIT),)
    support = COUNT
    entangled = True

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        inside = (x >= 0) & (x == x.floor()) & (x < torch.inf)
        return log_indicator(inside, x), torch.where(inside, x, 0.0), torch.ones_like(x)

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, failures, successes = statistics
        (theta,) = arguments
        return plus(torch.xlogy(successes, theta).add(xlog1py(failures, -theta)), base)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        base, x, _ = self.row_statistics(x)
        return base, x

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (theta,) = arguments
        return theta.log(), (-theta).log1p()

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """The whole part of an exponential draw; capped at 2^50, for an extreme prior draw may exceed the integers."""
        (theta,) = arguments
        noise = torch.empty(theta.shape, dtype=theta.dtype, device=theta.device).exponential_(generator=generator)
        return noise.div_(-(-theta).log1p()).floor_().clamp_max_(2.0**50)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        return log1mexp(-self.log_survival(x, *arguments))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (theta,) = arguments
        return xlog1py((x.floor() + 1).clamp_min(0), -theta)
