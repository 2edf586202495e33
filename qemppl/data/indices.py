"""Indices: integers from 1 and labels, turned into positions and checked against what they point at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qemppl.data.columns import Column
from qemppl.data.place import Place
from qemppl.data.report import Report, nearest, quoted
from qemppl.diagnostics.source import Span

Index = NDArray[np.int64] | list[str]
"""The values of an index column, in file order."""


@dataclass(frozen=True)
class RangeFault:
    """An index outside 1..size: its flat position and what is wrong with it."""

    code: str
    position: int
    message: str
    hint: str | None = None


def check_range(index: NDArray[np.int64], size: int, report_one: Callable[[RangeFault], None], report: Report) -> bool:
    """Whether every index lies in 1..size; calls `report_one` for those that do not.

    An index that fits 0..size-1 counts from 0: that is one mistake, not one by row.
    """
    wrong = np.flatnonzero((index < 1) | (index > size))
    if wrong.size == 0:
        return True
    if index.min() == 0 and index.max() < size:
        message = "is 0: the values count from 0, but indices count from 1"
        report_one(RangeFault("QEM731", int(wrong[0]), message, "add 1 to every value"))
        return False
    limits = f"indices run from 1 to {size}" if size else "there is nothing to point at"
    report.rows(wrong, lambda i: report_one(RangeFault("QEM730", i, f"is {index[i]}, but {limits}")))
    return False


def positions_by_number(
    column: Column, index: NDArray[np.int64], size: int, report: Report
) -> NDArray[np.int64] | None:
    """Positions, counted from 0, of the members that an index column names by number."""

    def out_of_range(fault: RangeFault) -> None:
        place = column.place(fault.position)
        report.error(fault.code, f"{place} {fault.message}", place, column.span, fault.hint)

    return index - 1 if check_range(index, size, out_of_range, report) else None


def positions_by_label(
    column: Column, index: list[str], labels: Sequence[str], report: Report
) -> NDArray[np.int64] | None:
    """Positions, counted from 0, of the members that an index column names by label."""
    position = {label: i for i, label in enumerate(labels)}
    found = np.fromiter((position.get(label, -1) for label in index), np.int64, len(index))
    unknown = np.flatnonzero(found < 0)

    def unknown_label(i: int) -> None:
        place = column.place(i)
        close = nearest(index[i], labels)
        hint = f"the nearest label is {quoted(close)}" if close else None
        report.error("QEM732", f"{place} is {quoted(index[i])}, which is no label", place, column.span, hint)

    report.rows(unknown, unknown_label)
    return None if unknown.size else found


def distinct_labels(indices: Sequence[list[str]]) -> list[str]:
    """Labels in order of first appearance."""
    return list(dict.fromkeys(label for index in indices for label in index))


def check_unique(labels: Sequence[str], place: Callable[[int], Place], declared: Span, report: Report) -> bool:
    """Whether no label names two members."""
    if len(set(labels)) == len(labels):
        return True
    first: dict[str, int] = {}
    again = np.array([i for i, label in enumerate(labels) if first.setdefault(label, i) != i], np.int64)

    def duplicate(i: int) -> None:
        message = f"{place(i)} repeats the label {quoted(labels[i])} of {place(first[labels[i]])}"
        report.error("QEM733", message, place(i), declared, "every member needs its own label")

    report.rows(again, duplicate)
    return False
