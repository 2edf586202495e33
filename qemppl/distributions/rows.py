"""Laws whose rows collapse to sums."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from qemppl.distributions.base import Grouping, Law
from qemppl.numerics.lazy import torch


class SummableLaw(Law):
    """A law with log p(x_1, .., x_n | arguments) = f(sum of T(x_i), arguments): rows that share their arguments reduce to sums.

    One row is a group of one, so a law states its formula once, in `log_prob_summary`. By convention the first statistic, `base`, is
    the sum of all terms free of the arguments; it is -inf for a value outside the support.
    """

    @abstractmethod
    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """T(x) of each value, given the values of `data_arguments`: (*batch, *own axes of the statistic)."""

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        data, rest = self._split(arguments)
        return self.log_prob_summary(self.row_statistics(x, *data), *rest)

    def summarise(self, x: torch.Tensor, data: tuple[torch.Tensor, ...], groups: Grouping) -> tuple[torch.Tensor, ...]:
        by_row = (statistic.expand(len(x), *statistic.shape[1:]) for statistic in self.row_statistics(x, *data))
        return tuple(groups.sum(statistic) for statistic in by_row)

    def _split(self, arguments: Sequence[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """The values of `data_arguments`, and the others."""
        data: list[torch.Tensor] = []
        rest: list[torch.Tensor] = []
        for argument, value in zip(self.arguments, arguments, strict=True):
            (data if argument.name in self.data_arguments else rest).append(value)
        return data, rest
