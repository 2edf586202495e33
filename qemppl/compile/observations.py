"""The log-density of an observation's rows, in the cheapest form that its law and its arguments have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qemppl.compile.additive import additive_factors
from qemppl.compile.builder import Builder
from qemppl.compile.counts import counted_density, find_counts
from qemppl.compile.factors import row_density
from qemppl.compile.moments import moments_factors
from qemppl.compile.rows import Rows
from qemppl.compile.simplify import find_cells, reduced_density


@dataclass(frozen=True)
class Reduction:
    """Rows of an observation that are not computed one by one. left: what is computed instead. how: in a few words."""

    rows: Rows
    count: int
    left: int
    how: str


@dataclass(frozen=True)
class Observed:
    """factors: the slots of log-densities that add up to that of some rows. reduction: None where every row is computed."""

    factors: list[int]
    reduction: Reduction | None = None


def observe(builder: Builder, rows: Rows, homes: Mapping[str, str | None]) -> Observed:
    """What reduces most comes first: moments, then statistics of equal arguments, then equal rows.

    homes: the plate of every group of particles.
    """
    count = builder.axes.size(rows.axis)
    moments = moments_factors(builder, rows)
    if moments is not None:
        how = "second moments of a linear predictor"
        return Observed(moments.factors, Reduction(rows, count, moments.left, how))
    cells = find_cells(builder, rows)
    if cells is not None and cells.merged:
        how = "sufficient statistics of rows with equal arguments"
        return Observed([reduced_density(builder, cells)], Reduction(rows, count, cells.count, how))
    additive = additive_factors(builder, rows, homes)
    if additive is not None:
        how = f"packs of {additive.width} rows with one logarithm, the predictor being a sum"
        return Observed(additive.factors, Reduction(rows, count, additive.packs, how))
    if cells is not None:
        return Observed([reduced_density(builder, cells)])
    counts = find_counts(builder, rows)
    if counts is not None:
        return Observed(
            [counted_density(builder, counts)], Reduction(rows, count, len(counts.count), "equal rows, counted")
        )
    return Observed([row_density(builder, rows)])
