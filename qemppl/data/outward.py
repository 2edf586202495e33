"""Outward: a table of one plate, taken apart into a table of that plate and one of each plate around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from qemppl.data.backend import Positions
from qemppl.data.cells import MISSING, read_cells, same_cells
from qemppl.data.columns import list_levels
from qemppl.data.place import Place
from qemppl.data.report import Report, quoted
from qemppl.data.roles import Cells, Roles
from qemppl.data.table import TableColumn
from qemppl.ir.model import Kind, ModelIR

Key = tuple[str, ...]
"""What a table calls a member: the text in a column, after those of the plates around it within which it nests as a list."""


@dataclass(frozen=True, eq=False)
class PlateTable:
    """The columns of one plate (None: the root), a row a member.

    keys: (member,) what the columns that point at the members hold. is_own: whether these are the rows of a file, not groups of them.
    cells: with a column for each component. labels: the column named like the plate, if it does not give the keys of groups.
    references: the columns that tell the member of the plate around, outer lists first; empty where there is none. pointer: the column
    that the keys of groups come from.
    """

    plate: str | None
    keys: Sequence[Key]
    is_own: bool
    cells: tuple[tuple[Cells, tuple[TableColumn, ...]], ...]
    labels: TableColumn | None = None
    references: tuple[TableColumn, ...] = ()
    pointer: TableColumn | None = None


def report_no_key(ir: ModelIR, plate: str, inside: str | None, files: str, report: Report) -> None:
    """No column tells to which member of `plate` the rows of a table belong."""
    path = ir.path(inside)
    by = ir.plate(path[path.index(plate) + 1]).index if inside is not None else None
    names = " or ".join(name for name in (by, plate) if name is not None)
    message = f"no column tells to which {plate} each {inside} belongs"
    report.error("QEM628", message, Place(plate, files), ir.plate(plate).span, f"add a column named {names}")


@dataclass(frozen=True, eq=False)
class Outward:
    """Takes one table apart."""

    roles: Roles
    ir: ModelIR
    report: Report

    def tables(self) -> list[PlateTable]:
        """From the table's own plate to the root, without the plates of which the table says nothing."""
        columns = self.roles.table.columns
        blank = [header for header in self.roles.homes if not self._has_all_keys(columns[header])]
        path = () if blank else (*reversed(self.ir.path(self.roles.plate)), None)
        return [table for plate in path if (table := self._table(plate)) is not None]

    def _table(self, plate: str | None) -> PlateTable | None:
        cells = [cells for cells in self.roles.cells if cells.plate == plate]
        if plate is None:
            return self._grouped(None, [()] * self.roles.table.size, cells) if cells else None
        if plate == self.roles.plate:
            keys = self._own_keys(plate)
        elif key_columns := self._key_columns(plate):
            keys = self._texts(key_columns)
        else:
            if cells:
                report_no_key(self.ir, plate, self.roles.plate, self.roles.table.file, self.report)
            return None
        return self._grouped(plate, keys, cells)

    # What a row belongs to.

    def _key_columns(self, plate: str) -> tuple[TableColumn, ...]:
        """The columns that tell the member of an outer plate: of each level of its lists the `by` column of the plate inside, or else
        its labels. Outer levels without a column are left out."""
        path, columns = self.ir.path(self.roles.plate), self.roles.table.columns
        found: list[TableColumn] = []
        for level in reversed(list_levels(self.ir, plate)):
            by = self.ir.plate(path[path.index(level) + 1]).index
            header = by if by in columns else level
            if header not in columns:
                break
            found.insert(0, columns[header])
        return tuple(found)

    def _references(self, plate: str) -> tuple[TableColumn, ...]:
        parent = self.ir.plate(plate).parent
        return () if parent is None else self._key_columns(parent)

    def _own_keys(self, plate: str) -> Sequence[Key]:
        """The labels of the rows, or their numbers; within their parents where the plate nests as lists."""
        labels, node = self.roles.table.columns.get(plate), self.ir.plate(plate)
        is_nested = node.parent is not None and node.index is None
        outer = self._texts(self._references(plate) if is_nested else ())
        if labels is not None:
            return [(*key, *label) for key, label in zip(outer, self._texts((labels,)), strict=True)]
        numbers = {key: count(1) for key in outer}
        return [(*key, str(next(numbers[key]))) for key in outer]

    def _texts(self, columns: Sequence[TableColumn]) -> Sequence[Key]:
        """The cells of key columns by row."""
        return keys_of(columns) if columns else [()] * self.roles.table.size

    def _has_all_keys(self, column: TableColumn) -> bool:
        """Whether every row has a text; reports those without."""
        blank = [row for row, cell in enumerate(column.cells) if cell in MISSING]

        def report_one(row: int) -> None:
            message = f"{column.place(row)} is missing, so the row belongs nowhere"
            span = self.ir.plate(self.roles.homes[column.header]).span
            self.report.error("QEM631", message, column.place(row), span)

        self.report.rows(np.array(blank, np.int64), report_one)
        return not blank

    # What is the same for all rows of a member.

    def _grouped(self, plate: str | None, keys: Sequence[Key], cells: Sequence[Cells]) -> PlateTable | None:
        """The rows of a plate: of the table's own plate all, of an outer one the first of each member."""
        columns = self.roles.table.columns
        is_own = plate is not None and plate == self.roles.plate
        position: dict[Key, int] = {}
        group = np.arange(len(keys)) if is_own else np.array([position.setdefault(k, len(position)) for k in keys])
        first = np.zeros(len(keys) if is_own else len(position), np.int64)
        first[group[::-1]] = np.arange(len(keys))[::-1]  # of equal groups, the last one assigned stays: the first row
        pointer = None if plate is None or is_own else self._key_columns(plate)[-1]
        labels = None if plate is None or (pointer and pointer.header == plate) else columns.get(plate)
        references = () if plate is None else self._references(plate)
        checked: list[tuple[TableColumn, Kind | None]] = [(column, None) for column in references]
        checked += [(columns[header], c.kind) for c in cells for header in c.headers]
        if labels is not None:
            checked.append((labels, None))
        varying = [] if is_own else [c for c in checked if not self._is_constant(*c, plate, keys, first[group])]
        if varying:
            return None
        return PlateTable(
            plate,
            keys if is_own else [*position],
            is_own,
            tuple((c, tuple(columns[header].take(first) for header in c.headers)) for c in cells),
            labels and labels.take(first),
            tuple(column.take(first) for column in references),
            pointer and pointer.take(first),
        )

    def _is_constant(
        self, column: TableColumn, kind: Kind | None, plate: str | None, keys: Sequence[Key], first: Positions
    ) -> bool:
        """Whether a column has one value for each member; reports the rows that differ from the first one of their member."""
        leaves = list[object](column.cells) if kind is None else read_cells(column.cells, kind)
        rows = np.arange(len(keys))
        wrong = np.flatnonzero(~same_cells(leaves, rows, first))

        def report_one(row: int) -> None:
            member = "is one number" if plate is None else f"has one value for each {plate}"
            within = "" if plate is None else f" ({plate} {quoted(keys[row][-1])})"
            one, other = column.cells[row] or "missing", column.cells[first[row]] or "missing"
            message = f"{column.place(row)} is {one}{within}, but line {column.lines[first[row]]} has {other}; {column.header} {member}"
            span = next((v.span for v in self.ir.data if v.name == column.header), None)
            self.report.error("QEM629", message, column.place(row), span)

        self.report.rows(wrong, report_one)
        return wrong.size == 0


def keys_of(columns: Sequence[TableColumn]) -> list[Key]:
    """The keys that columns hold, by row."""
    return [*zip(*(whole(column.cells) for column in columns), strict=True)]


def whole(cells: Sequence[str]) -> Sequence[str]:
    """Numbers of members as a table writes them that has made them real: `3.0` is `3`."""
    if not any(cell.endswith(".0") for cell in cells):
        return cells
    stems = [cell.removesuffix(".0") for cell in cells]
    return stems if all(stem.isdigit() for stem in stems) else cells
