"""Plates: how many members each plate has, below which parent, and what they are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qemppl.data.bound import Members
from qemppl.data.columns import Column, Columns, list_levels
from qemppl.data.indices import Index, check_unique, distinct_labels, positions_by_label, positions_by_number
from qemppl.data.report import Report, counted, quoted
from qemppl.data.sizes import MAX_SIZE, Sizes
from qemppl.ir.model import ModelIR, Plate

Counts = NDArray[np.int64]
"""Members of a plate by list of the file: by parent member where the plate nests as lists, else one number."""


@dataclass(frozen=True)
class FilePlate:
    """A plate in file order.

    parent: (member,) file position of the parent's member. labels: None where members are only numbered. labelled: by the user.
    """

    size: int
    parent: NDArray[np.int64] | None
    labels: list[str] | None = None
    labelled: bool = False

    def label(self, position: int) -> str:
        return str(position + 1) if self.labels is None else self.labels[position]


@dataclass
class PlateBinder:
    """Finds the members of every plate, parents first.

    indices: readable index columns by name. labels: readable label keys by plate. mismatched: columns whose lengths disagree with
    their plate; reported, and not looked at again.
    """

    ir: ModelIR
    columns: Columns
    indices: Mapping[str, Index]
    labels: Mapping[str, list[str]]
    sizes: Sizes
    report: Report
    mismatched: set[str] = field(default_factory=set)
    found: dict[str, FilePlate] = field(default_factory=dict)

    def bind(self) -> dict[str, Members]:
        """The members by plate; a plate with a mistake, and those below it, are left out."""
        for plate in sorted(self.ir.plates, key=lambda p: len(self.ir.path(p.name))):
            if plate.parent is None or plate.parent in self.found:
                file_plate = self._find(plate)
                if file_plate is not None:
                    self.found[plate.name] = file_plate
                    self._note_empty_groups(plate)
        members: dict[str, Members] = {}
        for name, file_plate in self.found.items():
            members[name] = in_parent_order(file_plate, members.get(self.ir.plate(name).parent or ""))
        return members

    def _find(self, plate: Plate) -> FilePlate | None:
        counts = self._counts(plate)
        if counts is None:
            return None
        size = int(counts.sum())
        parent = None
        if plate.index is not None:
            parent = self._parent_by_index(plate)
            if parent is None:
                return None
        elif plate.parent is not None:
            parent = np.repeat(np.arange(len(counts)), counts)
        return self._label(plate, size, parent)

    # How many.

    def _counts(self, plate: Plate) -> Counts | None:
        """Counts that the declaration asks for, else those of most columns; reports the columns that differ."""
        lists = 1 if plate.parent is None or plate.index is not None else self.found[plate.parent].size
        columns = [c for c in self.columns.on(plate.name) if c.name not in self.mismatched]
        declared = None if plate.size is None else self.sizes.get(plate.size)
        model = None
        if declared is not None and lists * declared > MAX_SIZE:
            message = f"plate {plate.name} would have {lists * declared} members; the limit is {MAX_SIZE}"
            self.report.error("QEM725", message, None, plate.span)
            return None
        if declared is not None:
            expected = np.full(lists, declared, np.int64)
        elif columns:
            by_content = Counter(_counts_of(c, plate).tobytes() for c in columns)
            ((content, _),) = by_content.most_common(1)
            model = next(c for c in columns if _counts_of(c, plate).tobytes() == content)
            expected = _counts_of(model, plate)
        else:
            return self._counts_from_indices(plate)
        for column in columns:
            if not np.array_equal(_counts_of(column, plate), expected):
                self.mismatched.add(column.name)
                self._report_lengths(plate, column, model, expected)
        return None if plate.index in self.mismatched else expected

    def _counts_from_indices(self, plate: Plate) -> Counts | None:
        """The size of a plate without a column of its own: what the index columns below it name."""
        if plate.index is not None:
            return None  # its index column is missing or unreadable, and reported
        pointers = self._pointers(plate)
        texts = [index for _, index in pointers if isinstance(index, list)]
        if plate.parent is None and texts:
            return np.array([len(distinct_labels(texts))])
        numbers = [(c, index) for c, index in pointers if not isinstance(index, list) and index.size]
        if plate.parent is None and numbers:
            return self._counts_from_numbers(plate, numbers)
        if plate.parent is None and pointers:
            return np.zeros(1, np.int64)
        if not self._faults_hide_size(plate):
            message = f"the size of plate {plate.name} is unknown: no value of the data lives on it"
            hint = f"declare it: `plate {plate.name}[8]`"
            self.report.error("QEM726", message, None, plate.span, hint)
        return None

    def _faults_hide_size(self, plate: Plate) -> bool:
        """Whether something reported before would have told the size of a plate."""
        declared = plate.size is not None or plate.name in self.columns.labels
        pointed_at = any(p.parent == plate.name and p.index is not None for p in self.ir.plates)
        return declared or pointed_at or any(plate.name in list_levels(self.ir, v.type.plate) for v in self.ir.data)

    def _counts_from_numbers(self, plate: Plate, numbers: list[tuple[Column, NDArray[np.int64]]]) -> Counts | None:
        column, index = max(numbers, key=lambda pointer: int(pointer[1].max()))
        largest = int(index.max())
        if largest > 1000 + 100 * len(index):
            # Numbers of persons or postal codes: as indices they would make a plate of empty groups.
            row = int(index.argmax())
            message = f"{column.place(row)} is {largest}, but {column.name} has only {counted(len(index), 'value')}"
            hint = f'write identifiers as texts ("{largest}"), or declare the size: `plate {plate.name}[{largest}]`'
            self.report.error("QEM727", message, column.place(row), column.span, hint)
            return None
        counted_from_0 = int(min(i.min() for _, i in numbers)) == 0
        return np.array([max(largest, 0) + counted_from_0])

    def _report_lengths(self, plate: Plate, column: Column, model: Column | None, expected: Counts) -> None:
        level = column.levels.index(plate.name)
        counts = column.nested.counts[level]

        def wrong_length(i: int) -> None:
            place = column.place(i, level)
            if level == 0:
                origin = f"from {model.name}" if model else f"declared [{plate.size}]"
                what = f"plate {plate.name} has {counted(int(expected[i]), 'member')} ({origin})"
            elif model is not None:
                what = f"{model.place(i, level)} has {expected[i]}"
            else:
                what = f"plate {plate.name} has {counted(int(expected[i]), 'member')} in each {plate.parent}"
            member = f" ({plate.parent} {self._name(plate.parent, i)})" if level and plate.parent else ""
            message = f"{place} has {counted(int(counts[i]), 'value')}, but {what}{member}"
            self.report.error("QEM705" if level else "QEM704", message, place, column.span)

        self.report.rows(np.flatnonzero(counts != expected), wrong_length)

    # Under which parent.

    def indices_by_position(self, names: set[str]) -> Iterator[tuple[Column, NDArray[np.int64]]]:
        """Of the named columns, those that nest a plate found, with the parent's file position of each member."""
        for name, plate in self.found.items():
            index = self.ir.plate(name).index
            if index in names and plate.parent is not None:
                yield self.columns.indices[index], plate.parent

    def _pointers(self, plate: Plate) -> list[tuple[Column, Index]]:
        """The readable index columns that point at members of `plate`."""
        names = [p.index for p in self.ir.plates if p.parent == plate.name and p.index is not None]
        return [(self.columns.indices[name], self.indices[name]) for name in names if name in self.indices]

    def _parent_by_index(self, plate: Plate) -> NDArray[np.int64] | None:
        if plate.index is None or plate.index not in self.indices or plate.parent is None:
            return None
        index, column, parent = self.indices[plate.index], self.columns.indices[plate.index], self.found[plate.parent]
        if not isinstance(index, list):
            return positions_by_number(column, index, parent.size, self.report)
        if parent.labels is None or not parent.labelled:
            return None  # reported where the parent was to take its labels
        return positions_by_label(column, index, parent.labels, self.report)

    def _note_empty_groups(self, plate: Plate) -> None:
        parents = self.found[plate.name].parent
        if parents is None or plate.parent is None:
            return
        size = self.found[plate.parent].size
        empty = np.flatnonzero(np.bincount(parents, minlength=size) == 0)
        if empty.size:
            names = ", ".join(self._name(plate.parent, int(i)) for i in empty[:5])
            more = ", ..." if empty.size > 5 else ""
            message = f"{empty.size} of {size} members of {plate.parent} have no {plate.name}: {names}{more}"
            self.report.note("QEM706", message, plate.index, plate.span)

    # What they are called.

    def _name(self, plate: str, position: int) -> str:
        file_plate = self.found[plate]
        label = file_plate.label(position)
        return quoted(label) if file_plate.labelled else label

    def _label(self, plate: Plate, size: int, parent: NDArray[np.int64] | None) -> FilePlate:
        if plate.name in self.columns.labels:
            labels = self._given_labels(plate, parent)
            if labels is not None:
                return FilePlate(size, parent, labels, labelled=True)
        texts = [index for _, index in self._pointers(plate) if isinstance(index, list)]
        if texts and plate.name not in self.columns.labels:
            labels = distinct_labels(texts)
            if self._may_take_labels(plate, labels, size):
                return FilePlate(size, parent, labels, labelled=True)
        if plate.parent is None or plate.index is not None or parent is None:
            return FilePlate(size, parent)
        starts = np.searchsorted(parent, parent, side="left")
        numbers = map(str, (np.arange(size) - starts + 1).tolist())
        return FilePlate(size, parent, self._below_parent(plate.parent, parent, numbers))

    def _below_parent(self, parent_plate: str, parent: NDArray[np.int64], own: Iterable[str]) -> list[str]:
        outer = self.found[parent_plate]
        return [f"{outer.label(p)},{label}" for p, label in zip(parent.tolist(), own, strict=True)]

    def _given_labels(self, plate: Plate, parent: NDArray[np.int64] | None) -> list[str] | None:
        if plate.name not in self.labels or plate.name in self.mismatched:
            return None
        labels, column = self.labels[plate.name], self.columns.labels[plate.name]
        if len(column.levels) > 1 and parent is not None and plate.parent is not None:
            labels = self._below_parent(plate.parent, parent, labels)
        return labels if check_unique(labels, column.place, plate.span, self.report) else None

    def _may_take_labels(self, plate: Plate, distinct: list[str], size: int) -> bool:
        """Whether the texts of the index columns below may name the members of a plate without a key of labels."""
        column = next(c for c, index in self._pointers(plate) if isinstance(index, list))
        own = self.columns.on(plate.name)
        by_number = [c.name for c, index in self._pointers(plate) if not isinstance(index, list)]
        hint = f'add the key "{plate.name}" with its {size} labels in order'
        if own or by_number:
            other = own[0].name if own else by_number[0]
            message = f"{column.name} points at {plate.name} by label, but nothing says which entry of {other} has which label"
        elif len(distinct) != size:
            message = f"{column.name} names {len(distinct)} members of {plate.name}, which has {size}"
        else:
            return True
        self.report.error("QEM734", message, column.name, plate.span, hint)
        return False


def _counts_of(column: Column, plate: Plate) -> Counts:
    return column.nested.counts[column.levels.index(plate.name)]


def in_parent_order(plate: FilePlate, parent: Members | None) -> Members:
    """Members in the order of their parents."""
    rows = np.arange(plate.size)
    parents = None
    if plate.parent is not None and parent is not None:
        sorted_position = np.empty(parent.size, np.min_scalar_type(parent.size))  # few bits sort fast
        sorted_position[parent.rows] = np.arange(parent.size)
        parents = sorted_position[plate.parent]
        rows = np.argsort(parents, kind="stable")
        parents = parents[rows].astype(np.int64)
    labels = map(str, (rows + 1).tolist()) if plate.labels is None else map(plate.labels.__getitem__, rows.tolist())
    return Members(plate.size, parents, tuple(labels), rows, plate.labelled)
