"""Binding: a model and its data become a BoundModel, or everything that is wrong is reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qemppl.data.arguments import check_statement
from qemppl.data.bound import BoundModel, Members
from qemppl.data.checks import check_gathers, check_variable, used_data
from qemppl.data.columns import Column, open_columns
from qemppl.data.evaluate import Evaluator
from qemppl.data.located import Located
from qemppl.data.nested import Numbers
from qemppl.data.outcomes import check_outcome, present_rows
from qemppl.data.plates import PlateBinder
from qemppl.data.raw import RawData
from qemppl.data.report import Report
from qemppl.data.sizes import Sizes, check_event, find_sizes, sizes_in_use
from qemppl.data.transformed import transform
from qemppl.data.values import read_index, read_labels, read_numbers
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Stage
from qemppl.ir.model import ModelIR, RandomVariable


@dataclass(frozen=True)
class Bound:
    """The result of binding: the model with its data, and warnings and notes."""

    model: BoundModel
    remarks: tuple[Diagnostic, ...]


def bind(ir: ModelIR, raw: RawData) -> Bound:
    """Check the data against every declaration of the model and order it by plate. All errors are raised together."""
    report = Report(raw)
    columns = open_columns(ir, raw, report)
    declared = {v.name: (columns.variables[v.name], v) for v in ir.data if v.name in columns.variables}
    values = {n: x for n, (c, v) in declared.items() if (x := read_numbers(c, v, report)) is not None}
    indices = {n: index for n, c in columns.indices.items() if (index := read_index(c, report)) is not None}
    labels = {n: texts for n, c in columns.labels.items() if (texts := read_labels(c, report)) is not None}
    sizes = find_sizes(ir, raw, columns, values, report)
    binder = PlateBinder(ir, columns, indices, labels, sizes, report)
    members = binder.bind()
    bindable = {
        name: column
        for name, column in columns.variables.items()
        if check_event(column, sizes, report)
        and name in values
        and name not in binder.mismatched
        and (column.plate is None or column.plate in members)
    }
    arrays = {name: _by_member(column, values[name], sizes, members) for name, column in bindable.items()}
    bounded = {v.name for v in ir.data if v.bounds.lower is not None or v.bounds.upper is not None}
    for column, positions in binder.indices_by_position(used_data(ir) | bounded):
        bindable[column.name] = column
        arrays[column.name] = _by_member(column, positions + 1, sizes, members)
    model = BoundModel(ir, sizes.numbers, members, arrays, raw.hash)
    if len(members) == len(ir.plates) and sizes_in_use(ir) <= sizes.numbers.keys():
        _check(Located(model, bindable, Evaluator(model), report), arrays)
    if report.has_errors:
        raise DiagnosticsError(report.diagnostics, Stage.DATA)
    return Bound(model, tuple(report.diagnostics))


def _by_member(column: Column, flat: Numbers, sizes: Sizes, members: Mapping[str, Members]) -> Numbers:
    """Values in file order as an array (member, *event), members in the order of their parents."""
    event = tuple(sizes.get(size) or 0 for size in column.event)
    if column.plate is None:
        return flat.reshape(event)
    plate = members[column.plate]
    array = flat.reshape(plate.size, *event)
    return array[plate.rows]


def _check(located: Located, arrays: dict[str, Numbers]) -> None:
    """Transformed data, and the checks that need all members; a name with a fault is not looked at again."""
    ir, used = located.bound.ir, used_data(located.bound.ir)
    located.faulty.update(v.name for v in ir.data if v.name not in located.columns)
    located.faulty.update(v.name for v in ir.data if located.is_sound(v.name) and not check_variable(located, v, used))
    transform(located, arrays, used | {observation.name for observation in ir.observations})
    statements = (*ir.statements, *ir.generated)
    check_gathers(located, (expr for statement in statements for expr in statement.expressions))
    for statement in statements:
        present = None
        if isinstance(statement, RandomVariable) and statement.observed:
            present = present_rows(located, statement)
            if present is not None:
                check_outcome(located, statement, present)
        check_statement(located, statement, present)
