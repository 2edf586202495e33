"""Laws on the categories 1, .., n."""

from __future__ import annotations

from abc import abstractmethod

from qemppl.distributions.base import Grouping, Law
from qemppl.numerics.elementwise import log_indicator, plus
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import CATEGORY
from qemppl.numerics.vectors import weighted_logs


class CategoryLaw(Law):
    """A law on 1, .., n, where n is told by an argument's size. Rows that share their arguments reduce to counts by category."""

    support = CATEGORY

    @abstractmethod
    def log_probabilities(self, *arguments: torch.Tensor) -> torch.Tensor:
        """log p of every category: (*batch, n)."""

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """The first of n exponential clocks, with the probabilities for rates."""
        log_p = self.log_probabilities(*arguments)
        times = torch.empty_like(log_p).exponential_(generator=generator)
        return (log_p - times.log()).argmax(-1).add(1).to(log_p.dtype)

    def summarise(self, x: torch.Tensor, data: tuple[torch.Tensor, ...], groups: Grouping) -> tuple[torch.Tensor, ...]:
        """Sum of 0 or -inf by group, and counts by category: (group, largest category). Rows not grouped stay as they are: a count
        of one would make `log_prob_summary` read every category."""
        if groups.count == len(x) and torch.equal(groups.index, torch.arange(len(x), device=x.device)):
            return (x,)
        inside = (x >= 1) & (x == x.floor())
        category = torch.where(inside, x, 1).long() - 1
        most = int(category.max()) + 1 if len(x) else 1
        counts = torch.bincount(groups.index * most + category, minlength=groups.count * most)
        return groups.sum(log_indicator(inside, x)), counts.reshape(groups.count, most).to(x.dtype)

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        if len(statistics) == 1:
            return self.log_prob(*statistics, *arguments)
        base, counts = statistics
        log_p = self.log_probabilities(*arguments)
        n = min(counts.shape[-1], log_p.shape[-1])
        base = base + log_indicator((counts[..., n:] == 0).all(-1), base)
        return plus(weighted_logs(counts[..., :n], log_p[..., :n]), base)


def position(x: torch.Tensor, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The position of each category, from 0, and 0 or -inf for whether it is one of n; what is not has a position all the same."""
    inside = (x >= 1) & (x <= n) & (x == x.floor())
    return torch.where(inside, x, 1).long() - 1, log_indicator(inside, x)
