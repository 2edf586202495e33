"""Linear predictors under a normal law: second moments of the data in place of its rows.

With predictor X b and one sd for all rows of a cell, an orthogonal Q that makes Q'[X y] upper triangular leaves |y - X b| as it is. So
the rows of a cell are worth as many as b has components, those of the triangle, and its last row, which has no b, holds the residual
sum of squares. The triangle is a root of the second moments [X y]'[X y] that keeps twice their digits.

Coefficients of the deepest plate come first. Below their rows the triangle is zero in their columns: what is left there reads
coefficients of outer plates only, and is reduced once more with all other cells of those. With one effect for each group and any
slopes outside, an iteration costs one row a group and a few at the root, however many rows the data have.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.additive import addends
from qemppl.compile.builder import Builder
from qemppl.compile.layout import Layout
from qemppl.compile.rows import Rows
from qemppl.distributions.normal import HALF_LOG_2PI, SQRT_HALF
from qemppl.ir.model import Call, DefinitionRef, Expr
from qemppl.numerics.elementwise import plus, positive, times
from qemppl.numerics.lazy import torch
from qemppl.numerics.triangular import triangular

WORTH_IT = 0.8
"""Rows are reduced where at most this share of them is left."""

Floats = NDArray[np.float64]
Part = int | slice
"""One row of the triangles, or all rows of a level."""


@dataclass(frozen=True)
class Term:
    """An addend of a predictor: coefficients times columns of data.

    slot: of the coefficients, (member, *particles) or (member, *particles, coefficient); None for an addend of data alone.
    columns: (row, coefficient).
    """

    slot: int | None
    columns: Floats


@dataclass(frozen=True)
class Moments:
    """factors: slots. left: rows that an iteration computes in place of those of the data."""

    factors: list[int]
    left: int


@dataclass(frozen=True)
class _Level:
    """Terms whose rows are computed at the members of one plate. width: number of their coefficients."""

    plate: str | None
    terms: list[Term] = field(default_factory=list)

    @property
    def width(self) -> int:
        return sum(term.columns.shape[1] for term in self.terms)


def moments_factors(builder: Builder, rows: Rows) -> Moments | None:
    """The factors of rows with a linear predictor under a normal law; None where they have none, or few rows would be saved.

    A predictor without columns of data is left to the sufficient statistics of its cells.
    """
    variable, axis = rows.variable, rows.axis
    if variable.law != "normal" or not rows.is_plain or axis is None or "moments" not in builder.passes:
        return None
    cells = {variable.plate or "": axis}
    sigma = builder.expression(variable.arguments[1], cells)
    terms = [_term(builder, expr, sign, cells) for expr, sign in addends(builder.bound.ir, variable.arguments[0])]
    linear = [term for term in terms if term is not None]
    plates = [builder.layouts[slot].plate for slot in (sigma, *(t.slot for t in linear)) if slot is not None]
    has_columns = any(term.slot is not None and np.ptp(term.columns, 0).any() for term in linear)
    if len(linear) < len(terms) or axis in plates or not has_columns:
        return None
    levels = _levels(builder, [term for term in linear if term.slot is not None], sigma)
    left = sum(builder.axes.size(level.plate) * level.width for level in levels)
    columns = 1 + sum(level.width for level in levels)
    if max(left, builder.axes.size(levels[0].plate) * columns) > WORTH_IT * builder.axes.size(axis):
        return None
    outcome = _on_rows(builder, builder.data(variable.name, axis), axis)
    outcome = outcome - sum(term.columns[:, 0] for term in linear if term.slot is None)
    return Moments(list(_factors(builder, rows, levels, (outcome, sigma))), left)


def _levels(builder: Builder, terms: Sequence[Term], sigma: int) -> list[_Level]:
    """Terms by the plate where they meet sigma, the deepest first."""
    levels: dict[str | None, _Level] = {}
    for term in terms:
        slots = [slot for slot in (term.slot, sigma) if slot is not None]
        plate = builder.axes.deepest([builder.layouts[slot].plate for slot in slots])
        levels.setdefault(plate, _Level(plate)).terms.append(term)
    return sorted(levels.values(), key=lambda level: -builder.axes.depth(level.plate))


def _factors(builder: Builder, rows: Rows, levels: Sequence[_Level], given: tuple[Floats, int]) -> Iterator[int]:
    """The slots of -|z - R b|^2 / (2 sigma^2) level by level, and of what has no b. given: outcome (row,), slot of sigma."""
    outcome, sigma = given
    table = np.column_stack([*(term.columns for level in levels for term in level.terms), outcome])
    at = np.arange(len(table))
    for number, level in enumerate(levels):
        cell, count = _members(builder, rows, level.plate), builder.axes.size(level.plate)
        triangles = triangular(table, cell[at], count)
        terms = [term for inner in levels[number:] for term in inner.terms]
        top = _Rows(builder, (rows.site, number), level.plate, triangles[:, : level.width])
        slots = [sigma, *(term.slot for term in terms if term.slot is not None)]
        is_wide = len(builder.union(slots, [len(builder.layouts[slot].event) for slot in slots]).groups) > 1
        for part in range(level.width) if is_wide else [slice(None)]:
            yield top.squares(part, terms, sigma)
        below = triangles[:, level.width :, level.width :]
        kept = below.any(-1)
        first = np.zeros(count, np.int64)
        first[cell[::-1]] = np.arange(len(cell))[::-1]
        at, table = np.broadcast_to(first[:, None], kept.shape)[kept], below[kept]
    plate = builder.layouts[sigma].plate
    cell, count = _members(builder, rows, plate), builder.axes.size(plate)
    counts = np.bincount(cell, minlength=count).astype(np.float64)
    squares = np.bincount(cell[at], table[:, -1] ** 2, minlength=count)
    known = [
        builder.constant(("rows", rows.site), Layout(plate), lambda: counts),
        builder.constant(("residual", rows.site), Layout(plate), lambda: squares),
    ]
    yield builder.elementwise("normal of a residual", _residual, [*known, sigma])


def _members(builder: Builder, rows: Rows, plate: str | None) -> NDArray[np.int64]:
    """(row,): the member of a plate around each."""
    axis = builder.axes[rows.axis or ""]
    return np.zeros(axis.size, np.int64) if plate is None else axis.parents[plate]


@dataclass(frozen=True)
class _Rows:
    """Rows of the triangles of a level. values: (member, row, coefficient), the last one being z. key: a name of their own."""

    builder: Builder
    key: Hashable
    plate: str | None
    values: Floats

    def squares(self, part: Part, terms: Sequence[Term], sigma: int) -> int:
        """The slot of -(z - R b)^2 / (2 sigma^2) of some rows: (member, *particles) of one, (member, *particles, row) of all."""
        by_groups: dict[tuple[str, ...], int] = {}
        column = 0
        for term in terms:
            width = term.columns.shape[1]
            addend = self._addend(part, term, slice(column, column + width))
            column += width
            groups = self.builder.layouts[addend].groups
            known = by_groups.get(groups)
            by_groups[groups] = addend if known is None else self.builder.call("add", [known, addend])
        sums = sorted(by_groups.items(), key=lambda item: len(item[0]))
        z = self._constant(part, slice(column, column + 1))
        return self.builder.elementwise("half squares", _half_squares, [z, *(slot for _, slot in sums), sigma])

    def _addend(self, part: Part, term: Term, columns: slice) -> int:
        assert term.slot is not None, "data are taken from the outcome"
        if not self.builder.layouts[term.slot].event:
            return self.builder.call("multiply", [self._constant(part, columns), term.slot])
        product = "dot_product" if isinstance(part, int) else "matrix_vector"
        return self.builder.call(product, [self._constant(part, columns, is_vector=True), term.slot])

    def _constant(self, part: Part, columns: slice, *, is_vector: bool = False) -> int:
        values = self.values[:, part, columns if is_vector else columns.start]
        key = ("triangle", self.key, str(part), str(columns), is_vector)
        return self.builder.constant(key, Layout(self.plate, (), values.shape[1:]), lambda: values)


# Predictors.


def _term(builder: Builder, addend: Expr, sign: int, cells: dict[str, str]) -> Term | None:
    """An addend as coefficients times columns; None where it is no such product."""
    axis = next(iter(cells.values()))
    size = builder.axes.size(axis)
    columns, slot = np.full((size, 1), float(sign)), None
    for expr, power in _product(builder, addend):
        data, latent = _vectors(builder, expr, cells)
        if power < 0 and None not in (data, latent):
            return None
        if data is not None:
            columns = columns * _on_rows(builder, data, axis).reshape(size, -1) ** power
        if latent is None:
            continue
        if slot is not None and (builder.layouts[slot].event or builder.layouts[latent].event):
            return None
        if slot is None and power > 0:
            slot = latent
        else:
            one = builder.constant(("number", 1.0), Layout(), lambda: 1.0)
            slot = builder.call("multiply" if power > 0 else "divide", [one if slot is None else slot, latent])
    return Term(slot, columns) if np.isfinite(columns).all() else None


def _product(builder: Builder, expr: Expr) -> Iterator[tuple[Expr, int]]:
    """The factors of a product, through deterministic names, with 1 or, of what it is divided by, -1."""
    definitions = {definition.name: definition.value for definition in builder.bound.ir.definitions}
    stack = [(expr, 1)]
    while stack:
        node, power = stack.pop()
        if isinstance(node, DefinitionRef):
            stack.append((definitions[node.name], power))
        elif isinstance(node, Call) and node.function in {"multiply", "divide"}:
            first, second = node.arguments
            stack += [(first, power), (second, -power if node.function == "divide" else power)]
        else:
            yield node, power


def _vectors(builder: Builder, expr: Expr, cells: dict[str, str]) -> tuple[int | None, int | None]:
    """The slots of data and of latents whose product an expression is."""
    if isinstance(expr, Call) and expr.function == "dot_product":
        first, second = (builder.expression(argument, cells) for argument in expr.arguments)
        if _is_data(builder, first) != _is_data(builder, second):
            return (first, second) if _is_data(builder, first) else (second, first)
    slot = builder.expression(expr, cells)
    return (slot, None) if _is_data(builder, slot) else (None, slot)


def _is_data(builder: Builder, slot: int) -> bool:
    return slot in builder.constants and not builder.layouts[slot].groups


def _on_rows(builder: Builder, slot: int, axis: str) -> Floats:
    """The values of data at every row: (row, *event)."""
    values = builder.constants[builder.align(slot, Layout(axis), len(builder.layouts[slot].event))]
    return np.broadcast_to(values.cpu().double().numpy(), (builder.axes.size(axis), *values.shape[1:]))


# Densities.


def _half_squares(z: torch.Tensor, *operands: torch.Tensor) -> torch.Tensor:
    """-(z - sum of addends)^2 / (2 sigma^2). operands: the addends, then sigma."""
    *addends, sigma = operands
    residual = z - addends[0]
    for addend in addends[1:]:
        residual = plus(residual, addend, sign=-1)
    return times(residual, SQRT_HALF / positive(sigma)).square_().neg_()


def _residual(count: torch.Tensor, squares: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    sigma = positive(sigma)
    return -count * (HALF_LOG_2PI + sigma.log()) - squares * (SQRT_HALF / sigma).square()
