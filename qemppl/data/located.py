"""Located: bound values that still know their place in the data, for the checks that follow binding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from qemppl.data.bound import BoundModel
from qemppl.data.columns import Column
from qemppl.data.evaluate import Array, Evaluator
from qemppl.data.place import Place
from qemppl.data.report import Report, number, quoted
from qemppl.diagnostics.source import Span
from qemppl.ir.model import DataRef, DefinitionRef, Expr, ValueType, walk

Mask = NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Located:
    """A bound model, the columns that its arrays came from, and the report to add to.

    transformed: the statements of the names computed so far. faulty: names with a mistake reported before, and what depends on them.
    """

    bound: BoundModel
    columns: Mapping[str, Column]
    evaluator: Evaluator[Array]
    report: Report
    transformed: dict[str, Span] = field(default_factory=dict)
    faulty: set[str] = field(default_factory=set)

    def seen_from(self, expr: Expr, target: ValueType, shape: tuple[int, ...]) -> Array | None:
        """The value of `expr` at each element of an array of `shape` with axes (member, *event) of `target`, if known."""
        value = self.evaluator.evaluate(expr)
        if value is None:
            return None
        return np.broadcast_to(self.evaluator.align(value, expr.type, target), shape)

    def is_sound(self, name: str) -> bool:
        """Whether a name of the data has values without a fault so far."""
        return name in self.bound.arrays and name not in self.faulty

    def is_faulty(self, expr: Expr) -> bool:
        """Whether this depends on a name with a fault reported before."""
        return any(isinstance(node, DataRef | DefinitionRef) and node.name in self.faulty for node in walk(expr))

    def member(self, plate: str | None, position: int) -> str:
        """How messages name a member: `house 17`, `county "Aitkin"`; the root has none."""
        if plate is None:
            return ""
        members = self.bound.members[plate]
        label = members.labels[position]
        return f"{plate} {quoted(label) if members.labelled else label}"

    def for_member(self, plate: str | None, position: int) -> str:
        return "" if plate is None else f" for {self.member(plate, position)}"

    def cause(self, expr: Expr, position: int) -> tuple[Place | None, str]:
        """The value of the one column that an expression reads on its own plate, for a member: its place, and ` (hours[2] is 0)`."""
        names = {node.name: node for node in walk(expr) if isinstance(node, DataRef) and node.name in self.columns}
        if len(names) != 1:
            return None, ""
        ((name, node),) = names.items()
        if node.type.plate != expr.type.plate or node.type.event:
            return None, ""
        members = self.bound.members.get(expr.type.plate or "")
        place = self.columns[name].place(0 if members is None else int(members.rows[position]))
        return place, f" ({place} is {number(self.bound.arrays[name].reshape(-1)[position])})"

    def report_values(
        self, code: str, name: str, wrong: Mask, say: Callable[[int], str], hint: str | None = None
    ) -> None:
        """Report elements of a name of the data, in file order. `say(i)` ends the sentence `y[3] is -2, ...` for flat element i."""
        values = self.bound.arrays[name].reshape(-1)
        self.report_parts(code, name, wrong, lambda i: f"is {number(values[i])}, {say(i)}", hint)

    def report_parts(
        self, code: str, name: str, wrong: Mask, say: Callable[[int], str], hint: str | None = None
    ) -> None:
        """Report parts of a name of the data. wrong: (member, ...), the first axes of its array. `say(i)` follows the part's name."""
        elements = np.flatnonzero(wrong)
        if elements.size == 0:
            return
        column = self.columns.get(name)
        plate = self._plate(name)
        width = wrong.size // self.bound.count(plate)
        places = elements
        if plate is not None and column is not None:
            places = self.bound.members[plate].rows[elements // width] * width + elements % width
        order = np.argsort(places, kind="stable")

        def report_one(k: int) -> None:
            i = int(elements[k])
            if column is None:
                subject = f"{name}{self.for_member(plate, i // width)}"
                self.report.error(code, f"{subject} {say(i)}", None, self.transformed[name], hint)
                return
            place = self._place(column, int(places[k]), wrong.ndim)
            labelled = plate is not None and self.bound.members[plate].labelled
            subject = f"{place} ({self.member(plate, i // width)})" if labelled else str(place)
            self.report.error(code, f"{subject} {say(i)}", place, column.span, hint)

        self.report.rows(order, report_one)

    def _place(self, column: Column, position: int, axes: int) -> Place:
        level = len(column.levels) + axes - (column.plate is not None)
        return column.place(position, level if level < column.nested.depth else None)

    def _plate(self, name: str) -> str | None:
        if name in self.columns:
            return self.columns[name].plate
        return next(d.type.plate for d in self.bound.ir.transformed if d.name == name)


def by_member(x: NDArray[Scalar], plate: str | None) -> NDArray[Scalar]:
    """(member, component) of an array with axes (member of `plate`, *event); at the root there is one member."""
    members = 1 if plate is None else len(x)
    return x.reshape(members, x.size // max(members, 1))
