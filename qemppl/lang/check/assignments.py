"""`eta = ...;` without a type, which is never right: a name gets its value where it is declared."""

from __future__ import annotations

from qemppl.lang.check.expressions import Expressions
from qemppl.lang.check.law_as_value import is_law, reject_law
from qemppl.lang.check.scope import ROLE_PHRASES, BlockName, Scope
from qemppl.lang.syntax import ast

_REASONS = {
    "data": "is data",
    "definition": "has its value already",
    "generated": "has its value already",
    "latent": "is a latent, whose law gives its value,",
}


def reject_assignment(
    scope: Scope, expressions: Expressions, statement: ast.Assignment, plate: str | None, block: BlockName
) -> None:
    """Report an assignment, with the declaration that it lacks or repeats."""
    report, name = scope.report, statement.name
    if is_law(statement.value, expressions.laws):
        reject_law(scope, expressions.laws, statement, block)
        scope.forgiven.add(name.text)
        return
    expressions.check(statement.value, plate, block=block)
    scope.used.add(name.text)
    symbol = scope.symbols.get(name.text)
    if symbol is not None and symbol.type is None:
        return  # its declaration is reported already
    if symbol is not None:
        role = "definition" if symbol.is_transformed else symbol.role
        message = f"`{name.text}` {_REASONS.get(role, f'is {ROLE_PHRASES[role]}')} and cannot be assigned"
        code = "QEM205" if role == "data" else "QEM204"
        report.error(code, message, name.span, labels=(symbol.label,), hint="give the new value a name of its own")
    elif name.text not in scope.forgiven:
        hint = f"write `real {name.text} = {' '.join(statement.value.span.text.split())};`"
        report.error("QEM201", f"`{name.text}` is not declared", name.span, hint=hint)
        scope.forgiven.add(name.text)
