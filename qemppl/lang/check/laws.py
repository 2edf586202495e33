"""Checks a law with its arguments against what follows it: count and names, shapes, forms, supports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from qemppl.diagnostics.source import Span
from qemppl.distributions.base import Argument, Law
from qemppl.distributions.registry import ALIASES
from qemppl.ir.functions import CALLABLE
from qemppl.ir.model import Expr
from qemppl.lang.check.arguments import match_arguments
from qemppl.lang.check.expressions import Expressions
from qemppl.lang.check.foreign_laws import DENSITY_SUFFIXES, foreign_law, same_but_for_spelling
from qemppl.lang.check.law_ends import LawEnds, law_ends
from qemppl.lang.check.law_forms import fits_form
from qemppl.lang.check.law_shapes import Given, LawShapes, Outcome
from qemppl.lang.check.ranges import Range
from qemppl.lang.check.reducers import Site
from qemppl.lang.check.rewriting import one_line
from qemppl.lang.check.scope import Scope, Symbol, Value
from qemppl.lang.syntax import ast


@dataclass(frozen=True, eq=False)
class CheckedLaw:
    """A law with its arguments in order, and the interval of its values."""

    law: Law
    node: ast.Law
    values: tuple[Value, ...]
    ends: LawEnds

    @property
    def arguments(self) -> tuple[Expr, ...]:
        return tuple(value.expr for value in self.values)


@dataclass(frozen=True)
class _Use:
    """A law as it is used; `exchanged`: how to write it if its two arguments stand in each other's place."""

    law: Law
    node: ast.Law
    exchanged: str | None


@dataclass
class LawChecker:
    """Looks laws up and checks their use; `misfits` gathers the names whose declared shape is not that of their law."""

    scope: Scope
    expressions: Expressions
    laws: Mapping[str, Law]
    misfits: set[str] = field(default_factory=set)

    def check(self, node: ast.Law, site: Site, outcome: Outcome) -> CheckedLaw | None:
        """The law of an outcome; None if something is wrong."""
        written = [self._value(argument.value, site) for argument in node.arguments]
        law = self._find(node, outcome)
        order = match_arguments(self.scope.report, node, law) if law is not None else None
        if law is None or order is None:
            return None
        nodes = [node.arguments[place].value for place in order]
        values = [written[place] for place in order]
        given = list(zip(law.arguments, nodes, values, strict=True))
        if not self._fits(_Use(law, node, _exchanged(law, node, given)), outcome, given):
            return None
        known = tuple(value for value in values if value is not None)
        if len(known) < len(values):
            return None
        names = (argument.name for argument in law.arguments)
        ends = law_ends(self.scope, law, dict(zip(names, known, strict=True)))
        return CheckedLaw(law, node, known, ends) if self._is_not_empty(law, node, ends) else None

    def _value(self, argument: ast.Expression, site: Site) -> Value | None:
        return self.expressions.check(argument, site.plate, block=site.block, declaring=site.declaring)

    def _fits(self, use: _Use, outcome: Outcome, given: Given) -> bool:
        """Whether all arguments and the outcome fit the law; reports the first thing wrong with each."""
        law = use.law
        shapes = LawShapes(self.scope, law, outcome)
        is_right = fits_outcome = shapes.fits_outcome(use.node, given)
        if not fits_outcome:
            self.misfits.add(outcome.name)
        for declared, argument, value in given:
            if value is None:
                continue
            fits = (
                (not fits_outcome or shapes.fits_argument(declared, argument, value))
                and fits_form(self.scope, law, declared, argument.span, value, self.laws)
                and self._fits_support(use, declared, argument.span, value)
            )
            is_right = is_right and fits
        return is_right

    def _is_not_empty(self, law: Law, node: ast.Law, ends: LawEnds) -> bool:
        """Whether the least value lies below the largest; for those that are arguments."""
        if law.least is None or law.most is None:
            return True
        lower, upper = ends.lower, ends.upper
        is_one = lower.value == upper.value and law.support.integer
        if not (lower.is_known and upper.is_known) or lower.value < upper.value or is_one:
            return True
        message = (
            f"`{law.name}` has no values: its lower end {lower.value:g} is not below its upper end {upper.value:g}"
        )
        self.scope.report.error("QEM406", message, node.span, hint="exchange the two" if not is_one else None)
        return False

    # Names.

    def named(self, node: ast.Law) -> Law | None:
        """The law of that name, if there is one."""
        name = node.name.text
        return self.laws.get(ALIASES.get(name, name))

    def _find(self, node: ast.Law, outcome: Outcome) -> Law | None:
        law = self.named(node)
        if law is None:
            self._unknown(node, outcome)
        return law

    def _unknown(self, node: ast.Law, outcome: Outcome) -> None:
        report, name, span = self.scope.report, node.name.text, node.name.span
        arguments = [argument.span.text for argument in node.arguments]
        names = [*self.laws, *ALIASES]
        base = next((name.removesuffix(s) for s in DENSITY_SUFFIXES if name.endswith(s)), name)
        spelled = same_but_for_spelling(base, names)
        foreign = foreign_law(name, len(arguments))
        if spelled is not None:
            message = f"the law `{spelled}` is written with small letters and `_`, as in Stan"
            if base != name:
                message = f"after `~` stands the law itself: `{spelled}`, not `{name}`"
            report.error("QEM230", message, span, hint=f"write `{spelled}({', '.join(arguments)})`")
        elif foreign is not None:
            hint = foreign.hint(arguments, outcome.name, outcome.size)
            report.error("QEM230", f"there is no law `{name}`", span, notes=foreign.notes(arguments), hint=hint)
        elif name in CALLABLE:
            report.error("QEM212", f"`{name}` is a function, not a law", span)
        else:
            report.error("QEM212", f"there is no law `{name}`", span, hint=report.did_you_mean(name, names))

    # Supports.

    def _fits_support(self, use: _Use, declared: Argument, span: Span, value: Value) -> bool:
        report, what = self.scope.report, f"`{declared.name}` of `{use.law.name}`"
        if declared.name in use.law.data_arguments and value.depends_on_latents:
            hint = use.exchanged or "let it be data, or a number"
            report.error("QEM418", f"{what} must be known: it cannot depend on latents", span, hint=hint)
            return False
        if declared.support.integer and value.type.kind != "int":
            symbol = self.scope.symbols.get(span.text)
            message = f"{what} is {declared.support.phrase}, and this is real"
            labels = (symbol.label,) if symbol is not None else ()
            is_declared = symbol is not None and symbol.role == "data" and not symbol.is_transformed
            declare = f"declare `{symbol.as_data('int<lower=0>')}`" if symbol is not None and is_declared else None
            report.error("QEM403", message, span, labels=labels, hint=use.exchanged or declare)
            return False
        if not value.range.is_outside(declared.support):
            return True
        self._outside(use, declared, span, value)
        return False

    def _outside(self, use: _Use, declared: Argument, span: Span, value: Value) -> None:
        symbol = self.scope.symbols.get(span.text)
        self.scope.report.error(
            "QEM404" if _is_probability(declared) else "QEM403",
            f"`{declared.name}` of `{use.law.name}` is {declared.support.phrase}, and this {_interval(value.range)}",
            span,
            labels=(symbol.label,) if symbol is not None else (),
            hint=", or ".join(self._ways(use, declared, span, value, symbol)) or None,
        )

    def _ways(self, use: _Use, declared: Argument, span: Span, value: Value, symbol: Symbol | None) -> list[str]:
        """What can be written in place of an argument outside of its support, the likeliest first."""
        exchanged = [use.exchanged] if use.exchanged is not None else []
        if value.range.is_constant or declared.support.integer:
            return exchanged
        latent = symbol if symbol is not None and symbol.role == "latent" else None
        if _is_probability(declared):
            arguments = ", ".join(one_line(argument.span) for argument in use.node.arguments)
            logit = f"{use.law.name}_logit"
            ways = [f"write `{logit}({arguments})`" if logit in self.laws else f"write `inv_logit({span.text})`"]
            if latent is not None:
                ways.insert(value.range.lower < 0, f"declare `{_bounded(latent, 'lower=0, upper=1')}`")
        elif latent is not None:
            upper = f", upper={latent.range.upper:g}" if 0 < latent.range.upper < math.inf else ""
            ways = [f"declare `{_bounded(latent, f'lower=0{upper}')}`"]
        else:
            ways = [f"write `exp({span.text})` if it is meant on the log scale"]
        return [*ways, *exchanged] if latent is not None else [*exchanged, *ways]


