"""The posterior in numbers: one row for each component of each name of the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qemppl.result.fit import Estimate, Estimates
from qemppl.result.names import element_names

QUANTILES = (0.05, 0.5, 0.95)
BLOCK = 1 << 22
"""Numbers that are sorted at once."""


@dataclass(frozen=True)
class Row:
    """One number of the posterior.

    mcse: Monte Carlo standard error of the mean. q5, q50, q95: quantiles of the joint draws. ess: importance-sampling effective
    number of particles behind the mean. khat: Pareto shape of their weights, NaN where there are too few to tell.
    """

    variable: str
    name: str
    mean: float
    mcse: float
    sd: float
    q5: float
    q50: float
    q95: float
    ess: float
    khat: float


@dataclass(frozen=True)
class Summary:
    """The rows of a fit, in the order of the model, and the number of joint draws behind the quantiles. Printed, it is a table."""

    rows: tuple[Row, ...]
    draws: int

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, name: str) -> Row:
        """The row of one number, such as `theta[Choate]`."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"{name!r} is not a row of this summary")

    def __str__(self) -> str:
        from qemppl.result.render import table_text  # noqa: PLC0415 - rendering stands on the summary

        return table_text(self)


def summarise(fit: Estimates) -> Summary:
    """Means and standard deviations as estimated from all particles; quantiles from the joint draws."""
    rows = tuple(row for estimate in fit.estimates for row in _rows(fit, estimate))
    return Summary(rows, max((len(estimate.draws) for estimate in fit.estimates), default=0))


def _rows(fit: Estimates, estimate: Estimate) -> Iterator[Row]:
    draws = estimate.draws.reshape(len(estimate.draws), -1)
    parts = np.array_split(draws, max(1, draws.size // BLOCK), axis=1)  # a quantile copies what it sorts
    quantiles = np.concatenate([np.quantile(part, QUANTILES, axis=0) for part in parts], axis=1)
    columns = (
        estimate.mean,
        estimate.mcse,
        estimate.sd,
        *quantiles,
        estimate.ess,
        estimate.khat,
    )
    numbers = np.stack([np.ravel(column) for column in columns], axis=-1).tolist()
    for name, values in zip(element_names(fit, estimate), numbers, strict=True):
        yield Row(estimate.name, name, *values)
