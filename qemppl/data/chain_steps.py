"""Chains forward in time: which members stand at each step, and a model as some members of a plate see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from qemppl.data.backend import Positions
from qemppl.data.bound import BoundModel, Members
from qemppl.data.evaluate import Evaluator
from qemppl.ir.model import Expr, Lag, RandomVariable, Statement, walk

Stated = TypeVar("Stated", bound=Statement)

Columns = Mapping[str, NDArray[Any]]
"""Data of a plate, (member, *event), by name, and each `lag(...)` along it by its text."""


def steps(bound: BoundModel, chain: str) -> Iterator[Positions]:
    """The members at each step, first to last: (chain that is so long,). Each member of the parent has a chain of its own."""
    parent = bound.members[chain].parent
    lengths = np.array([bound.count(chain)]) if parent is None else np.bincount(parent)
    return at_steps(lengths.cumsum() - lengths, lengths)


def first_steps(bound: BoundModel, chain: str) -> NDArray[np.bool_]:
    """(member,) whether a step is the first of its chain."""
    members = bound.members[chain]
    parent = np.zeros(members.size, np.int64) if members.parent is None else members.parent
    return np.diff(parent, prepend=-1).astype(np.bool_)


def at_steps(first: Positions, lengths: Positions) -> Iterator[Positions]:
    """By step, the members that stand there: (chain that is so long,). first, lengths: (chain,) of each the first member and the steps."""
    for step in range(lengths.max(initial=0)):
        yield first[lengths > step] + step


def at_first_step(statement: Stated) -> Stated:
    """A statement with the law of the first step, where it has one."""
    if not isinstance(statement, RandomVariable) or statement.initial is None:
        return statement
    return replace(statement, law=statement.initial.law, arguments=statement.initial.arguments, initial=None)


def columns_of(bound: BoundModel, plate: str, expressions: Iterable[Expr]) -> Columns:
    """The data that live on a plate, and what the expressions lag along it: its members alone do not tell that."""
    plates = {v.name: v.type.plate for v in bound.ir.data} | {d.name: d.type.plate for d in bound.ir.transformed}
    columns: dict[str, NDArray[Any]] = {name: x for name, x in bound.arrays.items() if plates.get(name) == plate}
    evaluator = Evaluator(bound)
    for node in (node for expr in expressions for node in walk(expr)):
        if isinstance(node, Lag) and node.chain == plate and node.span.text not in columns:
            lagged = evaluator.evaluate(node)
            assert lagged is not None, "`lag` takes data"
            columns[node.span.text] = lagged
    return columns


def selected(members: Members, positions: Positions) -> Members:
    """Some members of a plate, with the parents that they have."""
    return replace(
        members,
        size=len(positions),
        parent=None if members.parent is None else members.parent[positions],
        labels=tuple(members.labels[i] for i in positions),
        rows=members.rows[positions],
    )


def restricted(bound: BoundModel, plate: str, columns: Columns, positions: Positions) -> BoundModel:
    """A model with only the members of a plate at some positions, for what stands on the plate itself: the plates below stay as they
    are. columns: all that is read on the plate."""
    members = {**bound.members, plate: selected(bound.members[plate], positions)}
    arrays = {**bound.arrays, **{name: values[positions] for name, values in columns.items()}}
    return replace(bound, members=members, arrays=arrays)