def _is_probability(declared: Argument) -> bool:
    return (declared.support.lower, declared.support.upper) == (0.0, 1.0)


def _exchanged(law: Law, node: ast.Law, given: Given) -> str | None:
    """The law with its two arguments exchanged, if they fit only in each other's place."""
    if len(given) != 2 or any(argument.name is not None for argument in node.arguments):
        return None
    (first, a_node, a), (second, b_node, b) = given
    if a is None or b is None or a.type.event or b.type.event or first.sizes or second.sizes:
        return None
    is_wrong = _is_outside(first, a) or _is_outside(second, b)
    if not (is_wrong and _is_meant_for(first, b) and _is_meant_for(second, a)):
        return None
    return f"exchange the arguments: `{law.name}({one_line(b_node.span)}, {one_line(a_node.span)})`"


def _is_outside(declared: Argument, value: Value) -> bool:
    is_fraction = declared.support.integer and value.type.kind != "int"
    return is_fraction or value.range.is_outside(declared.support)


def _is_meant_for(declared: Argument, value: Value) -> bool:
    """Whether a value certainly fits; into a support with bounds, a number that is written down may fit by chance."""
    support, values = declared.support, value.range
    if _is_outside(declared, value):
        return False
    is_inside = values.lower >= support.lower and values.upper <= support.upper and not values.is_constant
    return support.integer or (math.isinf(support.lower) and math.isinf(support.upper)) or is_inside


def _bounded(symbol: Symbol, bounds: str) -> str:
    """The declaration of a latent with other bounds."""
    event = symbol.type.event if symbol.type is not None else ()
    array = f"array[{', '.join(map(str, event[:-1]))}] " if len(event) > 1 else ""
    kind = f"{array}vector<{bounds}>[{event[-1]}]" if event else f"real<{bounds}>"
    return f"{kind} {symbol.name} ~ ...;"


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
