"""Sizes: the numbers that dims and scalar ints of the data stand for, and the event shapes checked against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qemppl.data.columns import Column, Columns
from qemppl.data.nested import Numbers
from qemppl.data.raw import RawData
from qemppl.data.report import Report
from qemppl.ir.model import DataVariable, EventDim, ModelIR, Size

MAX_SIZE = 100_000_000
"""A plate may have this many members, an event axis this length."""

_A_SIZE = f"one whole number from 0 to {MAX_SIZE}"


@dataclass(frozen=True)
class Sizes:
    """Known sizes by name, and for each, in words, where it comes from."""

    numbers: dict[str, int]
    origins: dict[str, str]

    def add(self, name: str, number: int, origin: str) -> None:
        self.numbers[name], self.origins[name] = number, origin

    def get(self, size: Size) -> int | None:
        return size if isinstance(size, int) else self.numbers.get(size)

    def describe(self, size: Size) -> str:
        """Such as `P = 3 (from x[1])`."""
        return str(size) if isinstance(size, int) else f"{size} = {self.numbers[size]} ({self.origins[size]})"


def find_sizes(ir: ModelIR, raw: RawData, columns: Columns, values: Mapping[str, Numbers], report: Report) -> Sizes:
    """Every dim and every scalar int of the data. A dim takes its declared size, else its key, else the first vector with it."""
    sizes = Sizes({}, {})
    used = sizes_in_use(ir)
    for variable in ir.data:
        if _is_scalar_int(variable) and variable.name in values:
            value = int(values[variable.name][0])
            if variable.name not in used or 0 <= value <= MAX_SIZE:
                sizes.add(variable.name, value, "from the data")
            else:
                message = f"{variable.name} is {value}, but it is a size: {_A_SIZE}"
                report.error("QEM721", message, variable.name, variable.span)
    for dim in ir.dims:
        hidden = any(dim.name in v.type.event and v.name not in columns.variables for v in ir.data)
        found = _find_dim(dim, raw, columns, report)
        if found is not None:
            sizes.add(dim.name, *found)
        elif not hidden and dim.name not in raw.values:
            message = f"the size of dim {dim.name} is unknown: no value of the data has it as an axis"
            hint = f'give it in the data, "{dim.name}": 3, or in the model, `dim {dim.name} = 3;`'
            report.error("QEM719", message, None, dim.span, hint)
    return sizes


def _find_dim(dim: EventDim, raw: RawData, columns: Columns, report: Report) -> tuple[int, str] | None:
    """The size of a dim and where it comes from."""
    given = _given(dim, raw, report) if dim.name in raw.values else None
    if dim.size is not None:
        if given is not None and given != dim.size:
            message = f"dim {dim.name} is declared {dim.size}, but the data says {given}"
            report.error("QEM720", message, dim.name, dim.span)
        return dim.size, "as declared"
    if given is not None:
        return given, "from the data"
    for column in columns.variables.values():
        for axis, size in enumerate(column.event):
            level = len(column.levels) + axis
            counts = column.nested.counts[level]
            if size == dim.name and counts.size:
                return int(counts[0]), f"from {column.place(0, level)}"
    return None


def _given(dim: EventDim, raw: RawData, report: Report) -> int | None:
    nested = raw.values[dim.name]
    if nested.depth == 0 and isinstance(nested.leaves, np.ndarray):
        size = float(nested.leaves[0])
        if 0 <= size <= MAX_SIZE and size.is_integer():
            return int(size)
    message = f"{dim.name} is the size of a dim: {_A_SIZE}"
    report.error("QEM721", message, dim.name, dim.span)
    return None


def _is_scalar_int(variable: DataVariable) -> bool:
    return (
        variable.type.kind == "int" and variable.type.plate is None and not variable.type.event and not variable.missing
    )


def sizes_in_use(ir: ModelIR) -> set[str]:
    """Names that stand for the size of an event axis or of a plate."""
    sizes = {size for item in (*ir.data, *ir.statements) for size in item.type.event}
    sizes |= {plate.size for plate in ir.plates if plate.size is not None}
    return {size for size in sizes if isinstance(size, str)}


def check_event(column: Column, sizes: Sizes, report: Report) -> bool:
    """Whether every value has the declared event shape; reports those that do not."""
    return all(_check_axis(column, axis, sizes, report) for axis in range(len(column.event)))


def _check_axis(column: Column, axis: int, sizes: Sizes, report: Report) -> bool:
    level = len(column.levels) + axis
    counts = column.nested.counts[level]
    expected = sizes.get(column.event[axis])
    if expected is None:
        return False
    if expected > MAX_SIZE:
        message = f"{column.name} has an axis of declared length {expected}; the limit is {MAX_SIZE}"
        report.error("QEM721", message, column.name, column.span)
        return False

    def wrong_length(i: int) -> None:
        place, declared = column.place(i, level), sizes.describe(column.event[axis])
        report.error("QEM722", f"{place} has length {counts[i]}, expected {declared}", place, column.span)

    wrong = np.flatnonzero(counts != expected)
    report.rows(wrong, wrong_length)
    return wrong.size == 0
