"""Located: bound values that still know their place in the data file, for the checks that follow binding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qemppl.data.bound import BoundModel
from qemppl.data.columns import Column
from qemppl.data.evaluate import Array, Evaluator
from qemppl.data.report import Report, number, quoted
from qemppl.ir.model import DataRef, Expr, ValueType


@dataclass(frozen=True)
class Located:
    """A bound model, the columns that its arrays came from (those without a fault so far), and the report to add to."""

    bound: BoundModel
    columns: Mapping[str, Column]
    evaluator: Evaluator
    report: Report

    def seen_from(self, expr: Expr, target: ValueType, shape: tuple[int, ...]) -> Array | None:
        """The value of `expr` at each element of an array of `shape` with axes (member, *event) of `target`, if known."""
        value = self.evaluator.evaluate(expr)
        if value is None:
            return None
        return np.broadcast_to(self.evaluator.align(value, expr.type, target), shape)

    def is_faulty(self, expr: Expr) -> bool:
        """Whether this is a data variable with a fault reported before."""
        return isinstance(expr, DataRef) and expr.name in self.bound.arrays and expr.name not in self.columns

    def member(self, plate: str | None, position: int) -> str:
        """How messages name a member: `house 17`, `county "Aitkin"`."""
        if plate is None:
            return "the model"
        members = self.bound.members[plate]
        label = members.labels[position]
        return f"{plate} {quoted(label) if members.labelled else label}"

    def report_values(
        self, code: str, name: str, wrong: NDArray[np.bool_], say: Callable[[int], str], hint: str | None = None
    ) -> None:
        """Report elements of a data variable, in file order. `say(i)` ends the sentence `y[3] is -2, ...` for flat element i."""
        elements = np.flatnonzero(wrong)
        if elements.size == 0:
            return
        column, values = self.columns[name], self.bound.arrays[name].reshape(-1)
        places = elements
        if column.plate is not None:
            members = self.bound.members[column.plate]
            width = len(values) // members.size
            places = members.rows[elements // width] * width + elements % width
        order = np.argsort(places)
        elements, places = elements[order], places[order]

        def report_one(k: int) -> None:
            i, place = int(elements[k]), column.place(int(places[k]))
            subject = place
            if column.plate is not None and self.bound.members[column.plate].labelled:
                subject += f" ({self.member(column.plate, i // width)})"
            message = f"{subject} is {number(values[i])}, {say(i)}"
            self.report.error(code, message, place, column.span, hint)

        self.report.rows(np.arange(len(elements)), report_one)
