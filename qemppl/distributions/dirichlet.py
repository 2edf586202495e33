"""The Dirichlet law."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.beta import log_gamma_draw
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import log_indicator, plus, plus_product, positive
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import POSITIVE, UNIT
from qemppl.numerics.vectors import is_unit, weighted_logs


class Dirichlet(SummableLaw):
    """dirichlet(alpha): log p = sum of (alpha[k] - 1) log x[k] + log Gamma(sum alpha) - sum of log Gamma(alpha[k]).

    A density of the first n - 1 components. Zeros are inside: there it is 0, finite or infinite as alpha[k] is above, at or below 1.
    """

    name = "dirichlet"
    arguments = (Argument("alpha", POSITIVE, ("n",)),)
    support = UNIT
    sizes = ("n",)
    form = "simplex"
    entangled = True

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        inside = (x >= 0).all(-1) & is_unit(x.sum(-1))
        x = torch.where(inside.unsqueeze(-1), x, 1.0)
        base = log_indicator(inside, x)
        return base, torch.ones_like(base), x.log()

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, count, log_total = statistics
        (alpha,) = arguments
        alpha = positive(alpha)
        normalizer = alpha.sum(-1).lgamma() - alpha.lgamma().sum(-1)
        return plus(plus_product(weighted_logs(alpha - 1, log_total), count, normalizer), base)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        base, _, log_x = self.row_statistics(x)
        return base, log_x

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        alpha = positive(arguments[0])
        return alpha.sum(-1).lgamma() - alpha.lgamma().sum(-1), alpha - 1

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """Shares of gamma draws, by their logs: with small shapes the draws themselves underflow."""
        (alpha,) = arguments
        return positive(log_gamma_draw(generator, positive(alpha)).softmax(-1))
