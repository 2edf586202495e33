"""Equal rows: one of them is computed, and counted.

Rows of an observation that share their parent, every data column that their law reads and the outcome have one log-density. Where a law
has sufficient statistics these say more, for outcomes may then differ; this is for all other laws, and for rows that are censored
or truncated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.builder import Builder
from qemppl.compile.factors import row_density
from qemppl.compile.layout import Layout
from qemppl.compile.rows import Rows
from qemppl.compile.simplify import data_columns, equal_rows
from qemppl.data.located import by_member
from qemppl.numerics.lazy import torch

WORTH_IT = 0.8
"""Rows are merged where at most this share of them is left."""


@dataclass(frozen=True)
class Counts:
    """rows: of the data. distinct: one of each kind, and how many of its kind there are."""

    rows: Rows
    distinct: Rows
    count: NDArray[np.int64]


def find_counts(builder: Builder, rows: Rows) -> Counts | None:
    """Equal rows of an observation, the axis of distinct ones added; None where few rows are equal."""
    variable, plate = rows.variable, rows.variable.plate
    if plate is None or "counts" not in builder.passes:
        return None
    bounds = [bound for bound in (variable.bounds.lower, variable.bounds.upper) if bound is not None]
    columns = data_columns(builder.bound, builder.axes, rows, [*variable.arguments, *bounds])
    if columns is None:
        return None
    index = np.arange(builder.axes.size(plate)) if rows.index is None else rows.index
    outcome = by_member(builder.bound.arrays[variable.name], plate)[index]
    cell, first = equal_rows([*columns, *outcome.astype(np.float64).T])
    if len(first) > WORTH_IT * len(cell):
        return None
    name = f"distinct rows of {rows.site}"
    builder.axes.add_rows(plate, name, index[first])
    return Counts(rows, Rows(variable, name, index[first], rows.censored), np.bincount(cell))


def counted_density(builder: Builder, counts: Counts) -> int:
    """The slot of the log-density of each kind of rows, times their number: (kind, *particles, *event)."""
    axis = counts.distinct.axis
    number = builder.constant(("number of rows", axis), Layout(axis), lambda: counts.count.astype(np.float64))
    density = row_density(builder, counts.distinct)
    return builder.elementwise("times the number of rows", torch.mul, [density, number])
