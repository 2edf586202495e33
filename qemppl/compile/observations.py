"""The log-density of an observation's rows, in the cheapest form that its law and its arguments have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qemppl.compile.additive import additive_factors
from qemppl.compile.binary import packed_density
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
    """What reduces most comes first: moments, statistics of equal arguments, sums over two sets of particles, binary rows side by side,
    equal rows.

    homes: the plate of every group of particles.
    """
    for form in (_by_moments, _by_statistics, _by_sums, _by_packs, _by_counts):
        observed = form(builder, rows, homes)
        if observed is not None:
            return observed
    return Observed([row_density(builder, rows)])


def _reduction(builder: Builder, rows: Rows, left: int, how: str) -> Reduction:
    return Reduction(rows, builder.axes.size(rows.axis), left, how)


def _by_moments(builder: Builder, rows: Rows, _: Mapping[str, str | None]) -> Observed | None:
    found = moments_factors(builder, rows)
    if found is None:
        return None
    return Observed(found.factors, _reduction(builder, rows, found.left, "second moments of a linear predictor"))


def _by_statistics(builder: Builder, rows: Rows, _: Mapping[str, str | None]) -> Observed | None:
    cells = find_cells(builder, rows)
    if cells is None or not cells.merged:
        return None
    how = "sufficient statistics of rows with equal arguments"
    return Observed([reduced_density(builder, cells)], _reduction(builder, rows, cells.count, how))


def _by_sums(builder: Builder, rows: Rows, homes: Mapping[str, str | None]) -> Observed | None:
    found = additive_factors(builder, rows, homes)
    if found is None:
        return None
    how = f"packs of {found.width} rows with one logarithm, the predictor being a sum"
    return Observed(found.factors, _reduction(builder, rows, found.packs, how))


def _by_packs(builder: Builder, rows: Rows, homes: Mapping[str, str | None]) -> Observed | None:
    found = packed_density(builder, rows, homes)
    if found is None:
        return None
    slot, packing = found
    how = f"packs of {packing.width} rows with one logarithm"
    return Observed([slot], _reduction(builder, rows, packing.count, how))


def _by_counts(builder: Builder, rows: Rows, _: Mapping[str, str | None]) -> Observed | None:
    """Equal rows; where none are, the data's part of a law with statistics is prepared all the same."""
    cells = find_cells(builder, rows)
    if cells is not None:
        return Observed([reduced_density(builder, cells)])
    counts = find_counts(builder, rows)
    if counts is None:
        return None
    return Observed(
        [counted_density(builder, counts)], _reduction(builder, rows, len(counts.count), "equal rows, counted")
    )
