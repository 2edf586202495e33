"""Tables as values by name: the members of every plate, their labels, index columns and variables, as a JSON file would give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from qemppl.data.backend import Positions
from qemppl.data.cells import read_cells, whole_numbers
from qemppl.data.columns import list_levels
from qemppl.data.indices import RangeFault, check_range
from qemppl.data.nested import Leaves, Nested, Numbers
from qemppl.data.outward import Key, Outward, PlateTable, keys_of, report_no_key, whole
from qemppl.data.place import Origin, Place
from qemppl.data.raw import RawData
from qemppl.data.report import Report, nearest, quoted
from qemppl.data.roles import Roles, find_roles
from qemppl.data.table import Table, TableColumn
from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.ir.model import ModelIR, Plate


def read_tables(tables: Sequence[Table], ir: ModelIR, given: RawData) -> RawData:
    """The values of tables beside those of JSON files. Raises DiagnosticsError (DATA) with all that is wrong."""
    report = Report(given)
    roles = [found for table in tables if (found := find_roles(table, ir, report)) is not None]
    parts = [part for table in roles for part in Outward(table, ir, report).tables()]
    builder = _Builder(ir, given, report)
    if not report.has_errors:
        for plate in sorted(ir.plates, key=lambda p: len(ir.path(p.name))):
            builder.add(plate, [part for part in parts if part.plate == plate.name])
        for part in parts:
            if part.plate is None:
                builder.put_cells(part, ())
        builder.put_extra(roles)
    if report.has_errors:
        raise DiagnosticsError(report.diagnostics, Stage.DATA)
    return RawData(given.name, {**given.values, **builder.values}, {**given.origins, **builder.origins})


@dataclass(frozen=True, eq=False)
class _Group:
    """The members of a plate in their final order. parent: (member,) position of the parent's; None where JSON gives it."""

    keys: Sequence[Key]
    parent: Positions | None
    is_numbered: bool

    @property
    def size(self) -> int:
        return len(self.keys)


