"""Plate sums to sufficient statistics.

Rows of an observation that share their parent and every data column their law's arguments read have one natural parameter. Such rows
form a cell; the sum of their log-densities depends on the data through sufficient statistics only (engine: plate sums meet
sufficient statistics), so an iteration costs one row a cell. A parameter that is constant within the group is the case of one cell
a group; where no rows agree, or each has a latent of its own, every row is its own cell and only the data's part is prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.builder import Builder
from qemppl.compile.layout import Axes, Layout
from qemppl.compile.rows import Rows
from qemppl.data.bound import BoundModel
from qemppl.data.evaluate import Evaluator
from qemppl.distributions.base import Grouping, Law
from qemppl.distributions.registry import LAWS
from qemppl.ir.model import (
    UNBOUNDED,
    DataRef,
    DefinitionRef,
    Expr,
    Lag,
    LatentRef,
    ModelIR,
    Previous,
    RandomVariable,
    children,
)
from qemppl.numerics.lazy import torch

WORTH_IT = 0.8
"""Rows are merged where there are at most this many cells a row."""


@dataclass(frozen=True)
class Cells:
    """The cells of an observation's rows. axis: the member axis of the cells; that of the rows where every row is a cell.

    cell: (row,). count: of cells.
    """

    rows: Rows
    axis: str | None
    cell: NDArray[np.int64]
    count: int

    @property
    def merged(self) -> bool:
        return self.count < len(self.cell)


def find_cells(builder: Builder, rows: Rows) -> Cells | None:
    """The cells of an observation's rows, their axis added to the builder's; None where its law has no summary of them."""
    if "statistics" not in builder.passes:
        return None
    bound, axes = builder.bound, builder.axes
    variable, plate = rows.variable, rows.variable.plate
    is_restricted = rows.censored is not None or variable.bounds != UNBOUNDED
    law = LAWS[variable.law]
    if is_restricted or not law.has_summary or len(variable.type.event) != len(law.sizes):
        return None
    size = axes.size(rows.axis)
    free = [argument for argument, known in _arguments(law, variable) if not known]
    columns = None if plate is None else data_columns(bound, axes, rows, free)
    if columns is not None and plate is not None:
        cell, first = equal_rows(columns)
        if len(first) <= WORTH_IT * len(cell):
            name = f"cells of {variable.name}"
            axes.add_rows(plate, name, first if rows.index is None else rows.index[first])
            return Cells(rows, name, cell, len(first))
    return Cells(rows, rows.axis, np.arange(size), size)


def data_columns(
    bound: BoundModel, axes: Axes, rows: Rows, expressions: Sequence[Expr]
) -> list[NDArray[np.float64]] | None:
    """What tells the values of expressions at two rows apart, parent first; None where each row has a latent of its own."""
    plate, size = rows.variable.plate, axes.size(rows.axis)
    assert plate is not None
    parent = bound.ir.plate(plate).parent
    chosen = slice(None) if rows.index is None else rows.index
    evaluator = Evaluator(bound)
    columns = [np.zeros(size) if parent is None else axes[plate].parents[parent][chosen].astype(np.float64)]
    for leaf in leaves(bound.ir, expressions):
        if leaf.type.plate != plate:
            continue
        if isinstance(leaf, LatentRef | Previous):
            return None
        values = evaluator.evaluate(leaf)
        assert values is not None, "data are known"
        columns.extend(values[chosen].reshape(size, -1).T)
    return columns


def reduced_density(builder: Builder, cells: Cells) -> int:
    """The slot of the sum of log p over the rows of each cell: (cell, *particles)."""
    variable, axis = cells.rows.variable, cells.rows.axis
    law, layout = LAWS[variable.law], Layout(cells.rows.axis)
    own = {variable.plate: axis} if variable.plate and axis else {}
    known = [builder.align(builder.expression(e, own), layout) for e, data in _arguments(law, variable) if data]
    size = builder.axes.size(axis)
    observed, *fixed = (
        value.expand(size, *value.shape[1:]).cpu()
        for value in (builder.constants[slot] for slot in [builder.data(variable.name, axis), *known])
    )
    statistics = law.summarise(observed, tuple(fixed), Grouping(torch.as_tensor(cells.cell), cells.count))
    slots = [
        builder.constant(
            ("statistic", cells.rows.site, i), Layout(cells.axis, (), tuple(statistic.shape[1:])), _numpy(statistic)
        )
        for i, statistic in enumerate(statistics)
    ]
    places = {variable.plate: cells.axis} if variable.plate and cells.axis else {}
    free = [(e, a) for (e, data), a in zip(_arguments(law, variable), law.arguments, strict=True) if not data]
    arguments = [builder.expression(argument, places) for argument, _ in free]
    ranks = [*(s.dim() - 1 for s in statistics), *(len(argument.sizes) for _, argument in free)]
    summary = partial(_log_prob_summary, law, len(slots))
    return builder.elementwise(f"{law.name} summary", summary, [*slots, *arguments], ranks)


def _arguments(law: Law, variable: RandomVariable) -> Iterator[tuple[Expr, bool]]:
    """Arguments, and whether each is one that the law needs to be data."""
    return ((e, a.name in law.data_arguments) for e, a in zip(variable.arguments, law.arguments, strict=True))


def leaves(ir: ModelIR, expressions: Sequence[Expr]) -> Iterator[DataRef | LatentRef | Previous | Lag]:
    """The data and latents that expressions read, through deterministic names; each name once."""
    definitions = {definition.name: definition.value for definition in ir.definitions}
    seen: set[tuple[type[Expr], str]] = set()
    stack = list(expressions)
    while stack:
        node = stack.pop()
        if isinstance(node, DataRef | LatentRef | Previous | DefinitionRef):
            if (type(node), node.name) in seen:
                continue
            seen.add((type(node), node.name))
        if isinstance(node, DataRef | LatentRef | Previous | Lag):
            yield node
            continue
        stack.extend((definitions[node.name],) if isinstance(node, DefinitionRef) else children(node))


def equal_rows(columns: list[NDArray[np.float64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers the distinct rows in lexicographic order: (row,) number of each row, (cell,) first row of each."""
    order = np.lexsort(columns[::-1])
    new = np.zeros(len(order), dtype=bool)
    new[:1] = True
    for column in columns:
        new[1:] |= np.diff(column[order]) != 0
    cell = np.empty(len(order), dtype=np.int64)
    cell[order] = np.cumsum(new) - 1
    return cell, order[new]


def _log_prob_summary(law: Law, count: int, *operands: torch.Tensor) -> torch.Tensor:
    return law.log_prob_summary(operands[:count], *operands[count:])


def _numpy(statistic: torch.Tensor) -> Callable[[], NDArray[np.float64]]:
    return statistic.numpy
