"""Discrete latents: the values that one can take, and the latents that are summed over exactly.

A particle of an enumerated latent stands for each of its values, so the sum over particles is the sum over values: nothing is
sampled, and the evidence has no variance from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.chains import laws_of
from qemppl.compile.layout import Layout
from qemppl.data.bound import BoundModel
from qemppl.data.evaluate import Evaluator
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.distributions.registry import LAWS
from qemppl.ir.model import UNBOUNDED, Expr, RandomVariable, ValueType

MOST_STATES = 1000
"""Values of one discrete latent that are worth summing over."""


@dataclass(frozen=True)
class Enumeration:
    """A discrete latent whose particles are all its values, the same for every member. values: (state,), ascending."""

    variable: RandomVariable
    values: NDArray[np.float64]

    @property
    def name(self) -> str:
        return self.variable.name

    @property
    def plate(self) -> str | None:
        return self.variable.plate

    @property
    def layout(self) -> Layout:
        return Layout(self.plate, (self.name,))


def find_enumerations(bound: BoundModel) -> tuple[Enumeration, ...]:
    """The enumerated latents of a model. Raises DiagnosticsError (RESOURCE) for one with too many values."""
    found, diagnostics = [], []
    for variable in bound.ir.latents:
        if not variable.enumerated:
            continue
        states = states_of(bound, variable)
        if states is None or len(states) > MOST_STATES:
            diagnostics.append(_too_many(variable, None if states is None else len(states)))
        else:
            found.append(Enumeration(variable, states))
    if diagnostics:
        raise DiagnosticsError(diagnostics, Stage.RESOURCE)
    return tuple(found)


def states_of(bound: BoundModel, variable: RandomVariable) -> NDArray[np.float64] | None:
    """The whole numbers that some member can have; None if there are infinitely many."""
    least, most = limits_of(bound, variable)
    low, high = least.min(), most.max()
    return np.arange(low, high + 1, dtype=np.float64) if np.isfinite(high - low) else None


def cuts_states(bound: BoundModel, variable: RandomVariable) -> bool:
    """Whether declared bounds leave out values of the law."""
    own = limits_of(bound, replace(variable, bounds=UNBOUNDED))
    return not all(map(np.array_equal, limits_of(bound, variable), own))


def limits_of(bound: BoundModel, variable: RandomVariable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and the largest value between the ends of the law, or laws, and of the declaration: (member, *event), both."""
    if variable.initial is not None:
        first, later = (limits_of(bound, law) for law in laws_of(variable))
        return np.minimum(first[0], later[0]), np.maximum(first[1], later[1])
    law, evaluator = LAWS[variable.law], Evaluator(bound)
    by_name = dict(zip((a.name for a in law.arguments), variable.arguments, strict=True))
    kind = ValueType("int", variable.type.event, variable.plate)
    shape = (bound.count(variable.plate), *(bound.size(size) for size in kind.event))

    def end(expr: Expr | None, otherwise: float) -> NDArray[np.float64]:
        """An end by member; without it, `otherwise`. The language lets it depend on data only."""
        value = None if expr is None else evaluator.evaluate(expr)
        if expr is None or value is None:
            return np.full(shape, otherwise)
        aligned = np.asarray(evaluator.align(value, expr.type, kind))
        return np.broadcast_to(aligned if variable.plate else aligned[None], shape)

    least = np.maximum(
        end(by_name[law.least] if law.least else None, law.support.lower), end(variable.bounds.lower, -inf)
    )
    most = np.minimum(end(by_name[law.most] if law.most else None, law.support.upper), end(variable.bounds.upper, inf))
    if law.categories is not None:
        argument, offset = law.categories
        most = np.minimum(most, bound.size(by_name[argument].type.event[-1]) + offset)
    return np.ceil(least), np.floor(most)


def _too_many(variable: RandomVariable, count: int | None) -> Diagnostic:
    number = "infinitely many" if count is None else f"{count}"
    return Diagnostic(
        code="QEM506",
        severity=Severity.ERROR,
        message=f"the discrete latent `{variable.name}` has {number} values; at most {MOST_STATES} can be summed over",
        span=variable.span,
        hint=f"give it closer bounds, such as `int<lower=0, upper=100> {variable.name} ~ ...;`",
    )
