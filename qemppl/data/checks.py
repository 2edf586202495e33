"""Checks of bound values against their declarations and the expressions that use them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from qemppl.data.forms import form_faults
from qemppl.data.indices import RangeFault, check_range
from qemppl.data.located import Located
from qemppl.data.report import number
from qemppl.ir.model import DataRef, DataVariable, Expr, Gather, ModelIR, walk


def check_variable(located: Located, variable: DataVariable, used: set[str]) -> bool:
    """Whether every value keeps what its declaration promises. used: the names that expressions read."""
    return (
        _check_bounds(located, variable)
        and _check_form(located, variable)
        and (variable.name not in used or _check_predictor(located, variable))
    )


def _check_bounds(located: Located, variable: DataVariable) -> bool:
    """Missing values lie anywhere."""
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


def _check_form(located: Located, variable: DataVariable) -> bool:
    if variable.form is None:
        return True
    x = located.bound.arrays[variable.name].astype(np.float64)
    is_right = True
    for wrong, say in form_faults(variable.form, x):
        located.report_parts("QEM747", variable.name, wrong, say)
        is_right = is_right and not wrong.any()
    return is_right


def _check_predictor(located: Located, variable: DataVariable) -> bool:
    """Whether the variable has all values that an expression reads: only an outcome may be missing."""
    missing = np.isnan(located.bound.arrays[variable.name])
    message = f"but the model computes with {variable.name}: only outcomes may be missing"
    hint = "leave its row out, or fill it in before"
    located.report_values("QEM743", variable.name, missing, lambda _: message, hint)
    return not missing.any()


def check_gathers(located: Located, expressions: Iterable[Expr]) -> bool:
    """Whether indices known before fitting lie within the vectors that they index."""
    checked: set[tuple[str, int]] = set()
    is_right = True
    for node in (part for expr in expressions for part in walk(expr)):
        if not isinstance(node, Gather) or located.is_faulty(node.index):
            continue
        size = located.bound.size(node.value.type.event[0])
        if isinstance(node.index, DataRef):
            if (node.index.name, size) in checked:
                continue
            checked.add((node.index.name, size))
        index = located.evaluator.evaluate(node.index)
        if index is not None:
            is_right = _check_gather(located, node, index.reshape(-1).astype(np.int64), size) and is_right
    return is_right


def _check_gather(located: Located, node: Gather, index: NDArray[np.int64], size: int) -> bool:
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
            member = located.for_member(plate, fault.position)
            located.report.error(fault.code, f"the index{member} {fault.message}", None, node.index.span)

    return check_range(index, size, out_of_range, located.report)


def used_data(ir: ModelIR) -> set[str]:
    """Names of the data that some expression reads."""
    return {node.name for expr in expressions(ir) for node in walk(expr) if isinstance(node, DataRef)}


def expressions(ir: ModelIR) -> Iterator[Expr]:
    """Every expression of the model."""
    for statement in (*ir.transformed, *ir.statements, *ir.generated):
        yield from statement.expressions
    for variable in ir.data:
        yield from (end for end in (variable.bounds.lower, variable.bounds.upper) if end is not None)
