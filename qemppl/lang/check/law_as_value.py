"""`theta = normal(mu, tau);` and `y_rep = normal_rng(mu, tau);`: a law gives no value, so it stands after `~`."""

from __future__ import annotations

from collections.abc import Mapping

from qemppl.distributions.base import Law
from qemppl.lang.check.law_ends import End, LawEnds
from qemppl.lang.check.rewriting import one_line
from qemppl.lang.check.scope import BlockName, Scope
from qemppl.lang.syntax import ast

_DRAW = "_rng"


def is_law(value: ast.Expression, laws: Mapping[str, Law]) -> bool:
    """Whether a value is written as a law, or as a draw from one."""
    return isinstance(value, ast.Apply) and value.function.text.removesuffix(_DRAW) in laws


def reject_law(
    scope: Scope, laws: Mapping[str, Law], statement: ast.Definition | ast.Assignment, block: BlockName
) -> None:
    """Report a law as the value of a name, with the statement that gives the name this law."""
    value, name = statement.value, statement.name.text
    assert isinstance(value, ast.Apply)
    law = laws[value.function.text.removesuffix(_DRAW)]
    arguments = ", ".join(one_line(argument.span) for argument in value.arguments)
    symbol = scope.symbols.get(name)
    scope.used.add(name)
    scope.mention(value)
    is_observed = symbol is not None and symbol.role == "data" and not symbol.is_transformed
    written = f"{name} ~ {law.name}({arguments});"
    if not is_observed or block == "generated quantities":
        name = f"{name}_rep" if is_observed else name
        kind = value_type(law)
        if isinstance(statement, ast.Definition) and (statement.type.kind == "int") == law.support.integer:
            kind = one_line(statement.type.span)
        written = f"{kind} {name} ~ {law.name}({arguments});"
    hint = f"write `{written}`" if block != "transformed data" else f"write `{written}` in `model`"
    message = f"`{law.name}` is a law: it stands after `~`, not after `=`"
    if value.function.text != law.name:
        message = f"there is no function `{value.function.text}`: a draw has its law after `~`"
    labels = (symbol.label,) if is_observed and symbol is not None else ()
    scope.report.error("QEM213", message, value.function.span, labels=labels, hint=hint)


def value_type(law: Law) -> str:
    """How a value of a law is declared: `int<lower=0, upper=1>`."""
    if law.form is not None or law.sizes:
        return f"{law.form or 'vector'}[n]" if not law.support.integer else "array[n] int"
    ends = LawEnds(End(law.support.lower), End(law.support.upper))
    return f"{'int' if law.support.integer else 'real'}{ends.bounds}"
