"""Plate sums to sufficient statistics.

Rows of an observation that share their parent and every data column their law's arguments read have one natural parameter. Such rows
form a cell; the sum of their log-densities depends on the data through sufficient statistics only (engine: plate sums meet
sufficient statistics), so an iteration costs one row a cell. A parameter that is constant within the group is the case of one cell
a group.
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
from qemppl.distributions.base import Law
from qemppl.distributions.registry import LAWS
from qemppl.ir.model import DataRef, DefinitionRef, Expr, LatentRef, ModelIR, RandomVariable, children
from qemppl.numerics.lazy import torch

WORTH_IT = 0.8
"""Cells replace rows where there are at most this many cells a row."""


@dataclass(frozen=True)
class Cells:
    """The cells of an observation's rows. axis: name of the new member axis. cell: (row,). rows: (cell,) a row of each cell."""

    variable: RandomVariable
    axis: str
    cell: NDArray[np.int64]
    rows: NDArray[np.int64]


def find_cells(bound: BoundModel, axes: Axes, variable: RandomVariable) -> Cells | None:
    """The cells of an observation; None where its law has no summary, or too few rows share a cell to be worth it."""
    law = LAWS[variable.law]
    if not law.has_summary or variable.plate is None or variable.type.event:
        return None
    columns = [np.zeros(axes.size(variable.plate))]
    columns += [parent.astype(np.float64) for parent in list(axes[variable.plate].parents.values())[:1]]
    for leaf in _leaves(bound.ir, [argument for argument, known in _arguments(law, variable) if not known]):
        if leaf.type.plate != variable.plate:
            continue
        if isinstance(leaf, LatentRef):
            return None
        columns.extend(bound.arrays[leaf.name].reshape(axes.size(variable.plate), -1).T.astype(np.float64))
    cell, rows = _equal_rows(columns)
    if len(rows) > WORTH_IT * len(cell):
        return None
    return Cells(variable, f"cells of {variable.name}", cell, rows)


def reduced_density(builder: Builder, cells: Cells) -> int:
    """The slot of the sum of log p over the rows of each cell: (cell, *particles)."""
    variable, law = cells.variable, LAWS[cells.variable.law]
    assert variable.plate is not None
    known = [builder.expression(argument) for argument, data in _arguments(law, variable) if data]
    size = builder.axes.size(variable.plate)
    observed, *fixed = (
        builder.constants[slot].expand(size).cpu() for slot in [builder.data(variable.name, variable.plate), *known]
    )
    statistics = law.summarise(observed, tuple(fixed), partial(_sum_cells, cells))
    layout = Layout(cells.axis)
    slots = [builder.constant(("statistic", cells.axis, i), layout, _numpy(s)) for i, s in enumerate(statistics)]
    free = [argument for argument, data in _arguments(law, variable) if not data]
    arguments = [builder.expression(argument, {variable.plate: cells.axis}) for argument in free]
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


def _sum_cells(cells: Cells, values: torch.Tensor) -> torch.Tensor:
    """(row, ...) -> (cell, ...)."""
    total = torch.zeros(len(cells.rows), *values.shape[1:], dtype=values.dtype)
    return total.index_add_(0, torch.as_tensor(cells.cell), values)


def _log_prob_summary(law: Law, count: int, *operands: torch.Tensor) -> torch.Tensor:
    return law.log_prob_summary(operands[:count], *operands[count:])


def _numpy(statistic: torch.Tensor) -> Callable[[], NDArray[np.float64]]:
    return statistic.numpy
