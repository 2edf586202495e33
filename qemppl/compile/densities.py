"""The log-density of a statement, in the cheapest form that its law and its arguments have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from qemppl.compile.additive import Additive, additive_factors, additive_latent
from qemppl.compile.binary import packed_density
from qemppl.compile.builder import Builder
from qemppl.compile.counts import counted_density, find_counts
from qemppl.compile.factors import latent_factors, row_density
from qemppl.compile.moments import moments_factors
from qemppl.compile.rows import Rows
from qemppl.compile.simplify import Cells, find_cells, reduced_density
from qemppl.ir.model import RandomVariable


@dataclass(frozen=True)
class Reduction:
    """Rows of an observation, or members of a latent, that are not computed one by one. left: what is computed instead. how: in a few
    words."""

    rows: Rows
    count: int
    left: int
    how: str


@dataclass(frozen=True)
class Density:
    """factors: the slots of log-densities that add up to that of the statement. reduction: None where every row is computed."""

    factors: list[int]
    reduction: Reduction | None = None


def assume(builder: Builder, variable: RandomVariable, homes: Mapping[str, str | None]) -> Density:
    """That of a latent. homes: the plate of every group of particles."""
    rows = Rows(variable, variable.plate)
    found = additive_latent(builder, rows, homes)
    return Density(latent_factors(builder, variable)) if found is None else _sums(builder, rows, found)


def observe(builder: Builder, rows: Rows, homes: Mapping[str, str | None]) -> Density:
    """That of an observation's rows. What reduces most comes first: moments, statistics of equal arguments, sums over two sets of
    particles, binary rows side by side, equal rows.

    homes: the plate of every group of particles.
    """
    forms = _Forms(builder, rows, homes)
    for form in (forms.moments, forms.statistics, forms.sums, forms.packs, forms.counts):
        observed = form()
        if observed is not None:
            return observed
    return Density([row_density(builder, rows)])


@dataclass(frozen=True)
class _Forms:
    """The forms that the log-density of some rows may take, each None where it does not serve."""

    builder: Builder
    rows: Rows
    homes: Mapping[str, str | None]

    @cached_property
    def cells(self) -> Cells | None:
        return find_cells(self.builder, self.rows)

    def moments(self) -> Density | None:
        found = moments_factors(self.builder, self.rows)
        if found is None:
            return None
        return self._reduced(found.factors, found.left, "second moments of a linear predictor")

    def statistics(self) -> Density | None:
        if self.cells is None or not self.cells.merged:
            return None
        how = "sufficient statistics of rows with equal arguments"
        return self._reduced([reduced_density(self.builder, self.cells)], self.cells.count, how)

    def sums(self) -> Density | None:
        found = additive_factors(self.builder, self.rows, self.homes)
        return None if found is None else _sums(self.builder, self.rows, found)

    def packs(self) -> Density | None:
        found = packed_density(self.builder, self.rows)
        if found is None:
            return None
        slot, packing = found
        return self._reduced([slot], packing.count, f"packs of {packing.width} rows with one logarithm")

    def counts(self) -> Density | None:
        """Equal rows; where a law has statistics, the data's part is prepared instead."""
        if self.cells is not None:
            return Density([reduced_density(self.builder, self.cells)])
        found = find_counts(self.builder, self.rows)
        if found is None:
            return None
        return self._reduced([counted_density(self.builder, found)], len(found.count), "equal rows, counted")

    def _reduced(self, factors: list[int], left: int, how: str) -> Density:
        return Density(factors, Reduction(self.rows, self.builder.axes.size(self.rows.axis), left, how))


def _sums(builder: Builder, rows: Rows, found: Additive) -> Density:
    how = f"packs of {found.width} rows with one logarithm, the predictor being a sum"
    return Density(found.factors, Reduction(rows, builder.axes.size(rows.axis), found.packs, how))
