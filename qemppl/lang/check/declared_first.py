"""`real mu;` without a law or a value: a name gets both where it is declared, and not in a later statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qemppl.diagnostics.diagnostic import Label
from qemppl.lang.check.rewriting import declared_with, one_line
from qemppl.lang.check.scope import BlockName, Role, Scope, Symbol
from qemppl.lang.syntax import ast

Later = Mapping[str, ast.Observation | ast.Assignment]
"""The first statement without a type that gives a name its law or its value."""
_ROLES: dict[BlockName, Role] = {
    "transformed data": "data",
    "model": "latent",
    "generated quantities": "generated",
}


def later_statements(body: Iterable[ast.Statement]) -> Later:
    """The statements of a block, and of the blocks in it, that might have been meant to complete a declaration."""
    found: dict[str, ast.Observation | ast.Assignment] = {}
    for leaf in ast.leaves(body):
        if isinstance(leaf, ast.Observation | ast.Assignment):
            found.setdefault(leaf.name.text, leaf)
    return found


def reject_declaration(
    scope: Scope, statement: ast.Declaration, plate: str | None, block: BlockName, later: Later
) -> None:
    """Report a declaration that is nothing else, with the statement that it should be, and enter its name.

    Nothing is said of a name that text which could not be read may complete.
    """
    name = statement.name.text
    symbol = Symbol(name, _ROLES[block], statement.name.span, None, plate, is_transformed=block == "transformed data")
    if name not in scope.forgiven:
        _report(scope, statement, plate, block, later.get(name))
    scope.forgiven.add(name)
    scope.declare(symbol)


def _report(
    scope: Scope,
    statement: ast.Declaration,
    plate: str | None,
    block: BlockName,
    completion: ast.Observation | ast.Assignment | None,
) -> None:
    name, is_latent = statement.name.text, block == "model" and not isinstance(completion, ast.Assignment)
    code = "QEM209" if is_latent else "QEM220"
    message = f"the latent `{name}` has no law" if is_latent else f"`{name}` has no value"
    labels: list[Label] = []
    written = one_line(statement.span).rstrip("; ")
    hint = f"give it one where it is declared: `{written} {'~' if is_latent else '='} ...;`"
    if block == "generated quantities":
        hint += f", or draw it: `{written} ~ ...;`"
    if completion is not None and (block != "transformed data" or isinstance(completion, ast.Assignment)):
        lacks = "law" if isinstance(completion, ast.Observation) else "value"
        labels.append(Label(completion.name.span, f"its {lacks} stands here"))
        text = declared_with(statement, completion)
        item = statement.brackets.items[-1].span.text if statement.brackets is not None else None
        if item in scope.plates and not scope.is_within(plate, item):
            text = f"{scope.opener(item)} {{ {text} }}"
        message = f"`{name}` gets its {lacks} where it is declared, not later"
        hint = f"write `{text}` in place of the two"
    scope.report.error(code, message, statement.name.span, labels=labels, hint=hint)
