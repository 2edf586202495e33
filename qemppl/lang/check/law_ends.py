"""The least and the largest value of a law, as far as its arguments tell, against the bounds of a declaration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from qemppl.distributions.base import Law
from qemppl.ir.model import Expr
from qemppl.lang.check.ranges import Range
from qemppl.lang.check.scope import Scope, Value

_TURN_TOLERANCE = 1e-3
"""How far bounds may be from a whole turn, as a share of it: `6.28` is near enough."""

Comparison = Literal["same", "wider", "narrower", "unknown"]


@dataclass(frozen=True)
class End:
    """One end of an interval. value: the number; where it is not known, the last one that it can be, and `text` is how it is written
    (None: it depends on latents, or cannot be written)."""

    value: float
    is_known: bool = True
    text: str | None = None

    @property
    def is_infinite(self) -> bool:
        return self.is_known and math.isinf(self.value)

    @property
    def written(self) -> str | None:
        """As in a declaration; None if it cannot be written, or needs not be."""
        if self.text is not None:
            return self.text
        return f"{self.value:g}" if self.is_known and not self.is_infinite else None


@dataclass(frozen=True)
class LawEnds:
    """The interval of a law's values."""

    lower: End
    upper: End

    @property
    def range(self) -> Range:
        return Range(self.lower.value, self.upper.value, True, True)

    @property
    def bounds(self) -> str:
        """As in a declaration, `<lower=0, upper=1>`; empty where no bound can be declared."""
        sides = [("lower", self.lower.written), ("upper", self.upper.written)]
        listed = ", ".join(f"{side}={text}" for side, text in sides if text is not None)
        return f"<{listed}>" if listed else ""

    def go_round(self, period: float) -> bool:
        """Whether the ends are known, and one whole turn apart."""
        is_known = self.lower.is_known and self.upper.is_known
        return is_known and abs(self.upper.value - self.lower.value - period) < _TURN_TOLERANCE * period

    @property
    def text(self) -> str:
        """As `[0, inf)`; an end that depends on latents is `?`."""
        left = f"[{_shown(self.lower)}" if not self.lower.is_infinite else "(-inf"
        right = f"{_shown(self.upper)}]" if not self.upper.is_infinite else "inf)"
        return f"{left}, {right}"


def _shown(end: End) -> str:
    return end.written or "?"


def law_ends(scope: Scope, law: Law, values: Mapping[str, Value]) -> LawEnds:
    """The ends of a law with these arguments, by name."""
    lower, upper = End(law.support.lower), End(law.support.upper)
    if law.least is not None:
        lower = _end_at(values[law.least].expr, values[law.least].range, values[law.least].range.lower)
    if law.most is not None:
        upper = _end_at(values[law.most].expr, values[law.most].range, values[law.most].range.upper)
    if law.categories is not None:
        name, offset = law.categories
        upper = _category_end(scope, values[name], offset)
    return LawEnds(lower, upper)


def _end_at(expr: Expr, values: Range, extreme: float) -> End:
    """An argument as an end."""
    if values.is_constant:
        return End(extreme)
    return End(extreme, is_known=False, text=None if values.sources else _written(expr))


def _written(expr: Expr) -> str:
    return " ".join(expr.span.text.split())


def _category_end(scope: Scope, value: Value, offset: int) -> End:
    size = value.type.event[-1]
    known = scope.known_size(size)
    if known is not None:
        return End(known + offset)
    return End(math.inf, is_known=False, text=str(size) if offset == 0 else f"{size} + {offset}")


def declared_end(expr: Expr | None, extreme: float, *, is_known: bool, otherwise: float) -> End:
    """A declared bound as an end: the number `extreme` if it is known; without a bound, `otherwise`."""
    if expr is None:
        return End(otherwise)
    return End(extreme) if is_known else End(extreme, is_known=False, text=_written(expr))


def compare(declared: End, law: End, *, is_lower: bool) -> Comparison:
    """How a declaration stands to its law at one end: `wider` where it allows values that the law does not have."""
    if declared.is_known and law.is_known:
        if declared.value == law.value:
            return "same"
        return "wider" if (declared.value < law.value) == is_lower else "narrower"
    if declared.text is not None and law.text is not None and _squeezed(declared.text) == _squeezed(law.text):
        return "same"
    if declared.is_infinite:
        return "wider"
    return "narrower" if law.is_infinite else "unknown"


def _squeezed(text: str) -> str:
    return "".join(text.split())
