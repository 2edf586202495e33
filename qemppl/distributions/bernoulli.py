"""The Bernoulli law."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import log_indicator, plus
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import xlog1py
from qemppl.numerics.supports import BOOLEAN, UNIT


class Bernoulli(SummableLaw):
    """bernoulli(theta): log p = log theta for x = 1, log(1 - theta) for x = 0."""

    name = "bernoulli"
    arguments = (Argument("theta", UNIT),)
    support = BOOLEAN
    entangled = True

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        inside = (x == 0) | (x == 1)
        x = torch.where(inside, x, 0.0)
        return log_indicator(inside, x), x, 1 - x

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, successes, failures = statistics
        (theta,) = arguments
        return plus(torch.xlogy(successes, theta).add_(xlog1py(failures, -theta)), base)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        base, x, _ = self.row_statistics(x)
        return base, x

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (theta,) = arguments
        return (-theta).log1p(), theta.logit()

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        (theta,) = arguments
        return torch.bernoulli(theta, generator=generator)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (theta,) = arguments
        return torch.where(x < 0, -torch.inf, torch.where(x < 1, (-theta).log1p(), 0.0))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (theta,) = arguments
        return torch.where(x < 0, 0.0, torch.where(x < 1, theta.log(), -torch.inf))
