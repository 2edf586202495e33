"""The exponential law."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import log_indicator, plus_product, positive
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log1mexp
from qemppl.numerics.supports import NON_NEGATIVE, POSITIVE


class Exponential(SummableLaw):
    """exponential(beta), by its rate: log p = log beta - beta x."""

    name = "exponential"
    arguments = (Argument("beta", POSITIVE),)
    support = NON_NEGATIVE

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        inside = (x >= 0) & (x < torch.inf)
        return log_indicator(inside, x), torch.ones_like(x), torch.where(inside, x, 0.0)

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, count, total = statistics
        beta = positive(arguments[0])
        return plus_product(torch.addcmul(base, count, beta.log()), beta, total, sign=-1)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        base, _, x = self.row_statistics(x)
        return base, x

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        beta = positive(arguments[0])
        return beta.log(), -beta

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        (beta,) = arguments
        return torch.empty_like(beta).exponential_(generator=generator) / beta

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (beta,) = arguments
        return log1mexp(beta * x.clamp_min(0))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (beta,) = arguments
        return -beta * x.clamp_min(0)
