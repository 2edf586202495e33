"""The log-density of an observation's rows, in the cheapest form that its law and its arguments have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from qemppl.compile.additive import additive_factors
from qemppl.compile.binary import packed_density
from qemppl.compile.builder import Builder
from qemppl.compile.counts import counted_density, find_counts
from qemppl.compile.factors import row_density
from qemppl.compile.moments import moments_factors
from qemppl.compile.rows import Rows
from qemppl.compile.simplify import Cells, find_cells, reduced_density


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
    forms = _Forms(builder, rows, homes)
    for form in (forms.moments, forms.statistics, forms.sums, forms.packs, forms.counts):
        observed = form()
        if observed is not None:
            return observed
    return Observed([row_density(builder, rows)])


@dataclass(frozen=True)
class _Forms:
    """The forms that the log-density of some rows may take, each None where it does not serve."""

    builder: Builder
    rows: Rows
    homes: Mapping[str, str | None]

    @cached_property
    def cells(self) -> Cells | None:
        return find_cells(self.builder, self.rows)

    def moments(self) -> Observed | None:
        found = moments_factors(self.builder, self.rows)
        if found is None:
            return None
        return self._reduced(found.factors, found.left, "second moments of a linear predictor")

    def statistics(self) -> Observed | None:
        if self.cells is None or not self.cells.merged:
            return None
        how = "sufficient statistics of rows with equal arguments"
        return self._reduced([reduced_density(self.builder, self.cells)], self.cells.count, how)

    def sums(self) -> Observed | None:
        found = additive_factors(self.builder, self.rows, self.homes)
        if found is None:
            return None
        how = f"packs of {found.width} rows with one logarithm, the predictor being a sum"
        return self._reduced(found.factors, found.packs, how)

    def packs(self) -> Observed | None:
        found = packed_density(self.builder, self.rows)
        if found is None:
            return None
        slot, packing = found
        return self._reduced([slot], packing.count, f"packs of {packing.width} rows with one logarithm")

    def counts(self) -> Observed | None:
        """Equal rows; where a law has statistics, the data's part is prepared instead."""
        if self.cells is not None:
            return Observed([reduced_density(self.builder, self.cells)])
        found = find_counts(self.builder, self.rows)
        if found is None:
            return None
        return self._reduced([counted_density(self.builder, found)], len(found.count), "equal rows, counted")

    def _reduced(self, factors: list[int], left: int, how: str) -> Observed:
        return Observed(factors, Reduction(self.rows, self.builder.axes.size(self.rows.axis), left, how))
