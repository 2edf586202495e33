"""Checks of bound values against their declarations and the expressions that use them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from qemppl.data.indices import RangeFault, check_range
from qemppl.data.located import Located
from qemppl.data.report import number
from qemppl.ir.model import DataRef, DataVariable, Expr, Gather, ModelIR, RandomVariable, walk


def check_bounds(located: Located, variable: DataVariable) -> bool:
    """Whether every value lies within the declared bounds; missing values lie anywhere."""
    x = located.bound.arrays[variable.name]
    lower, upper = (
        None if bound is None else located.seen_from(bound, variable.type, x.shape)
        for bound in (variable.bounds.lower, variable.bounds.upper)
    )
    low = high = np.zeros(x.shape, np.bool_)
    if lower is not None:
        least, low = lower, x < lower
        located.report_values("QEM740", variable.name, low, lambda i: f"below its lower bound {number(least.flat[i])}")
    if upper is not None:
        most, high = upper, x > upper
        located.report_values("QEM740", variable.name, high, lambda i: f"above its upper bound {number(most.flat[i])}")
    return not (low.any() or high.any())


def check_predictor(located: Located, variable: DataVariable) -> bool:
    """Whether the variable has all values that an expression reads: only an outcome may be missing."""
    if not variable.missing or variable.name not in used_data(located.bound.ir):
        return True
    missing = np.isnan(located.bound.arrays[variable.name])
    message = f"but the model computes with {variable.name}: only outcomes may be missing"
    located.report_values("QEM743", variable.name, missing, lambda _: message)
    return not missing.any()


def check_gathers(located: Located) -> None:
    """Indices known before fitting lie within the vectors that they index."""
    checked: set[tuple[str, int]] = set()
    for node in nodes(located.bound.ir):
        if not isinstance(node, Gather) or located.is_faulty(node.index):
            continue
        size = located.bound.size(node.value.type.event[0])
        if isinstance(node.index, DataRef):
            if (node.index.name, size) in checked:
                continue
            checked.add((node.index.name, size))
        index = located.evaluator.evaluate(node.index)
        if index is not None:
            _check_gather(located, node, index.reshape(-1).astype(np.int64), size)


def _check_gather(located: Located, node: Gather, index: NDArray[np.int64], size: int) -> None:
    """index: (member,) of the index's plate."""
    plate = node.index.type.plate
    column = located.columns.get(node.index.name) if isinstance(node.index, DataRef) else None
    if column is not None and plate is not None:
        in_file = np.empty_like(index)
        in_file[located.bound.members[plate].rows] = index
        index = in_file

    def out_of_range(fault: RangeFault) -> None:
        if column is not None:
            place = column.place(fault.position)
            message = f"{place} {fault.message} ({node.span.text})"
            located.report.error(fault.code, message, place, column.span, fault.hint)
        else:
            member = f" for {located.member(plate, fault.position)}" if plate is not None else ""
            located.report.error(fault.code, f"the index{member} {fault.message}", None, node.index.span)

    check_range(index, size, out_of_range, located.report)


def used_data(ir: ModelIR) -> set[str]:
    """Names of the data that some expression reads."""
    return {node.name for node in nodes(ir) if isinstance(node, DataRef)}


def nodes(ir: ModelIR) -> Iterator[Expr]:
    """Every expression of the model, with all its parts."""
    for statement in ir.statements:
        roots: tuple[Expr | None, ...]
        if isinstance(statement, RandomVariable):
            roots = (*statement.arguments, statement.bounds.lower, statement.bounds.upper)
        else:
            roots = (statement.value,)
        for root in roots:
            if root is not None:
                yield from walk(root)
    for variable in ir.data:
        for bound in (variable.bounds.lower, variable.bounds.upper):
            if bound is not None:
                yield from walk(bound)
