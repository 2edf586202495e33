"""Checks the shapes of a law: those of its arguments and of its values agree, letter by letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qemppl.diagnostics.diagnostic import Label
from qemppl.diagnostics.source import Span
from qemppl.distributions.base import Argument, Law
from qemppl.ir.model import Size, ValueType
from qemppl.lang.check.scope import Scope, Value, shape_phrase
from qemppl.lang.syntax import ast

Given = Sequence[tuple[Argument, ast.Expression, Value | None]]
"""The arguments of a law: as declared, as written, and what they mean."""
_PHRASES = ("a single number", "a vector", "a matrix")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What stands on the left of `~`. type: None if its declaration is wrong, so that nothing is compared with it."""

    name: str
    span: Span
    type: ValueType | None = None
    form: str | None = None
    array_axes: int = 0

    @property
    def phrase(self) -> str:
        """Its type as it is written."""
        assert self.type is not None
        return shape_phrase(self.type.kind, self.type.event, array_axes=self.array_axes, form=self.form)

    @property
    def size(self) -> Size:
        """Of its last axis; `n` if it has none."""
        return self.type.event[-1] if self.type is not None and self.type.event else "n"


@dataclass
class LawShapes:
    """The shapes of one use of a law: `sizes` gathers what each letter stands for, and where that was found."""

    scope: Scope
    law: Law
    outcome: Outcome

    def __post_init__(self) -> None:
        self._sizes: dict[str, tuple[Size, str]] = {}
        self._batch: tuple[Size, ...] | None = None

    def fits_outcome(self, node: ast.Law, given: Given) -> bool:
        """Whether the law has values of the outcome's shape; the arguments `given` tell sizes for the hint."""
        kind, letters = self.outcome.type, self.law.sizes
        if kind is None:
            return True
        if len(kind.event) < len(letters):
            what = "matrices" if len(letters) > 1 else "vectors"
            message = f"`{self.law.name}` is a law of {what}, and `{self.outcome.name}` is {self.outcome.phrase}"
            labels = (Label(self.outcome.span, "declared here"),) if self.outcome.span != node.span else ()
            self.scope.report.error("QEM402", message, node.name.span, labels=labels, hint=self._declaration(given))
            return False
        split = len(kind.event) - len(letters)
        self._batch = kind.event[:split]
        return self._unify(letters, kind.event[split:], f"`{self.outcome.name}` is {self.outcome.phrase}", node.span)

    def fits_argument(self, declared: Argument, node: ast.Expression, value: Value) -> bool:
        """Whether an argument has its own axes, and in front of them none or those of the outcome."""
        event, letters, span = value.type.event, declared.sizes, node.span
        what = f"`{declared.name}` of `{self.law.name}`"
        if len(event) < len(letters):
            message = f"{what} is {_PHRASES[len(letters)]}, and this is {value.phrase}"
            is_number = not event and len(letters) == 1
            hint = f"write `rep_vector({span.text}, {self._size(letters[0])})`" if is_number else None
            self.scope.report.error("QEM402", message, span, labels=self._declared(span), hint=hint)
            return False
        split = len(event) - len(letters)
        if split and self._batch is not None and not self.scope.same_shape(event[:split], self._batch):
            message = f"{what} is {value.phrase}, and `{self.outcome.name}` is {self.outcome.phrase}"
            self.scope.report.error("QEM402", message, span, labels=self._declared(span), hint=_sum_of_products(node))
            return False
        return self._unify(letters, event[split:], f"{what} is {value.phrase}", span)

    def _unify(self, letters: tuple[str, ...], sizes: tuple[Size, ...], phrase: str, span: Span) -> bool:
        """Note what the letters stand for; reports one that stands for something else already."""
        for letter, size in zip(letters, sizes, strict=True):
            known, earlier = self._sizes.setdefault(letter, (size, phrase))
            if self.scope.same_shape((known,), (size,)):
                continue
            is_own = earlier == phrase
            message = f"{phrase}, which is not square" if is_own else f"{phrase}, and {earlier}"
            self.scope.report.error("QEM402", message, span, labels=self._declared(span))
            return False
        return True

    def _declared(self, span: Span) -> tuple[Label, ...]:
        """Where a name that is an argument is declared."""
        symbol = self.scope.symbols.get(span.text)
        return (symbol.label,) if symbol is not None else ()

    def _size(self, letter: str) -> Size:
        return self._sizes[letter][0] if letter in self._sizes else letter

    def _declaration(self, given: Given) -> str:
        """How to declare a value of the law."""
        sizes: dict[str, Size] = dict.fromkeys(self.law.sizes, self.outcome.size)
        for declared, _, value in given:
            if value is not None and len(value.type.event) >= len(declared.sizes):
                own = value.type.event[len(value.type.event) - len(declared.sizes) :]
                sizes |= dict(zip(declared.sizes, own, strict=True))
        size = sizes[self.law.sizes[-1]]
        kind = f"array[{size}] int" if self.law.support.integer else f"{self.law.form or 'vector'}[{size}]"
        data = self.scope.symbols.get(self.outcome.name)
        return f"declare `{data.as_data(kind) if data is not None else f'{kind} {self.outcome.name}'}`"


def _sum_of_products(node: ast.Expression) -> str | None:
    """`dot_product(a, b)` was probably meant by `a .* b`."""
    if not (isinstance(node, ast.Binary) and node.operator == ".*"):
        return None
    return f"write `dot_product({node.left.span.text}, {node.right.span.text})`"
