"""Checks what restricts an observation: `T[lower, upper]`, `right_censored(flag)` and `left_censored(flag)`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qemppl.diagnostics.diagnostic import Label
from qemppl.diagnostics.source import Span
from qemppl.ir.model import UNBOUNDED, Bounds, Censoring
from qemppl.lang.check.expressions import Expressions
from qemppl.lang.check.laws import CheckedLaw
from qemppl.lang.check.ranges import Range
from qemppl.lang.check.scope import Scope, Symbol, Value, shape_phrase
from qemppl.lang.syntax import ast
from qemppl.numerics.supports import BOOLEAN


@dataclass
class Restrictions:
    """The checker of truncation and censoring."""

    scope: Scope
    expressions: Expressions

    def check(
        self, node: ast.Law, plate: str | None, symbol: Symbol | None, law: CheckedLaw | None
    ) -> tuple[Bounds, Censoring | None] | None:
        """The bounds of the law and what is censored; None if something is wrong. symbol: the observed data, if known."""
        bounds: Bounds | None = UNBOUNDED
        censoring, is_right = None, True
        if node.truncation is not None:
            is_right = self._has_cdf(law, node.truncation.span, "truncated", "QEM423")
            bounds = self._bounds(node.truncation, plate, symbol, law)
        if node.censoring is not None:
            is_right = is_right and self._has_cdf(law, node.censoring.span, "censored", "QEM454")
            censoring = self._censoring(node.censoring, plate, symbol)
            is_right = is_right and censoring is not None
        return (bounds, censoring) if is_right and bounds is not None else None

    def _has_cdf(self, law: CheckedLaw | None, span: Span, what: str, code: str) -> bool:
        if law is None or law.law.has_cdf:
            return True
        name = law.law.name
        reason = "is a law of vectors" if law.law.sizes else "has no cdf"
        self.scope.report.error(code, f"`{name}` {reason}, so it cannot be {what}", span)
        return False

    # Truncation.

    def _bounds(
        self, node: ast.Truncation, plate: str | None, symbol: Symbol | None, law: CheckedLaw | None
    ) -> Bounds | None:
        ends = [self._end(end, plate, symbol) if end is not None else None for end in (node.lower, node.upper)]
        if node.lower is None and node.upper is None:
            hint = "write `T[lower, ]`, `T[, upper]` or both, or leave it out"
            self.scope.report.error("QEM452", "`T[ , ]` has neither a lower nor an upper bound", node.span, hint=hint)
            return None
        lower, upper = ends
        if (node.lower is not None and lower is None) or (node.upper is not None and upper is None):
            return None
        window = Range(lower.range.lower if lower else -math.inf, upper.range.upper if upper else math.inf)
        if not self._is_open(node, window, symbol, law):
            return None
        return Bounds(lower.expr if lower else None, upper.expr if upper else None)

    def _end(self, node: ast.Expression, plate: str | None, symbol: Symbol | None) -> Value | None:
        value = self.expressions.check(node, plate)
        if value is None:
            return None
        report = self.scope.report
        if value.depends_on_latents:
            note = "bounds depend on data and constants only"
            report.error("QEM414", "this bound depends on a latent", node.span, notes=(note,))
            return None
        if not self._has_shape(value, symbol):
            message = f"a bound is a single number, and `{node.span.text}` is {value.phrase}"
            report.error("QEM402", message, node.span)
            return None
        return value

    def _is_open(self, node: ast.Truncation, window: Range, symbol: Symbol | None, law: CheckedLaw | None) -> bool:
        """Whether the law and the declared data have values between the bounds."""
        report = self.scope.report
        is_discrete = law is not None and law.law.support.integer
        if window.lower > window.upper or (window.lower == window.upper and not is_discrete):
            report.error("QEM406", "the lower bound is not below the upper bound", node.span)
            return False
        if law is not None and (window.lower > law.ends.upper.value or window.upper < law.ends.lower.value):
            notes = (f"its values lie in {law.ends.text}",)
            report.error("QEM405", f"`{law.law.name}` has no values between these bounds", node.span, notes=notes)
            return False
        if symbol is not None and (window.lower > symbol.range.upper or window.upper < symbol.range.lower):
            message = f"`{symbol.name}` is declared where the truncated law has no values"
            report.error("QEM405", message, node.span, labels=(symbol.label,))
            return False
        return True

    # Censoring.

    def _censoring(self, node: ast.Censoring, plate: str | None, symbol: Symbol | None) -> Censoring | None:
        value = self.expressions.check(node.flag, plate)
        if value is None:
            return None
        fault = self._fault(value, symbol)
        if fault is None:
            return Censoring(node.side, value.expr)
        message = f"the flag of `{node.side}_censored` is 0 or 1 in the data: 1 where the value is censored; {fault}"
        flag = self.scope.symbols.get(node.flag.span.text)
        labels: tuple[Label, ...] = (flag.label,) if flag is not None else ()
        self.scope.report.error("QEM453", message, node.flag.span, labels=labels, hint=_flag_hint(node, flag, symbol))
        return None

    def _fault(self, value: Value, symbol: Symbol | None) -> str | None:
        """What is wrong with a flag; values that may be others than 0 and 1 are looked at when the data are there."""
        if value.depends_on_latents:
            return "this depends on a latent"
        if value.type.kind != "int":
            return f"this is {value.phrase}"
        if not self._has_shape(value, symbol):
            wanted = (
                shape_phrase("int", symbol.type.event) if symbol is not None and symbol.type is not None else "`int`"
            )
            return f"this is {value.phrase}, not {wanted}"
        if value.range.is_outside(BOOLEAN):
            return "this is another number"
        return None

    def _has_shape(self, value: Value, symbol: Symbol | None) -> bool:
        """Whether there is one number for all components, or one for each."""
        if not value.type.event or symbol is None or symbol.type is None:
            return True
        return self.scope.same_shape(value.type.event, symbol.type.event)


def _flag_hint(node: ast.Censoring, flag: Symbol | None, outcome: Symbol | None) -> str | None:
    """How to declare the flag, or to make one of an expression."""
    if flag is not None and flag.role == "data":
        event = outcome.type.event if outcome is not None and outcome.type is not None else ()
        array = f"array[{', '.join(map(str, event))}] " if flag.type is not None and flag.type.event else ""
        return f"declare `{flag.as_data(f'{array}int<lower=0, upper=1>')}`"
    return None
