"""Finite: where an expression of data leaves the finite numbers, such as the logarithm of 0, and which part of it does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qemppl.data.evaluate import Array, Evaluator
from qemppl.ir.model import Call, Expr, children


def known_parts(evaluator: Evaluator[Array], expr: Expr) -> Iterator[tuple[Expr, Array]]:
    """The largest parts of an expression that data alone tell, without those that a condition may leave out."""
    value = None
    for step in evaluator.steps(expr):
        node, parts, value = step
        if value is None:
            is_choice = isinstance(node, Call) and node.function == "select"
            for position, (child, part) in enumerate(zip(children(node), parts, strict=True)):
                if part is not None and not (is_choice and position > 0):
                    yield child, part
    if value is not None:
        yield expr, value


def culprit(evaluator: Evaluator[Array], expr: Expr) -> Expr:
    """The first part of a known expression whose value is not finite though those of its own parts are."""
    for node, parts, value in evaluator.steps(expr):
        is_culprit = value is not None and not np.isfinite(value).all()
        if is_culprit and all(part is not None and np.isfinite(part).all() for part in parts):
            return node
    return expr


def phrase(value: float) -> str:
    """A number that is not finite, for a message."""
    if np.isnan(value):
        return "not a number"
    return "infinite" if value > 0 else "minus infinity"
