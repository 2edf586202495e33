"""Arguments of laws, and bounds, as far as data alone tell them: finite, inside their supports, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from qemppl.data.chain_steps import first_steps
from qemppl.data.evaluate import Array
from qemppl.data.finite import culprit, known_parts, phrase
from qemppl.data.forms import form_faults
from qemppl.data.located import Located, Mask, by_member
from qemppl.data.report import number
from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.distributions.base import Argument
from qemppl.distributions.registry import LAWS
from qemppl.ir.model import Constant, DataRef, Definition, DefinitionRef, Expr, Lag, RandomVariable, Statement
from qemppl.numerics.supports import Support


def check_statement(located: Located, statement: Statement, present: Mask | None = None) -> None:
    """The expressions of a statement. present: (member,) the rows of an observation that have an outcome; None for all."""
    if isinstance(statement, Definition):
        expr = statement.value
        if located.is_faulty(expr) or not _check_finite(located, expr, None):
            located.faulty.add(statement.name)
        return
    for law, expressions, members in _laws(located, statement, present):
        for argument, expr in zip(LAWS[law].arguments, expressions, strict=True):
            rows = members if expr.type.plate == statement.plate else None
            if not located.is_faulty(expr) and _check_finite(located, expr, rows) and not isinstance(expr, Constant):
                _check_argument(located, law, argument, expr, rows)
    _check_order(located, statement)


def _laws(
    located: Located, variable: RandomVariable, present: Mask | None
) -> Iterator[tuple[str, Sequence[Expr], Mask | None]]:
    """Every law of a statement with its arguments, and the members that it holds for: the law of the first step is not that of others."""
    if variable.initial is None:
        yield variable.law, variable.arguments, present
        return
    assert variable.plate is not None, "a latent of a chain"
    is_first = first_steps(located.bound, variable.plate)
    yield variable.law, variable.arguments, ~is_first
    yield variable.initial.law, variable.initial.arguments, is_first


def _check_finite(located: Located, expr: Expr, present: Mask | None) -> bool:
    """Whether the parts that data alone tell are finite numbers."""
    is_finite = True
    for part, value in known_parts(located.evaluator, expr):
        if not np.isfinite(value).all():
            is_finite = _check_part(located, culprit(located.evaluator, part), present) and is_finite
    return is_finite


def _check_part(located: Located, node: Expr, present: Mask | None) -> bool:
    """Reports the members for which a part of an expression is not finite."""
    value = located.evaluator.evaluate(node)
    if value is None or isinstance(node, DefinitionRef):
        return True  # what a definition does wrong is reported there
    plate = node.type.plate
    rows = by_member(value, plate)
    wrong = np.any(~np.isfinite(rows), axis=-1)
    if present is not None and len(present) == len(wrong):
        wrong &= present
    is_lag = isinstance(node, Lag | DataRef)

    def report_one(i: int) -> None:
        found = "missing" if is_lag else phrase(float(rows[i][~np.isfinite(rows[i])][0]))
        place, cause = (None, "") if is_lag else located.cause(node, i)
        message = f"`{node.span.text}` is {found}{located.for_member(plate, i)}{cause}, but the model computes with it"
        hint = "choose a value for the first step, with `condition ? a : b`" if is_lag else None
        code = "QEM743" if is_lag else "QEM749"
        located.report.add(Diagnostic(code, Severity.ERROR, message, node.span, hint=hint), place)

    located.report.rows(np.flatnonzero(wrong), report_one)
    return not wrong.any()


def _check_argument(located: Located, law: str, argument: Argument, expr: Expr, present: Mask | None) -> None:
    """The values of an argument that data alone tell against its support and its form."""
    value = located.evaluator.evaluate(expr)
    if value is None:
        return
    if present is not None:
        value = np.where(present.reshape(-1, *(1,) * (value.ndim - 1)), value, np.nan)
    wrong = outside(argument.support, value)
    required = f"but {argument.name} of {law} must be {argument.support.phrase}"
    if isinstance(expr, DataRef) and expr.name in located.columns:
        located.report_values("QEM742", expr.name, wrong, lambda _: required)
    else:
        _report_members(located, expr, wrong, lambda i: f"is {number(value.flat[i])}, {required}")
    if argument.form is None or wrong.any():
        return
    for unfit, say in form_faults(argument.form, value, f"{argument.name} of {law}"):
        if isinstance(expr, DataRef) and expr.name in located.columns:
            located.report_parts("QEM742", expr.name, unfit, say)
        else:
            _report_members(located, expr, unfit, say)


def _report_members(located: Located, expr: Expr, wrong: Mask, say: Callable[[int], str]) -> None:
    """Report the first wrong element of each member of an expression. wrong: (member, ...)."""
    plate = expr.type.plate
    if not wrong.any():
        return
    rows = by_member(wrong, plate)
    first = rows.argmax(-1)

    def report_one(row: int) -> None:
        member, i = located.for_member(plate, row), row * rows.shape[-1] + int(first[row])
        message = f"`{expr.span.text}`{member} {say(i)}"
        located.report.add(Diagnostic("QEM742", Severity.ERROR, message, expr.span), None)

    located.report.rows(np.flatnonzero(rows.any(-1)), report_one)


def _check_order(located: Located, variable: RandomVariable) -> None:
    """The bounds of a latent or of a truncation, where data tell both: the lower one is below the upper one."""
    lower, upper = variable.bounds.lower, variable.bounds.upper
    if lower is None or upper is None or (isinstance(lower, Constant) and isinstance(upper, Constant)):
        return
    if located.is_faulty(lower) or located.is_faulty(upper):
        return
    target = variable.type
    plate, count = variable.plate, located.bound.count(variable.plate)
    shape = (*((count,) if plate else ()), *map(located.bound.size, target.event))
    low, high = located.seen_from(lower, target, shape), located.seen_from(upper, target, shape)
    if low is None or high is None:
        return
    wrong = low > high if target.kind == "int" else low >= high

    def report_one(i: int) -> None:
        member, ends = (
            located.for_member(plate, i * count // wrong.size),
            f"{number(low.flat[i])} and {number(high.flat[i])}",
        )
        message = f"{variable.name} would lie between {ends}{member}: the lower bound must be below the upper one"
        located.report.add(Diagnostic("QEM744", Severity.ERROR, message, lower.span.to(upper.span)), None)

    located.report.rows(np.flatnonzero(wrong), report_one)


def outside(support: Support, x: Array | NDArray[np.int64]) -> Mask:
    """Elementwise, whether a value lies outside a support; a missing value does not."""
    return below(support, x) | above(support, x) | fractional(support, x)


def below(support: Support, x: Array | NDArray[np.int64]) -> Mask:
    """Whether a value lies below the support."""
    return x <= support.lower if support.open_lower else x < support.lower


def above(support: Support, x: Array | NDArray[np.int64]) -> Mask:
    """Whether a value lies above the support."""
    return x >= support.upper if support.open_upper else x > support.upper


def fractional(support: Support, x: Array | NDArray[np.int64]) -> Mask:
    """Whether a value lies between the whole numbers of the support."""
    return (x != np.floor(x)) & ~np.isnan(x) if support.integer else np.zeros(x.shape, np.bool_)
