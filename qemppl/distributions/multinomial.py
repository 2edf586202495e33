"""The multinomial law."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import log_indicator, plus
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import COUNT, UNIT
from qemppl.numerics.vectors import weighted_logs


class Multinomial(SummableLaw):
    """multinomial(theta): log p = log (sum x)! - sum of log x[k]! + sum of x[k] log theta[k].

    The total is that of the data and no argument, so there is nothing to draw with.
    """

    name = "multinomial"
    arguments = (Argument("theta", UNIT, ("n",), "simplex"),)
    support = COUNT
    sizes = ("n",)
    samples = False

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        inside = ((x >= 0) & (x == x.floor())).all(-1)
        x = torch.where(inside.unsqueeze(-1), x, 0.0)
        orders = (x.sum(-1) + 1).lgamma() - (x + 1).lgamma().sum(-1)
        return plus(orders, log_indicator(inside, x)), x

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, counts = statistics
        (theta,) = arguments
        return plus(weighted_logs(counts, theta.log()), base)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        raise AssertionError("multinomial has no total to draw with")
