"""Chains forward in time: which members stand at each step, and a model as the members of one step see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from qemppl.data.backend import Positions
from qemppl.data.bound import BoundModel
from qemppl.data.evaluate import Evaluator
from qemppl.ir.model import Expr, Lag, RandomVariable, Statement, walk


def steps(bound: BoundModel, chain: str) -> Iterator[Positions]:
    """The members at each step, first to last: (chain that is so long,). Each member of the parent has a chain of its own."""
    parent = bound.members[chain].parent
    lengths = np.array([bound.count(chain)]) if parent is None else np.bincount(parent)
    starts = lengths.cumsum() - lengths
    for step in range(lengths.max(initial=0)):
        yield starts[lengths > step] + step


def at_first_step(statement: Statement) -> Statement:
    """A statement with the law of the first step, where it has one."""
    if not isinstance(statement, RandomVariable) or statement.initial is None:
        return statement
    return replace(statement, law=statement.initial.law, arguments=statement.initial.arguments, initial=None)


class StepView:
    """A model with only some members of a chain, for the given expressions on the chain itself: the plates below stay as they are."""

    def __init__(self, bound: BoundModel, chain: str, expressions: Iterable[Expr]) -> None:
        self._bound, self._chain = bound, chain
        evaluator = Evaluator(bound)
        plates = {v.name: v.type.plate for v in bound.ir.data} | {d.name: d.type.plate for d in bound.ir.transformed}
        self._columns = {name: x for name, x in bound.arrays.items() if plates.get(name) == chain}
        for node in (node for expr in expressions for node in walk(expr)):
            if isinstance(node, Lag) and node.chain == chain and node.span.text not in self._columns:
                lagged = evaluator.evaluate(node)
                assert lagged is not None, "`lag` takes data"
                self._columns[node.span.text] = lagged

    def at(self, positions: Positions) -> BoundModel:
        """The model with the members at these positions. `lag(...)`, which they do not tell, is among its arrays by its text."""
        members = self._bound.members[self._chain]
        some = replace(
            members,
            size=len(positions),
            parent=None if members.parent is None else members.parent[positions],
            labels=tuple(members.labels[i] for i in positions),
            rows=members.rows[positions],
        )
        columns = {name: values[positions] for name, values in self._columns.items()}
        return replace(
            self._bound,
            members={**self._bound.members, self._chain: some},
            arrays={**self._bound.arrays, **columns},
        )
