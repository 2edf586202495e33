"""What a law is: arguments, support, log density, samples; optionally a cdf and a form summarised by sufficient statistics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

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


Form = Literal["simplex", "ordered", "cholesky_factor_corr", "covariance", "cholesky_factor"]
"""What the components of a value satisfy together."""


@dataclass(frozen=True)
class Argument:
    """An argument of a law: its name, the set its components belong to, and its own axes.

    sizes: one letter for each axis of one value, () for a number, ("n",) for a vector, ("n", "n") for a square matrix; a letter
    means the same size throughout a law. form: what its components satisfy together.
    """

    name: str
    support: Support
    sizes: tuple[str, ...] = ()
    form: Form | None = None


class Law(ABC):
    """A probability law with Stan's name, parameterisation and argument order.

    Batch axes are the caller's: they stand in front and broadcast. The last axes of a value, and of an argument, are those named in
    `sizes`; `log_prob` sums them up. A law of numbers treats the components of a vector as independent.

    name: as written in a model. arguments: in order. support: the set of possible values of a component; where it depends on the
    arguments (`uniform`, `binomial`) the widest set, and `log_prob` returns -inf outside the actual one. sizes, form: of one value, as
    for an argument. heavy_right_tail: the right tail decays slower than exponentially. data_arguments: arguments that must be known
    before fitting (the `n` of a binomial). improper: integrates to infinity.
    period: of a density that repeats itself along the line; it integrates to 1 over any interval of that length.
    least, most: the arguments that are the least and the largest value, where the support depends on them. categories: the argument
    whose number of components tells the largest value, and what to add to it. samples: whether it can be drawn from.
    location: an argument that the density depends on by its difference from the value only. entangled: `log_prob` calls functions,
    and not only products and sums, of a value and the arguments together.
    """

    name: ClassVar[str]
    arguments: ClassVar[tuple[Argument, ...]]
    support: ClassVar[Support]
    sizes: ClassVar[tuple[str, ...]] = ()
    form: ClassVar[Form | None] = None
    heavy_right_tail: ClassVar[bool] = False
    improper: ClassVar[bool] = False
    period: ClassVar[float | None] = None
    data_arguments: ClassVar[tuple[str, ...]] = ()
    least: ClassVar[str | None] = None
    most: ClassVar[str | None] = None
    categories: ClassVar[tuple[str, int] | None] = None
    samples: ClassVar[bool] = True
    location: ClassVar[str | None] = None
    entangled: ClassVar[bool] = False

    @abstractmethod
    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        """log p(x | arguments): (batch,); -inf outside the support, never NaN for arguments inside their supports."""

    @abstractmethod
    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """One draw for each element of the broadcast batch axes, where the law `samples`.

        Arguments come broadcast: their batch axes are those of the result. A law that `needs_shape` takes one more tensor, of the
        shape and dtype of the result.
        """

    @property
    def needs_shape(self) -> bool:
        """Whether the arguments do not tell the shape of a value (`std_normal`, `lkj_corr_cholesky`)."""
        told = {size for argument in self.arguments for size in argument.sizes}
        return not self.arguments or not told.issuperset(self.sizes)

    @property
    def has_cdf(self) -> bool:
        """Whether `log_cdf` and `log_survival` are defined, as truncation to declared bounds requires."""
        return type(self).log_cdf is not Law.log_cdf

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        """log P(X <= x), accurate in the left tail; for whole numbers too, x between them included."""
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

        x: (row, *own axes of a value). data: the values of `data_arguments` by row. Every statistic: (group, *axes of its own).
        """
        raise AssertionError(f"{self.name} has no summary")

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        """Sum of log p(x | arguments) over the rows of a group, from their statistics.

        statistics: (*batch, *own axes of the statistic). arguments: those that are not `data_arguments`. Equals the sum of
        `log_prob` over the rows to rounding.
        """
        raise AssertionError(f"{self.name} has no summary")

    @property
    def has_natural_form(self) -> bool:
        """Whether log p(x | arguments) is an inner product of statistics of x and functions of the arguments."""
        return type(self).natural_parameters is not Law.natural_parameters

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Of the natural form log p(x | arguments) = h(x) - A(arguments) + sum over i of <eta_i(arguments), T_i(x)>: h, then T_i.

        data: the values of `data_arguments`. h: (*batch), -inf outside the support. T_i: (*batch, *axes of its own), finite there too.
        """
        raise AssertionError(f"{self.name} has no natural form")

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Of the natural form: -A, then eta_i. arguments: those that are not `data_arguments`.

        Not finite at the edge of what arguments can be (a probability of 0), where `log_prob` is.
        """
        raise AssertionError(f"{self.name} has no natural form")
