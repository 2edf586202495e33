"""Types and bounds, as both blocks declare them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qemppl.ir.model import UNBOUNDED, Bounds, Expr, Size, ValueType
from qemppl.lang.check.expressions import Expressions
from qemppl.lang.check.ranges import ANYTHING, Range
from qemppl.lang.check.scope import Scope
from qemppl.lang.syntax import ast


@dataclass(frozen=True)
class DeclaredBounds:
    """Bounds, and the interval that they leave."""

    bounds: Bounds = UNBOUNDED
    range: Range = ANYTHING


@dataclass
class Declarations:
    """Checks the parts of declarations."""

    scope: Scope
    expressions: Expressions

    def type(self, declared: ast.Type, plate: str | None) -> ValueType | None:
        """The type that a declaration on a plate gives its name."""
        kind: ValueType = ValueType("int" if declared.kind == "int" else "real", (), plate)
        if declared.kind != "vector":
            return kind
        if len(declared.sizes) != 1:
            self.scope.report.error("QEM416", "a vector has one size", declared.span)
            return None
        size = self.size(declared.sizes[0])
        return None if size is None else ValueType("real", (size,), plate)

    def size(self, expression: ast.Expression) -> Size | None:
        """A size: a whole number of at least 1, a dim, or a single int of the data."""
        report = self.scope.report
        if isinstance(expression, ast.Number):
            if expression.integer and 1 <= expression.value < math.inf:
                return int(expression.value)
            report.error("QEM416", "a size is a whole number of at least 1", expression.span)
            return None
        if not isinstance(expression, ast.Variable):
            hint = "declare a `dim` for it in `data`"
            report.error(
                "QEM416",
                "a size is a number, or the name of a dim or of a single int of the data",
                expression.span,
                hint=hint,
            )
            return None
        symbol = self.scope.find(expression.name, expression.span)
        if symbol is None or symbol.type is None:
            return None
        is_single_int = (
            symbol.role == "data" and symbol.type.kind == "int" and symbol.plate is None and not symbol.type.event
        )
        if symbol.role == "dim" or is_single_int:
            return symbol.name
        if symbol.role == "plate":
            hint = f"for one value a member of `{symbol.name}`, declare a scalar inside that plate; for a vector, declare a `dim`"
        else:
            hint = "declare a `dim` for it in `data`"
        message = f"`{symbol.name}` is no size: a size is a dim or a single int of the data"
        report.error("QEM416", message, expression.span, labels=(symbol.label,), hint=hint)
        return None

    def bounds(self, declared: ast.Type, plate: str | None) -> DeclaredBounds | None:
        """The bounds of a type; None if one of them is wrong."""
        ends: dict[str, tuple[Expr, Range]] = {}
        is_right = True
        for bound in declared.bounds:
            end = self._bound(bound, ends, plate)
            if end is None:
                is_right = False
            else:
                ends[bound.name.text] = end
        if not is_right:
            return None
        return self._interval(declared, ends)

    def _bound(
        self, bound: ast.Bound, ends: dict[str, tuple[Expr, Range]], plate: str | None
    ) -> tuple[Expr, Range] | None:
        report, name = self.scope.report, bound.name.text
        if name not in {"lower", "upper"}:
            message = f"`{name}` is no bound: there are `lower` and `upper`"
            report.error("QEM415", message, bound.span, hint=report.did_you_mean(name, ("lower", "upper")))
            return None
        if name in ends:
            report.error("QEM415", f"`{name}` is given twice", bound.span, hint="keep one of them")
            return None
        value = self.expressions.check(bound.value, plate)
        if value is None:
            return None
        if value.depends_on_latents:
            note = "bounds depend on data and constants only"
            report.error("QEM414", "this bound depends on a latent", bound.value.span, notes=(note,))
            return None
        if value.type.event:
            report.error("QEM415", "a bound is a single number", bound.value.span)
            return None
        return value.expr, value.range

    def _interval(self, declared: ast.Type, ends: dict[str, tuple[Expr, Range]]) -> DeclaredBounds | None:
        lower, low = ends.get("lower", (None, Range(-math.inf, -math.inf, True, True)))
        upper, high = ends.get("upper", (None, Range(math.inf, math.inf, True, True)))
        is_empty = low.lower > high.upper or (low.lower == high.upper and declared.kind != "int")
        if lower is not None and upper is not None and is_empty:
            span = declared.bounds[0].span.to(declared.bounds[-1].span)
            self.scope.report.error("QEM406", "the lower bound is not below the upper bound", span)
            return None
        interval = Range(low.lower, high.upper, low.is_constant, high.is_constant)
        return DeclaredBounds(Bounds(lower, upper), interval)
