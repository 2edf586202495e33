"""The rows of an observation, sorted by what is known of them: a value, only that it is beyond one, or nothing.

A row without a value adds nothing to the evidence, so it takes no part. Each kind of row has its own member axis, and a statement
whose rows are all alike keeps that of its plate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.layout import Axes
from qemppl.data.bound import BoundModel
from qemppl.data.evaluate import Evaluator
from qemppl.data.located import by_member
from qemppl.ir.model import UNBOUNDED, RandomVariable, ValueType

Censored = Literal["right", "left"] | None


@dataclass(frozen=True)
class Rows:
    """Rows of an observation. axis: their member axis. index: (row,) their positions on the plate; None for all of them.

    censored: the value is at least (`right`) or at most (`left`) what the data say.
    """

    variable: RandomVariable
    axis: str | None
    index: NDArray[np.int64] | None = None
    censored: Censored = None

    @property
    def site(self) -> str:
        """A name of their own."""
        return f"{self.variable.name} ({self.censored}-censored)" if self.censored else self.variable.name

    @property
    def is_plain(self) -> bool:
        """Whether they are single numbers under the law as it is, neither censored nor truncated."""
        return self.censored is None and self.variable.bounds == UNBOUNDED and not self.variable.type.event

    def on_plate(self, row: int) -> int:
        """The position of a row on the plate."""
        return row if self.index is None else int(self.index[row])


def split_rows(bound: BoundModel, axes: Axes, variable: RandomVariable) -> tuple[Rows, ...]:
    """The rows of an observation that take part, by kind; new axes are added to `axes`."""
    known = ~_missing(bound, variable)
    return tuple(
        rows
        for censored, mask in _kinds(bound, variable, known)
        if (rows := _rows(axes, variable, mask, censored)) is not None
    )


def _missing(bound: BoundModel, variable: RandomVariable) -> NDArray[np.bool_]:
    """(row,) whether a value, or a component of it, is missing."""
    values = by_member(bound.arrays[variable.name], variable.plate)
    return np.any(np.isnan(values), axis=-1) if values.dtype.kind == "f" else np.zeros(len(values), np.bool_)


def _kinds(
    bound: BoundModel, variable: RandomVariable, known: NDArray[np.bool_]
) -> Iterator[tuple[Censored, NDArray[np.bool_]]]:
    if variable.censoring is None:
        yield None, known
        return
    evaluator, flag = Evaluator(bound), variable.censoring.flag
    value = evaluator.evaluate(flag)
    assert value is not None, "a flag is data"
    target = ValueType("int", (), variable.plate)
    flags = np.broadcast_to(np.atleast_1d(evaluator.align(value, flag.type, target)) != 0, known.shape)
    yield None, known & ~flags
    yield variable.censoring.side, known & flags


def _rows(axes: Axes, variable: RandomVariable, mask: NDArray[np.bool_], censored: Censored) -> Rows | None:
    if mask.all() and mask.size:
        return Rows(variable, variable.plate, censored=censored)
    index = np.flatnonzero(mask)
    if index.size == 0 or variable.plate is None:
        return None
    name = f"{censored or 'known'} rows of {variable.name}"
    axes.add_rows(variable.plate, name, index)
    return Rows(variable, name, index, censored)
