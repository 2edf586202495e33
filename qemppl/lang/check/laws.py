"""Checks a law with its arguments against what follows it: count, shapes, supports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from qemppl.diagnostics.source import Span
from qemppl.distributions.base import Argument, Law
from qemppl.ir.functions import CALLABLE
from qemppl.ir.model import Expr, ValueType
from qemppl.lang.check.expressions import Expressions
from qemppl.lang.check.not_yet import LATER_LAWS
from qemppl.lang.check.ranges import Range
from qemppl.lang.check.report import count_arguments
from qemppl.lang.check.scope import Scope, Value, shape_phrase
from qemppl.lang.syntax import ast
from qemppl.numerics.supports import Support


@dataclass(frozen=True, eq=False)
class CheckedLaw:
    """A law with arguments, and the interval of its values."""

    law: Law
    arguments: tuple[Expr, ...]
    range: Range


@dataclass
class LawChecker:
    """Looks laws up and checks their use."""

    scope: Scope
    expressions: Expressions
    laws: Mapping[str, Law]

    def check(self, node: ast.Law, plate: str | None, outcome: ValueType | None) -> CheckedLaw | None:
        """The law of a value of type `outcome` (None: unknown, so that shapes are not compared)."""
        values = [self.expressions.check(argument.value, plate) for argument in node.arguments]
        law = self._find(node.name)
        if law is None or not self._has_right_arguments(node, law):
            return None
        is_right = True
        for declared, argument, value in zip(law.arguments, node.arguments, values, strict=True):
            if value is None:
                continue
            span = argument.value.span
            fits_shape = outcome is None or self._fits_shape(f"`{declared.name}` of `{law.name}`", span, value, outcome)
            is_right = is_right and fits_shape and self._fits_support(law, declared, span, value)
        known = [value for value in values if value is not None]
        if not is_right or len(known) < len(values):
            return None
        return CheckedLaw(law, tuple(value.expr for value in known), law_range(law, [value.range for value in known]))

    def _find(self, name: ast.Name) -> Law | None:
        law = self.laws.get(name.text)
        if law is not None:
            return law
        report = self.scope.report
        if name.text in LATER_LAWS:
            report.unsupported(f"the law `{name.text}` is", name.span)
        elif name.text.endswith("_glm"):
            plain = name.text.removesuffix("_glm").removesuffix("_id")
            hint = f"write `{plain}(alpha + dot_product(x, beta), ...)`"
            report.error("QEM212", f"`{name.text}` is not needed: the plain form is as fast", name.span, hint=hint)
        else:
            message = f"there is no law `{name.text}`"
            if name.text in CALLABLE:
                message = f"`{name.text}` is a function, not a law"
            report.error("QEM212", message, name.span, hint=report.did_you_mean(name.text, [*self.laws, *LATER_LAWS]))
        return None

    def _has_right_arguments(self, node: ast.Law, law: Law) -> bool:
        signature = f"signature: `{law.name}({', '.join(a.name for a in law.arguments)})`"
        named = next((a for a in node.arguments if a.name is not None), None)
        if named is not None:
            self.scope.report.unsupported("named arguments are", named.span)
            return False
        wanted, given = len(law.arguments), len(node.arguments)
        if wanted == given:
            return True
        message = f"`{law.name}` takes {count_arguments(wanted)}, not {given}"
        self.scope.report.error("QEM401", message, node.span, notes=(signature,))
        return False

    def _fits_support(self, law: Law, declared: Argument, span: Span, value: Value) -> bool:
        report = self.scope.report
        if declared.name in law.data_arguments and value.depends_on_latents:
            report.error(
                "QEM418", f"`{declared.name}` of `{law.name}` must be known: it cannot depend on latents", span
            )
            return False
        if declared.support.integer and value.type.kind != "int":
            message = f"`{declared.name}` of `{law.name}` is {declared.support.phrase}, and this is real"
            report.error("QEM403", message, span, hint="declare it `int`")
            return False
        if not value.range.is_outside(declared.support):
            return True
        self._outside(law, declared, span, value)
        return False

    def _outside(self, law: Law, declared: Argument, span: Span, value: Value) -> None:
        what = f"`{declared.name}` of `{law.name}` is {declared.support.phrase}"
        symbol = self.scope.symbols.get(span.text)
        labels = (symbol.label,) if symbol is not None else ()
        if (declared.support.lower, declared.support.upper) == (0.0, 1.0):
            logit = f"{law.name}_logit"
            hint = f"write `{logit}(...)`" if logit in self.laws else f"write `inv_logit({span.text})`"
            hint = "" if value.range.is_constant else hint
            message = f"{what}, and this {_interval(value.range)}"
            self.scope.report.error("QEM404", message, span, labels=labels, hint=hint or None)
            return
        if symbol is not None and symbol.role == "latent":
            hint = f"declare it `{_declared(symbol.type)}`: `{_declared(symbol.type)} {symbol.name} ~ ...`"
        else:
            hint = f"write `exp({span.text})` if it is meant on the log scale"
        if value.range.is_constant:
            hint = ""
        message = f"{what}, and this {_interval(value.range)}"
        self.scope.report.error("QEM403", message, span, labels=labels, hint=hint or None)

    def _fits_shape(self, what: str, span: Span, value: Value, outcome: ValueType) -> bool:
        if not value.type.event or self.scope.same_shape(value.type.event, outcome.event):
            return True
        given = shape_phrase(value.type.kind, value.type.event)
        wanted = shape_phrase(outcome.kind, outcome.event)
        self.scope.report.error("QEM402", f"{what} is {given}, and the value on the left of `~` is {wanted}", span)
        return False


def _declared(kind: ValueType | None) -> str:
    return f"vector<lower=0>[{kind.event[0]}]" if kind is not None and kind.event else "real<lower=0>"


def _interval(values: Range) -> str:
    if values.is_constant:
        return f"is {values.lower:g}"
    if math.isinf(values.lower) and math.isinf(values.upper):
        return "can be any real number"
    if math.isinf(values.upper):
        return f"can be any number above {values.lower:g}"
    if math.isinf(values.lower):
        return f"can be any number below {values.upper:g}"
    return f"can be anything between {values.lower:g} and {values.upper:g}"


def law_range(law: Law, arguments: list[Range]) -> Range:
    """The interval of the values of a law: that of its support, and for `uniform` what its arguments leave."""
    support: Support = law.support
    if law.name == "uniform":
        return Range(arguments[0].lower, arguments[1].upper, True, True)
    return Range(support.lower, support.upper, True, True)
