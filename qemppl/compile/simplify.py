"""Plate sums to sufficient statistics.

Rows of an observation that share their parent and every data column their law's arguments read have one natural parameter. Such rows
form a cell; the sum of their log-densities depends on the data through sufficient statistics only (engine: plate sums meet
sufficient statistics), so an iteration costs one row a cell. A parameter that is constant within the group is the case of one cell
a group; where no rows agree, or each has a latent of its own, every row is its own cell and only the data's part is prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.builder import Builder
from qemppl.compile.layout import Axes, Layout
from qemppl.data.bound import BoundModel
from qemppl.distributions.base import Grouping, Law
from qemppl.distributions.registry import LAWS
from qemppl.ir.model import DataRef, DefinitionRef, Expr, LatentRef, ModelIR, RandomVariable, children
from qemppl.numerics.lazy import torch

WORTH_IT = 0.8
"""Rows are merged where there are at most this many cells a row."""


@dataclass(frozen=True)
class Cells:
    """The cells of an observation's rows. axis: the member axis of the cells; the plate itself where every row is a cell.

    cell: (row,). rows: (cell,) a row of each cell.
    """

    variable: RandomVariable
    axis: str | None
    cell: NDArray[np.int64]
    rows: NDArray[np.int64]

    @property
    def merged(self) -> bool:
        return len(self.rows) < len(self.cell)


def find_cells(bound: BoundModel, axes: Axes, variable: RandomVariable) -> Cells | None:
    """The cells of an observation, their axis added to `axes`; None where its law has no summary."""
    if not LAWS[variable.law].has_summary or variable.type.event:
        return None
    every = np.arange(axes.size(variable.plate))
    columns = None if variable.plate is None else _columns(bound, axes, variable, variable.plate)
    if columns is not None and variable.plate is not None:
        cell, rows = _equal_rows(columns)
        if len(rows) <= WORTH_IT * len(cell):
            name = f"cells of {variable.name}"
            axes.add_cells(variable.plate, name, rows)
            return Cells(variable, name, cell, rows)
    return Cells(variable, variable.plate, every, every)


def _columns(bound: BoundModel, axes: Axes, variable: RandomVariable, plate: str) -> list[NDArray[np.float64]] | None:
    """What tells the natural parameters of two rows apart, parent first; None where each row has a latent of its own."""
    law, size = LAWS[variable.law], axes.size(plate)
    columns = [parent.astype(np.float64) for parent in list(axes[plate].parents.values())[:1]] or [np.zeros(size)]
    for leaf in _leaves(bound.ir, [argument for argument, known in _arguments(law, variable) if not known]):
        if leaf.type.plate != plate:
            continue
        if isinstance(leaf, LatentRef):
            return None
        columns.extend(bound.arrays[leaf.name].reshape(size, -1).T.astype(np.float64))
    return columns


def reduced_density(builder: Builder, cells: Cells) -> int:
    """The slot of the sum of log p over the rows of each cell: (cell, *particles)."""
    variable, law = cells.variable, LAWS[cells.variable.law]
    rows = Layout(variable.plate)
    known = [builder.align(builder.expression(argument), rows) for argument, data in _arguments(law, variable) if data]
    size = builder.axes.size(variable.plate)
    observed, *fixed = (
        builder.constants[slot].expand(size).cpu() for slot in [builder.data(variable.name, variable.plate), *known]
    )
    statistics = law.summarise(observed, tuple(fixed), Grouping(torch.as_tensor(cells.cell), len(cells.rows)))
    layout = Layout(cells.axis)
    slots = [builder.constant(("statistic", variable.name, i), layout, _numpy(s)) for i, s in enumerate(statistics)]
    free = [argument for argument, data in _arguments(law, variable) if not data]
    places = {variable.plate: cells.axis} if variable.plate and cells.axis else {}
    arguments = [builder.expression(argument, places) for argument in free]
    summary = partial(_log_prob_summary, law, len(slots))
    return builder.elementwise(f"{law.name} summary", summary, [*slots, *arguments])


def _arguments(law: Law, variable: RandomVariable) -> Iterator[tuple[Expr, bool]]:
    """Arguments, and whether each is one that the law needs to be data."""
    return ((e, a.name in law.data_arguments) for e, a in zip(variable.arguments, law.arguments, strict=True))


def _leaves(ir: ModelIR, expressions: list[Expr]) -> Iterator[DataRef | LatentRef]:
    """The data and latents that expressions read, through deterministic names; each once."""
    definitions = {definition.name: definition.value for definition in ir.definitions}
    seen: set[tuple[type[Expr], str]] = set()
    stack = list(expressions)
    while stack:
        node = stack.pop()
        if isinstance(node, DataRef | LatentRef | DefinitionRef):
            if (type(node), node.name) in seen:
                continue
            seen.add((type(node), node.name))
        if isinstance(node, DataRef | LatentRef):
            yield node
        stack.extend((definitions[node.name],) if isinstance(node, DefinitionRef) else children(node))


def _equal_rows(columns: list[NDArray[np.float64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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