@dataclass(eq=False)
class _Builder:
    """Adds plate after plate, parents first."""

    ir: ModelIR
    given: RawData
    report: Report
    values: dict[str, Nested] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    groups: dict[str, _Group] = field(default_factory=dict)
    unmatched: set[tuple[str, str]] = field(default_factory=set)

    def add(self, plate: Plate, parts: Sequence[PlateTable]) -> None:
        """Everything that tables say of one plate."""
        table = self._merge(plate, parts)
        if table is None:
            return
        parent = self._parents(plate, table)
        if parent is None and plate.parent is not None and plate.index not in self.given.values:
            return
        is_nested = plate.parent is not None and plate.index is None
        outer = parent if is_nested and parent is not None else np.zeros(len(table.keys), np.int64)
        order = _order(table, outer)
        table = _take(table, order)
        parent = None if parent is None else parent[order]
        numbers = _numbers_within(outer[order])
        keys = [key[-1] for key in table.keys]
        self.groups[plate.name] = _Group(table.keys, parent, keys == numbers)
        counts = self._counts(plate.name)
        labels = keys if table.labels is None else [*whole(table.labels.cells)]
        if labels != numbers and plate.name not in self.given.values:
            named = table.labels or table.pointer
            self._put(plate.name, Nested(counts, [*labels]), Origin(self.given.name) if named is None else named.origin)
        if parent is not None and plate.index is not None:
            self._put(plate.index, Nested(counts, parent + 1), table.references[-1].origin)
        self.put_cells(table, counts)

    # One table of each plate.

    def _merge(self, plate: Plate, parts: Sequence[PlateTable]) -> PlateTable | None:
        """The parts as one table: members as a file of their own lists them, else as JSON does, else as groups appear."""
        own = [part for part in parts if part.is_own]
        if len(own) > 1:
            files = " and ".join(_file(part) for part in own)
            message = f"{files} both have a row for each {plate.name}"
            self.report.error("QEM627", message, Place(plate.name, files), plate.span, "join them into one table")
            return None
        keys = own[0].keys if own else self._given_keys(plate, parts)
        if keys is None:
            if len(parts) <= 1:
                return parts[0] if parts else None
            keys = [*dict.fromkeys(key for part in parts for key in part.keys)]
        merged = own[0] if own else PlateTable(plate.name, keys, plate.name in self.given.values, ())
        for part in parts:
            if not part.is_own:
                merged = self._join(plate, merged, part)
        if not merged.references and any(part.references for part in parts):
            message = f"no file tells to which {plate.parent} each {plate.name} belongs"
            hint = f"write a file with a row for each {plate.name}"
            self.report.error("QEM632", message, None, plate.span, hint)
        return merged

    def _join(self, plate: Plate, table: PlateTable, part: PlateTable) -> PlateTable:
        """The table with the columns of a part that has them for all members; reports variables that are not there for some."""
        assert part.pointer is not None, "groups have keys"
        numbers = [key[-1] for key in table.keys] == _numbers_within(np.zeros(len(table.keys), np.int64))
        found = self._positions(plate, part.keys, table.keys, part.pointer, numbers)
        if found is None:
            return table
        rows = np.full(len(table.keys), -1)
        rows[found] = np.arange(len(found))
        if (rows >= 0).all():
            part = _take(part, rows)
            labels, references = table.labels or part.labels, table.references or part.references
            return replace(table, cells=(*table.cells, *part.cells), labels=labels, references=references)
        absent = quoted(table.keys[int(np.argmin(rows))][-1])
        for cells, columns in part.cells:
            message = f"{cells.name} has no value for {plate.name} {absent}: no row of {columns[0].file} belongs to it"
            place = Place(cells.name, columns[0].file)
            self.report.error("QEM632", message, place, cells.span, f"write a file with a row for each {plate.name}")
        return table

    def _given_keys(self, plate: Plate, parts: Sequence[PlateTable]) -> Sequence[Key] | None:
        """The members that JSON or a declaration lists, where no file has one row for each; None where they do not."""
        found = [key[-1] for part in parts for key in part.keys]
        if not found or (plate.parent is not None and plate.index is None):
            return None
        if plate.name in self.given.values:
            leaves = self.given.values[plate.name].leaves
            return [(str(label),) for label in leaves]
        numbers = whole_numbers(found)
        size, column = self._given_size(plate)
        if size is None or (numbers is not None and sorted({*numbers}) == [*range(1, size + 1)]):
            return None
        if numbers is not None:
            return [(str(number),) for number in range(1, size + 1)]
        if column is not None:
            pointer = parts[0].pointer
            assert pointer is not None, "groups have keys"
            message = f"{pointer.header} points at {plate.name} by label, but nothing says which entry of {column} has which label"
            hint = f'add the key "{plate.name}" with its {size} labels in order'
            self.report.error("QEM734", message, Place(pointer.header, pointer.file), plate.span, hint)
        return None

    def _given_size(self, plate: Plate) -> tuple[int | None, str | None]:
        """The size of a plate that starts a flat column, as declared or by a JSON column, which is named."""
        for variable in self.ir.data:
            if variable.name in self.given.values and list_levels(self.ir, variable.type.plate)[:1] == (plate.name,):
                counts = self.given.values[variable.name].counts
                return (int(counts[0][0]) if counts else 1), variable.name
        declared = {dim.name: dim.size for dim in self.ir.dims}
        size = declared.get(plate.size) if isinstance(plate.size, str) else plate.size
        if size is None and isinstance(plate.size, str) and plate.size in self.given.values:
            leaves = self.given.values[plate.size].leaves
            size = int(leaves[0]) if isinstance(leaves, np.ndarray) and leaves.size == 1 else None
        return size, None

    # The members around.

    def _parents(self, plate: Plate, table: PlateTable) -> Positions | None:
        """The position of each member's parent, or None where there is none, or after reporting why it is not known."""
        if plate.parent is None:
            return None
        if not table.references:
            if plate.index not in self.given.values and not self.report.has_errors:
                report_no_key(self.ir, plate.parent, plate.name, _file(table), self.report)
            return None
        if plate.parent not in self.groups:
            return None
        keys = keys_of(table.references)
        parent = self.groups[plate.parent]
        return self._positions(self.ir.plate(plate.parent), keys, parent.keys, table.references[-1], parent.is_numbered)

    def _positions(
        self,
        plate: Plate,
        keys: Sequence[Key],
        members: Sequence[Key],
        column: TableColumn,
        is_numbered: bool = False,
    ) -> Positions | None:
        """The positions of the members that keys name; reports keys that name none, once by column. `column` holds the keys."""
        width = min(len(key) for key in (*keys[:1], *members[:1])) if keys else 0
        keys = [key[len(key) - width :] for key in keys]
        position = {key[len(key) - width :]: i for i, key in enumerate(members)}
        found = np.array([position.get(key, -1) for key in keys], np.int64)
        is_unclear = len(position) < len(members) and width < len(list_levels(self.ir, plate.name))
        if (found >= 0).all() and not is_unclear:
            return found
        if (column.file, column.header) in self.unmatched:
            return None
        self.unmatched.add((column.file, column.header))
        if is_unclear:
            report_no_key(self.ir, plate.parent or plate.name, plate.name, column.file, self.report)
            return None
        numbers = whole_numbers([key[-1] for key in keys]) if is_numbered and width == 1 else None
        if numbers is not None:

            def out_of_range(fault: RangeFault) -> None:
                place = column.place(fault.position)
                self.report.error(fault.code, f"{place} {fault.message}", place, plate.span, fault.hint)

            check_range(np.array(numbers), len(members), out_of_range, self.report)
            return None
        labels = [key[-1] for key in members]

        def unknown(row: int) -> None:
            place, close = column.place(row), nearest(keys[row][-1], labels)
            message = f"{place} is {quoted(keys[row][-1])}, which is no label of {plate.name}"
            hint = f"the nearest label is {quoted(close)}" if close else None
            self.report.error("QEM732", message, place, plate.span, hint)

        self.report.rows(np.flatnonzero(found < 0), unknown)
        return None

    # As a JSON file gives them.

    def _counts(self, plate: str) -> tuple[Positions, ...]:
        """The lengths of the lists of a column on a plate, level by level."""
        first, *inner = list_levels(self.ir, plate)
        counts = [np.array([self.groups[first].size])]
        for outer, level in zip((first, *inner), inner, strict=False):
            parent = self.groups[level].parent
            assert parent is not None, "a plate that nests as lists has parents"
            counts.append(np.bincount(parent, minlength=self.groups[outer].size))
        return tuple(counts)

    def put_cells(self, table: PlateTable, counts: tuple[Positions, ...]) -> None:
        """The variables of a table as lists of the given lengths."""
        for cells, columns in table.cells:
            leaves = _interleaved([read_cells(column.cells, cells.kind) for column in columns])
            entries, levels = len(table.keys), list(counts)
            for length in cells.shape:
                levels.append(np.full(entries, length, np.int64))
                entries *= length
            self._put(
                cells.name, Nested(tuple(levels), leaves), Origin(columns[0].file, cells.headers, columns[0].lines)
            )

    def put_extra(self, tables: Sequence[Roles]) -> None:
        """The columns that the model does not use, for a remark."""
        for roles in tables:
            for header in roles.extra:
                if header not in self.values and header not in self.given.values:
                    column = roles.table.columns[header]
                    counts = (np.array([len(column.cells)]),)
                    self.values[header], self.origins[header] = Nested(counts, [*column.cells]), column.origin

    def _put(self, name: str, nested: Nested, origin: Origin) -> None:
        other = self.origins[name].file if name in self.values else self.given.origin(name).file
        if name in self.values or name in self.given.values:
            message = f"{name} is given twice, by {other} and by {origin.file}"
            self.report.error("QEM633", message, origin.whole(name), None, "leave it out of one of the two files")
        self.values[name], self.origins[name] = nested, origin


