"""Transformed data: names computed from the data once, before anything is fitted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from qemppl.data.bound import BoundModel
from qemppl.data.checks import check_gathers
from qemppl.data.evaluate import Array
from qemppl.data.finite import culprit, phrase
from qemppl.data.located import Located, Mask, by_member
from qemppl.data.nested import Numbers
from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.ir.model import DataRef, Definition, Expr, Lag, PlateReduce, children


def transform(located: Located, arrays: dict[str, Numbers], used: set[str]) -> None:
    """Computes the transformed names in order, into `arrays`, and reports results that are not finite numbers.

    arrays: those of the bound model. used: the names that expressions or observations read. A value before the first step of a chain
    (`lag`) is missing, as is what is computed from it.
    """
    gaps: dict[str, Mask] = {}
    for definition in located.bound.ir.transformed:
        located.transformed[definition.name] = definition.span
        value = None
        if not located.is_faulty(definition.value) and check_gathers(located, [definition.value]):
            value = located.evaluator.evaluate(definition.value)
        if value is None:
            located.faulty.add(definition.name)
            continue
        x = _spread(located.bound, definition, value)
        gaps[definition.name] = gap = _gap(located, definition, gaps)
        if not _check(located, definition, x, gap, used):
            located.faulty.add(definition.name)
        if definition.type.kind == "int" and np.isfinite(x).all():
            arrays[definition.name] = x.astype(np.int64)
        else:
            arrays[definition.name] = x


def _spread(bound: BoundModel, definition: Definition, value: Array) -> Array:
    """The value at every member: (member, *event)."""
    kind = definition.type
    members = () if kind.plate is None else (bound.count(kind.plate),)
    return np.array(np.broadcast_to(value, (*members, *map(bound.size, kind.event))))


def _gap(located: Located, definition: Definition, gaps: Mapping[str, Mask]) -> Mask:
    """(member,) whether a value depends on a step before the first one of its chain."""
    plate = definition.type.plate
    mask: NDArray[np.bool_] = np.zeros(1 if plate is None else located.bound.count(plate), np.bool_)
    pending: list[Expr] = [definition.value]
    while pending:
        node = pending.pop()
        own: Mask | None = None
        where = node.type.plate
        if isinstance(node, Lag):
            value = located.evaluator.evaluate(node)
            assert value is not None, "transformed data are known"
            own = np.any(np.isnan(by_member(value, node.type.plate)), axis=-1)
        elif isinstance(node, DataRef):
            own = gaps.get(node.name)
        if own is not None and where is not None and located.bound.ir.is_within(plate, where):
            mask = mask | own[located.evaluator.ancestors(plate, where)]
        pending.extend(children(node))
    return mask


def _check(located: Located, definition: Definition, x: Array, gap: Mask, used: set[str]) -> bool:
    """Whether all values that should be numbers are."""
    rows = by_member(x, definition.type.plate)
    undefined = np.any(np.isnan(rows), axis=-1) & ~gap
    infinite = np.any(np.isinf(rows), axis=-1)
    for code, wrong, severity in (
        ("QEM750", undefined, Severity.ERROR),
        ("QEM751", infinite & ~undefined, Severity.ERROR if definition.name in used else Severity.WARNING),
    ):
        _report(located, definition, code, wrong, severity, rows)
    return not (undefined.any() or infinite.any())


def _report(
    located: Located, definition: Definition, code: str, wrong: Mask, severity: Severity, rows: Numbers
) -> None:
    if not wrong.any():
        return
    part = culprit(located.evaluator, definition.value)
    hint = None
    if isinstance(part, PlateReduce):
        hint = (
            f"`{part.function}` needs {'two members' if part.function == 'sd' else 'a member'} of {part.over} at least"
        )

    def report_one(i: int) -> None:
        value = rows[i][~np.isfinite(rows[i])][0]
        place, cause = located.cause(part, i) if part.type.plate == definition.type.plate else (None, "")
        if part is not definition.value:
            cause = f": `{part.span.text}` is not finite{cause}"
        message = f"{definition.name} is {phrase(float(value))}{located.for_member(definition.type.plate, i)}{cause}"
        located.report.add(Diagnostic(code, severity, message, part.span, hint=hint), place)

    located.report.rows(np.flatnonzero(wrong), report_one)
