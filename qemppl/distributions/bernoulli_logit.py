"""The Bernoulli law by log odds."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import log_indicator, plus_product
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import softplus
from qemppl.numerics.supports import BOOLEAN, REAL


class BernoulliLogit(SummableLaw):
    """bernoulli_logit(alpha): log p = log inv_logit(alpha) for x = 1, log inv_logit(-alpha) for x = 0."""

    name = "bernoulli_logit"
    arguments = (Argument("alpha", REAL),)
    support = BOOLEAN
    entangled = True

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        # The form of one row keeps the relative accuracy that a sum of rows cannot.
        (alpha,) = arguments
        return log_indicator((x == 0) | (x == 1), alpha) - softplus((1 - 2 * x) * alpha)

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return log_indicator((x == 0) | (x == 1), x), x, torch.ones_like(x)

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, successes, trials = statistics
        (alpha,) = arguments
        return plus_product(torch.addcmul(base, successes, alpha), trials, softplus(alpha), sign=-1)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        base, x, _ = self.row_statistics(x)
        return base, x

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (alpha,) = arguments
        return -softplus(alpha), alpha

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        (alpha,) = arguments
        return torch.bernoulli(alpha.sigmoid(), generator=generator)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (alpha,) = arguments
        return torch.where(x < 0, -torch.inf, torch.where(x < 1, -softplus(alpha), 0.0))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (alpha,) = arguments
        return torch.where(x < 0, 0.0, torch.where(x < 1, -softplus(-alpha), -torch.inf))
