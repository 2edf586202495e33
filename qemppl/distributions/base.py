"""What a law is: arguments, support, log density, samples; optionally a cdf and a form summarised by sufficient statistics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import Support


@dataclass(frozen=True)
class Grouping:
    """Which group each row belongs to. index: (row,), the number of the group. count: of groups."""

    index: torch.Tensor
    count: int

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """(row, ...) -> (group, ...)."""
        total = torch.zeros(self.count, *values.shape[1:], dtype=values.dtype)
        return total.index_add_(0, self.index, values)

    def spread(self, values: torch.Tensor) -> torch.Tensor:
        """(group,) -> (row,)."""
        return values[self.index]


@dataclass(frozen=True)
class Argument:
    """An argument of a law: its name and the set its values belong to."""

    name: str
    support: Support


class Law(ABC):
    """A probability law with Stan's name, parameterisation and argument order.

    Every tensor argument broadcasts elementwise; batch axes are the caller's. A law on vectors treats components as independent.

    name: as written in a model. arguments: in order. support: the set of possible values; where it depends on the arguments
    (`uniform`, `binomial`) the widest set, and `log_prob` returns -inf outside the actual one. heavy_right_tail: the right tail
    decays slower than exponentially. data_arguments: arguments that must be known before fitting (the `n` of a binomial).
    improper: integrates to infinity.
    """

    name: ClassVar[str]
    arguments: ClassVar[tuple[Argument, ...]]
    support: ClassVar[Support]
    heavy_right_tail: ClassVar[bool] = False
    improper: ClassVar[bool] = False
    data_arguments: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        """log p(x | arguments), elementwise; -inf outside the support, never NaN for arguments inside their supports."""

    @abstractmethod
    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """One draw for each element of the broadcast arguments (a law without arguments takes one tensor for shape and dtype)."""

    @property
    def has_cdf(self) -> bool:
        """Whether `log_cdf` and `log_survival` are defined, as truncation to declared bounds requires."""
        return type(self).log_cdf is not Law.log_cdf

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        """log P(X <= x), accurate in the left tail."""
        raise AssertionError(f"{self.name} has no cdf")

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        """log P(X > x), accurate in the right tail."""
        raise AssertionError(f"{self.name} has no cdf")

    @property
    def has_summary(self) -> bool:
        """Whether rows that share their arguments can be replaced by sufficient statistics."""
        return type(self).summarise is not Law.summarise

    def summarise(self, x: torch.Tensor, data: tuple[torch.Tensor, ...], groups: Grouping) -> tuple[torch.Tensor, ...]:
        """Sufficient statistics of the rows of each group.

        x: (row,). data: the values of `data_arguments` by row. Every statistic: (group,).
        """
        raise AssertionError(f"{self.name} has no summary")

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        """Sum of log p(x | arguments) over the rows of a group, from their statistics.

        arguments: those that are not `data_arguments`. Equals the sum of `log_prob` over the rows to rounding.
        """
        raise AssertionError(f"{self.name} has no summary")
