"""The Poisson law by log rate."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.poisson import poisson_draw
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import plus_product
from qemppl.numerics.incomplete_gamma import log_gammainc, log_gammaincc
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import count_base
from qemppl.numerics.supports import COUNT, REAL


class PoissonLog(SummableLaw):
    """poisson_log(alpha): log p = x alpha - exp(alpha) - log x!."""

    name = "poisson_log"
    arguments = (Argument("alpha", REAL),)
    support = COUNT

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return count_base(x), x, torch.ones_like(x)

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, total, count = statistics
        (alpha,) = arguments
        return plus_product(torch.addcmul(base, total, alpha), count, alpha.exp(), sign=-1)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        base, x, _ = self.row_statistics(x)
        return base, x

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (alpha,) = arguments
        return -alpha.exp(), alpha

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        (alpha,) = arguments
        return poisson_draw(generator, alpha.exp())

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (alpha,) = arguments
        return torch.where(x < 0, -torch.inf, log_gammaincc(x.clamp_min(0).floor() + 1, alpha.exp()))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (alpha,) = arguments
        k = x.clamp_min(0).floor() + 1
        leading = k * alpha - (k + 1).lgamma()  # exact to rounding for a tiny rate, also where it underflows
        log_sum = torch.where(alpha < -40, leading, log_gammainc(k, alpha.exp()))
        return torch.where(x < 0, 0.0, log_sum)
