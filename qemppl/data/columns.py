"""Columns: what the data holds for each declared name, with the lists that the declaration asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from qemppl.data.nested import Nested
from qemppl.data.place import Origin, Place
from qemppl.data.raw import RawData
from qemppl.data.report import Report, nearest
from qemppl.diagnostics.source import Span
from qemppl.ir.model import ModelIR, Size


@dataclass(frozen=True, eq=False)
class Column:
    """The value of a name in the data file.

    levels: the plates whose members are the entries of the outer lists, outermost first; the event axes follow.
    """

    name: str
    plate: str | None
    event: tuple[Size, ...]
    span: Span
    levels: tuple[str, ...]
    nested: Nested
    origin: Origin

    def place(self, position: int, level: int | None = None) -> Place:
        """A value, or an entry at a level: `y[3]`, `wind[2,1]`; of a table `y in line 4`."""
        if self.origin.lines is None:
            return self.origin.key(self.name, self.nested.path(position, level))
        entries, headers = len(self.origin.lines), self.origin.headers
        if level is None:
            return self.origin.cell(self.name, position // len(headers), position % len(headers))
        lists = len(self.nested.counts[level])
        return self.origin.cell(self.name, position * entries // lists, None)


def list_levels(ir: ModelIR, plate: str | None) -> tuple[str, ...]:
    """The plates that nest as lists in the file down to `plate`: a plate nested by an index column starts a flat column."""
    levels: list[str] = []
    for name in reversed(ir.path(plate)):
        levels.append(name)
        if ir.plate(name).index is not None:
            break
    return tuple(reversed(levels))


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns found in the data, by name: labels by plate, index columns by name, variables by name."""

    labels: dict[str, Column]
    indices: dict[str, Column]
    variables: dict[str, Column]

    def on(self, plate: str) -> list[Column]:
        """Columns whose lists have the members of `plate` as a level: labels first, then indices, then variables."""
        tables = (self.labels, self.indices, self.variables)
        return [column for table in tables for column in table.values() if plate in column.levels]


def open_columns(ir: ModelIR, raw: RawData, report: Report) -> Columns:
    """Find every declared name; report missing and extra keys, and values with more or fewer levels of lists than declared."""
    indices = {plate.index: plate for plate in ir.plates if plate.index is not None}
    variables = {variable.name: variable for variable in ir.data if variable.name not in indices}
    known = {*indices, *variables, *(p.name for p in ir.plates), *(d.name for d in ir.dims)}
    extra = [name for name in raw.values if name not in known]
    opener = _Opener(ir, raw, report, extra)
    index_spans = {v.name: v.span for v in ir.data}
    columns = Columns(
        {p.name: c for p in ir.plates if p.name in raw.values and (c := opener.open(p.name, p.name, (), p.span))},
        {n: c for n, p in indices.items() if (c := opener.open(n, p.name, (), index_spans.get(n, p.span)))},
        {n: c for n, v in variables.items() if (c := opener.open(n, v.type.plate, v.type.event, v.span))},
    )
    _report_extra(extra, known, raw, report)
    return columns


def _report_extra(extra: Sequence[str], known: set[str], raw: RawData, report: Report) -> None:
    """A key too many may be a misspelt one; tables often have more columns than a model needs."""
    in_tables = [name for name in extra if raw.origin(name).is_table]
    for file, names in groupby(in_tables, key=lambda name: raw.origin(name).file):
        unused = list(names)
        columns = f"column{'s' if len(unused) > 1 else ''} {', '.join(unused[:8])}{', ...' if unused[8:] else ''}"
        report.note("QEM702", f"the model does not use the {columns}", Place(columns, file))
    for name in extra:
        if name not in in_tables:
            close = nearest(name, known - raw.values.keys())
            hint = f"the model has {close}, which the data lacks" if close else None
            report.warning("QEM702", f"the model does not use {name}", name, hint=hint)


@dataclass(frozen=True)
class _Opener:
    ir: ModelIR
    raw: RawData
    report: Report
    extra: Iterable[str]

    def open(self, name: str, plate: str | None, event: tuple[Size, ...], span: Span) -> Column | None:
        levels = list_levels(self.ir, plate)
        if name not in self.raw.values:
            close = nearest(name, self.extra)
            key = "column" if close and self.raw.origin(close).is_table else "key"
            hint = f"is it the {key} {close}?" if close else None
            self.report.error("QEM701", f"the data has no value for {name}", None, span, hint)
            return None
        found = self.raw.values[name]
        nested = found.at_depth(len(levels) + len(event))
        if nested is None:
            expected = ", ".join(map(str, (*levels, *event)))
            message = (
                f"{name} must be {f'lists of shape ({expected})' if expected else 'one value'}, found {_shape(found)}"
            )
            self.report.error("QEM703", message, name, span, self._hint(found, len(levels) + len(event)))
            return None
        return Column(name, plate, event, span, levels, nested, self.raw.origin(name))

    @staticmethod
    def _hint(found: Nested, depth: int) -> str | None:
        if depth and found.depth > depth and all((counts == 1).all() for counts in found.counts[depth:]):
            return "remove the inner lists of length 1"
        return None


def _shape(nested: Nested) -> str:
    return nested.shape if nested.depth == 0 else f"shape {nested.shape}"
