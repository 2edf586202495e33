"""Checks what the components of an argument of a law satisfy together: a simplex, an order, a covariance."""

from __future__ import annotations

from collections.abc import Container

from qemppl.diagnostics.source import Span
from qemppl.distributions.base import Argument, Law
from qemppl.ir.model import Gather, LatentRef
from qemppl.lang.check.scope import Scope, Value

PHRASES = {
    "simplex": "a simplex (components of at least 0 that sum to 1)",
    "ordered": "a vector in increasing order",
    "positive_ordered": "a vector of positive numbers in increasing order",
    "cholesky_factor_corr": "the Cholesky factor of a correlation matrix",
    "cholesky_factor": "the Cholesky factor of a covariance",
    "covariance": "a covariance matrix",
}
_SERVES: dict[str, frozenset[str]] = {
    "simplex": frozenset({"simplex"}),
    "ordered": frozenset({"ordered", "positive_ordered"}),
    "cholesky_factor_corr": frozenset({"cholesky_factor_corr"}),
    "cholesky_factor": frozenset({"cholesky_factor_corr", "cholesky_factor"}),
    "covariance": frozenset({"covariance"}),
}


def fits_form(scope: Scope, law: Law, declared: Argument, span: Span, value: Value, laws: Container[str]) -> bool:
    """Whether an argument may have the form that the law wants; that of data, and of most expressions, is not known.

    Nothing is said of one whose shape does not fit.
    """
    wanted = declared.form
    if len(value.type.event) < len(declared.sizes):
        return True
    if wanted is None or value.form in _SERVES[wanted] or (value.form is None and not _is_plain_latent(value)):
        return True
    symbol = scope.symbols.get(span.text)
    given = PHRASES[value.form] if value.form is not None else f"any {value.phrase}"
    scope.report.error(
        "QEM440",
        f"`{declared.name}` of `{law.name}` is {PHRASES[wanted]}, and this is {given}",
        span,
        labels=(symbol.label,) if symbol is not None else (),
        hint=_hint(law, declared, span, value, laws),
    )
    return False


def _is_plain_latent(value: Value) -> bool:
    expr = value.expr
    while isinstance(expr, Gather):
        expr = expr.value
    return isinstance(expr, LatentRef)


def _hint(law: Law, declared: Argument, span: Span, value: Value, laws: Container[str]) -> str:
    text, size = span.text, value.type.event[-1]
    match declared.form:
        case "simplex":
            hint = f"declare `simplex[{size}] {text} ~ dirichlet(...)`" if text.isidentifier() else "declare a simplex"
            logit = f"{law.name}_logit"
            return f"{hint}, or write `{logit}({text})`" if logit in laws else f"{hint}, or write `softmax({text})`"
        case "ordered":
            return f"declare `ordered[{size}] {text}`" if text.isidentifier() else "declare an ordered vector"
        case "covariance":
            if value.form is not None:
                return f"write `multi_normal_cholesky(..., {text})`"
            return "write `multi_normal_cholesky(...)` with a Cholesky factor: `cholesky_factor_corr[n] L ~ lkj_corr_cholesky(2)`"
        case _:
            if value.form == "covariance":
                return f"write `multi_normal(..., {text})`"
            return f"declare `cholesky_factor_corr[{size}] {text} ~ lkj_corr_cholesky(2)`"
