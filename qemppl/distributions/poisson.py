"""The Poisson law."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import plus, plus_product
from qemppl.numerics.incomplete_gamma import log_gammainc, log_gammaincc
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import count_base
from qemppl.numerics.supports import COUNT, NON_NEGATIVE


class Poisson(SummableLaw):
    """poisson(lambda): log p = x log lambda - lambda - log x!. A rate of 0 puts all mass on 0."""

    name = "poisson"
    arguments = (Argument("lambda", NON_NEGATIVE),)
    support = COUNT
    entangled = True

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return count_base(x), x.clamp_min(0), torch.ones_like(x)

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, total, count = statistics
        (rate,) = arguments
        return plus_product(plus(torch.xlogy(total, rate), base), count, rate, sign=-1)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        base, x, _ = self.row_statistics(x)
        return base, x

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (rate,) = arguments
        return -rate, rate.log()

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        (rate,) = arguments
        return poisson_draw(generator, rate)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        """P(X <= x) is the chance that the sum of x + 1 exponential draws exceeds the rate."""
        (rate,) = arguments
        return torch.where(x < 0, -torch.inf, log_gammaincc(x.clamp_min(0).floor() + 1, rate))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (rate,) = arguments
        return torch.where(x < 0, 0.0, log_gammainc(x.clamp_min(0).floor() + 1, rate))


def poisson_draw(generator: torch.Generator, rate: torch.Tensor) -> torch.Tensor:
    """One draw for each rate. Rates are capped at 2^50: torch draws 64-bit integers, and an extreme prior draw may exceed them."""
    return torch.poisson(rate.clamp_max(2.0**50), generator=generator)