def _file(table: PlateTable) -> str:
    columns = [
        *table.references,
        *(c for _, cs in table.cells for c in cs),
        *filter(None, (table.labels, table.pointer)),
    ]
    return columns[0].file if columns else ""


def _take(table: PlateTable, rows: Positions) -> PlateTable:
    """The table with its rows in another order."""
    if np.array_equal(rows, np.arange(len(table.keys))):
        return table
    return replace(
        table,
        keys=[table.keys[row] for row in rows.tolist()],
        cells=tuple((cells, tuple(column.take(rows) for column in columns)) for cells, columns in table.cells),
        labels=table.labels and table.labels.take(rows),
        references=tuple(column.take(rows) for column in table.references),
        pointer=table.pointer and table.pointer.take(rows),
    )


def _order(table: PlateTable, outer: Positions) -> Positions:
    """Rows by parent, where the plate nests as lists; groups that are numbered from 1 in the order of their numbers."""
    by_parent = np.argsort(outer, kind="stable")
    numbers = None if table.is_own else whole_numbers([key[-1] for key in table.keys])
    if numbers is None:
        return by_parent
    in_order = np.lexsort((np.array(numbers), outer))
    is_numbered = [str(numbers[row]) for row in in_order.tolist()] == _numbers_within(outer[in_order])
    return in_order if is_numbered else by_parent


def _numbers_within(outer: Positions) -> list[str]:
    """Members numbered from 1, anew within each (sorted) parent."""
    starts = np.searchsorted(outer, outer, side="left")
    return [*map(str, (np.arange(len(outer)) - starts + 1).tolist())]


def _interleaved(columns: Sequence[Leaves]) -> Leaves:
    """Values by entry and component, from values by component and entry."""
    if len(columns) == 1:
        return columns[0]
    arrays = [column for column in columns if isinstance(column, np.ndarray)]
    if len(arrays) == len(columns):
        kind = np.result_type(*arrays)  # int64 if all are
        values: Numbers = np.stack(arrays, axis=1).astype(kind).reshape(-1)
        return values
    return [leaf for row in zip(*(_listed(column) for column in columns), strict=True) for leaf in row]


def _listed(leaves: Leaves) -> list[object]:
    return leaves if isinstance(leaves, list) else leaves.tolist()
