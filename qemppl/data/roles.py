"""Roles: what each column of a table is in the model, and so of which plate a row of the table is a member."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from qemppl.data.place import Place
from qemppl.data.report import Report
from qemppl.data.table import Table
from qemppl.diagnostics.source import Span
from qemppl.ir.model import Kind, ModelIR, ValueType

_COMPONENT = re.compile(r"(\w+?)(?:\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]|\.(\d+(?:\.\d+)*))")
"""`x[2]`, `x[1,2]`, or `x.2`, `x.1.2` as Stan writes its csv files."""


@dataclass(frozen=True)
class Cells:
    """The columns of one name: a header for each component of a value, and the event shape that they show."""

    name: str
    plate: str | None
    kind: Kind
    span: Span
    headers: tuple[str, ...]
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Roles:
    """What the columns of a table are.

    plate: the one whose members are the rows; None: the table has but one value of each name. cells: of the data variables. homes: the
    plates of the labels and of the `by` columns. extra: columns that the model does not use.
    """

    table: Table
    plate: str | None
    cells: tuple[Cells, ...]
    homes: Mapping[str, str]
    extra: tuple[str, ...]


@dataclass(frozen=True)
class _Name:
    """A declared name that a table may give."""

    plate: str | None
    type: ValueType
    span: Span


def find_roles(table: Table, ir: ModelIR, report: Report) -> Roles | None:
    """The roles of the columns of a table, or None after reporting columns that cannot stand together."""
    homes: dict[str, str] = {plate.index: plate.name for plate in ir.plates if plate.index is not None}
    names = {v.name: _Name(v.type.plate, v.type, v.span) for v in ir.data if v.name not in homes}
    names |= {dim.name: _Name(None, ValueType("int"), dim.span) for dim in ir.dims}
    homes |= {plate.name: plate.name for plate in ir.plates}
    components: dict[str, dict[tuple[int, ...], str]] = {}
    extra = []
    for header in table.columns:
        match = _COMPONENT.fullmatch(header)
        if header in names:
            components.setdefault(header, {})[()] = header
        elif match and match[1] in names and names[match[1]].type.event:
            subscripts = tuple(map(int, re.findall(r"\d+", match[2] or match[3])))
            components.setdefault(match[1], {})[subscripts] = header
        elif header not in homes:
            extra.append(header)
    homes = {header: homes[header] for header in table.columns if header in homes}
    cells = [_cells(name, names[name], found, table, report) for name, found in components.items()]
    used = {name: plate for name in components if (plate := names[name].plate) is not None} | homes
    deepest = max(used.values(), key=lambda plate: len(ir.path(plate)), default=None)
    if not _stand_together(used, deepest, ir, table, report) or None in cells:
        return None
    return Roles(table, deepest, tuple(c for c in cells if c is not None), homes, tuple(extra))


def _stand_together(used: Mapping[str, str], deepest: str | None, ir: ModelIR, table: Table, report: Report) -> bool:
    """Whether all plates of the columns lie around the deepest one."""
    column = next((name for name, plate in used.items() if plate == deepest), "")
    for name, plate in used.items():
        if plate not in ir.path(deepest):
            message = (
                f"{column} lives on {deepest} and {name} on {plate}, and neither plate lies inside the other: "
                "what is a row of this table?"
            )
            hint = f"write two files: one with a row for each {deepest}, one with a row for each {plate}"
            report.error("QEM626", message, Place(name, table.file), ir.plate(plate).span, hint)
            return False
    return True


def _cells(name: str, declared: _Name, found: dict[tuple[int, ...], str], table: Table, report: Report) -> Cells | None:
    """The columns of a name in the order of its components; reports columns that are not one for each component."""
    rank = len(declared.type.event)
    shape = tuple(max(axis) for axis in zip(*found, strict=True)) if len({*map(len, found)}) == 1 else ()
    # Beyond the number of columns, whatever the largest subscript is, one is missing already.
    expected = [*product(*(range(1, min(size, len(found)) + 1) for size in shape))]
    if len(shape) == rank and set(expected) == set(found):
        return Cells(name, declared.plate, declared.type.kind, declared.span, tuple(found[i] for i in expected), shape)
    first, second = (".".join([*["1"] * (rank - 1), last]) for last in "12")
    shown = f"{name}[1], {name}[2]" if rank == 1 else f"{name}.{first}, {name}.{second}"
    hint = f"name the columns {shown}, .., one a component"
    absent = [i for i in expected if i not in found]
    if len(shape) != rank or () in found:
        message = f"each component of {name} needs a column of its own, found {', '.join(found.values())}"
    elif any(0 in i for i in found):
        message = f"the components of {name} count from 0, but subscripts count from 1"
    else:
        message = f"{name} lacks the column {name}[{','.join(map(str, absent[0]))}]"
    report.error("QEM630", message, Place(name, table.file), declared.span, hint)
    return None
