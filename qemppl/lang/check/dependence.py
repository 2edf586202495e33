"""Which latents the data inform: those on which an observation depends, directly or through other names."""

from __future__ import annotations

from collections.abc import Iterable

from qemppl.ir.model import DefinitionRef, Expr, LatentRef, ModelIR, Previous, walk


def names_in(expressions: Iterable[Expr]) -> set[str]:
    """The latents and deterministic names that expressions use."""
    return {
        node.name
        for expression in expressions
        for node in walk(expression)
        if isinstance(node, LatentRef | DefinitionRef | Previous)
    }


def informed(model: ModelIR) -> set[str]:
    """The names on which an observation depends."""
    uses = {statement.name: names_in(statement.expressions) for statement in model.statements}
    pending = [name for observation in model.observations for name in uses[observation.name]]
    reached: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending.extend(uses.get(name, ()))
    return reached
