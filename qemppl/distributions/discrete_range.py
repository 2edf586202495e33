"""The uniform law of whole numbers."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import broadcast
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import INTEGER


class DiscreteRange(SummableLaw):
    """discrete_range(l, u): log p = -log(u - l + 1) for whole l <= x <= u."""

    name = "discrete_range"
    arguments = (Argument("l", INTEGER), Argument("u", INTEGER))
    support = INTEGER
    data_arguments = ("l", "u")
    least = "l"
    most = "u"

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        least, most = data
        inside = (x >= least) & (x <= most) & (x == x.floor())
        return (torch.where(inside, -(most - least + 1).log(), -torch.inf),)

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        return statistics[0]

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        least, most = broadcast(*arguments)
        u = torch.rand(least.shape, generator=generator, dtype=least.dtype, device=least.device)
        return torch.minimum(least + (u * (most - least + 1)).floor(), most)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        least, most = arguments
        return ((x.floor() - least + 1) / (most - least + 1)).clamp(0, 1).log()

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        least, most = arguments
        return ((most - x.floor()) / (most - least + 1)).clamp(0, 1).log()
