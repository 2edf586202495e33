"""Chains whose states are integrated in closed form: linear-Gaussian ones, given what they hang on.

Where the states of a chain follow normal laws whose means are linear in them, and so do all outcomes that read them, the evidence of a
chain given the latents around it is that of the Kalman filter. Its states then have no particles: they cost no pairs of these, however
little they change from step to step, and leave no variance. Their moments and joint draws follow once all other latents are drawn
(engine/integrated.py).

A state with a family of its own after `approx` has particles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.additive import addends
from qemppl.compile.chains import laws_of
from qemppl.compile.layout import Axes
from qemppl.compile.simplify import leaves
from qemppl.data.bound import BoundModel
from qemppl.ir.model import (
    UNBOUNDED,
    Call,
    Constant,
    Expr,
    Gather,
    LatentRef,
    ModelIR,
    Plate,
    Previous,
    RandomVariable,
)

MOST_NUMBERS = 8
"""Of a state: its covariance is written out."""
MOST_ROWS = 32
"""Of an outcome at one step: they are taken in one after another."""

Number = tuple[str, int | None]


@dataclass(frozen=True)
class Integrated:
    """A chain without particles. states, outcomes: in their order. numbers: of a state, each by its latent and its position there, None
    where the latent is one number."""

    plate: str
    states: tuple[RandomVariable, ...]
    outcomes: tuple[RandomVariable, ...]
    numbers: tuple[Number, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(state.name for state in self.states)

    def places(self, name: str) -> list[int]:
        """Those of a latent among the numbers."""
        return [place for place, number in enumerate(self.numbers) if number[0] == name]


def find_integrated(bound: BoundModel, axes: Axes) -> tuple[Integrated, ...]:
    """The chains that are integrated, in the order of the plates."""
    chains = (plate for plate in bound.ir.plates if plate.is_chain)
    return tuple(found for plate in chains if (found := _Candidate(bound, axes, plate).checked()))


def rows_by_step(axes: Axes, chain: str, plate: str) -> NDArray[np.int64]:
    """(step, rank) the members of a plate at or below the chain that belong to each step, -1 where there are no more."""
    if plate == chain:
        return np.arange(axes.size(chain))[:, None]
    step, counts = axes[plate].parents[chain], _rows(axes, chain, plate)
    order = np.argsort(step, kind="stable")
    rank = np.arange(len(step)) - (np.cumsum(counts) - counts)[step[order]]
    rows = np.full((len(counts), counts.max(initial=0)), -1)
    rows[step[order], rank] = order
    return rows


def _rows(axes: Axes, chain: str, plate: str) -> NDArray[np.int64]:
    """(step,) how many members of a plate at or below the chain belong to each step."""
    if plate == chain:
        return np.ones(axes.size(chain), np.int64)
    return np.bincount(axes[plate].parents[chain], minlength=axes.size(chain))


@dataclass(frozen=True)
class Reading:
    """Which expressions read the states of a chain."""

    ir: ModelIR
    states: frozenset[str]

    def mentions(self, expr: Expr) -> bool:
        return not self.states.isdisjoint(latents_in(self.ir, [expr]))


def latents_in(ir: ModelIR, expressions: Sequence[Expr]) -> set[str]:
    """The names of the latents that expressions read, now or one step before."""
    return {leaf.name for leaf in leaves(ir, expressions) if isinstance(leaf, LatentRef | Previous)}


@dataclass(frozen=True)
class _Candidate:
    """A chain that may be integrated."""

    bound: BoundModel
    axes: Axes
    plate: Plate

    @property
    def ir(self) -> ModelIR:
        return self.bound.ir

    @cached_property
    def states(self) -> tuple[RandomVariable, ...]:
        return tuple(latent for latent in self.ir.latents if latent.plate == self.plate.name)

    @cached_property
    def reading(self) -> Reading:
        return Reading(self.ir, frozenset(state.name for state in self.states))

    @cached_property
    def around(self) -> frozenset[str]:
        """The latents of the plates around the chain."""
        plates = {None, *self.ir.path(self.plate.parent)}
        return frozenset(latent.name for latent in self.ir.latents if latent.plate in plates)

    def checked(self) -> Integrated | None:
        """None where some statement does not serve."""
        states = self.states
        numbers = tuple(number for state in states for number in self._numbers(state))
        if not any(state.initial for state in states) or len(numbers) > MOST_NUMBERS:
            return None
        variables = (s for s in self.ir.statements if isinstance(s, RandomVariable))
        readers = [v for v in variables if any(map(self.reading.mentions, v.expressions))]
        outcomes = tuple(s for s in readers if s.observed)
        served = all(map(self._is_state, states)) and all(map(self._is_outcome, outcomes))
        if not outcomes or not served or any(s not in states for s in readers if not s.observed):
            return None
        return Integrated(self.plate.name, states, outcomes, numbers)

    def _numbers(self, state: RandomVariable) -> list[Number]:
        event = state.type.event
        return [(state.name, i) for i in range(self.bound.size(event[0]))] if event else [(state.name, None)]

    def _is_state(self, state: RandomVariable) -> bool:
        is_asked = state.family is not None or state.block is not None or state.form is not None
        return not is_asked and len(state.type.event) <= 1 and all(map(self._is_normal, laws_of(state)))

    def _is_outcome(self, outcome: RandomVariable) -> bool:
        chain, plate = self.plate.name, outcome.plate
        if plate is None or not self.ir.is_within(plate, chain):
            return False
        few = _rows(self.axes, chain, plate).max(initial=0) <= MOST_ROWS
        return few and outcome.censoring is None and not outcome.type.event and self._is_normal(outcome)

    def _is_normal(self, variable: RandomVariable) -> bool:
        """Whether a law is normal, with a mean that is linear in the states and an sd that is free of them."""
        if variable.law != "normal" or variable.bounds != UNBOUNDED:
            return False
        mean, sd = variable.arguments
        return self._is_linear(mean) and self._is_free(sd)

    def _is_linear(self, expr: Expr) -> bool:
        """Whether it is a sum of states times what is free, and of what is free."""
        return all(self._is_term(node) for node, _ in addends(self.ir, expr))

    def _is_term(self, node: Expr) -> bool:
        if not self.reading.mentions(node):
            return self._is_free(node)
        match node:
            case LatentRef() | Previous():
                return True
            case Call(function="multiply" | "dot_product", arguments=(left, right)):
                free, rest = (right, left) if self.reading.mentions(left) else (left, right)
            case Call(function="divide", arguments=(rest, free)):
                pass
            case Call(function="sum", arguments=(rest,)) | Gather(value=rest, index=Constant()):
                return self._is_linear(rest)
            case _:
                return False
        return self._is_free(free) and self._is_linear(rest)

    def _is_free(self, expr: Expr) -> bool:
        """Whether it reads data and latents around the chain alone."""
        return latents_in(self.ir, [expr]) <= self.around
