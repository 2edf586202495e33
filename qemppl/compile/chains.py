"""Chains: plates whose latents depend on their own values one step before.

`prev(x)` has the particles of x one step before, and a particle dim of its own for them: the log-factor of a transition is a table of
every pair. A chain's states are the particle dims that its transitions reach back to; they are summed out together, by a step of its own
kind, once everything else at the chain's plate and below is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.layout import Layout
from qemppl.data.bound import BoundModel
from qemppl.data.chain_steps import at_first_step, first_steps
from qemppl.distributions.registry import LAWS
from qemppl.ir.model import ModelIR, RandomVariable, before, reached_back


@dataclass(frozen=True)
class Chain:
    """A chain with states. parent: the plate of whose members each has a chain, None: one chain. states: particle dims."""

    plate: str
    parent: str | None
    states: tuple[str, ...]

    @property
    def previous(self) -> tuple[str, ...]:
        """The dims of the states one step before."""
        return tuple(map(before, self.states))


def laws_of(variable: RandomVariable) -> tuple[RandomVariable, ...]:
    """The latent under the law of its first step and under that of later ones; under its only one, where there are no two."""
    later = replace(variable, initial=None)
    return (later,) if variable.initial is None else (at_first_step(variable), later)


def ends_of(variable: RandomVariable) -> tuple[float, float]:
    """The least and the largest value that its law, or one of its laws, supports."""
    supports = [LAWS[each.law].support for each in laws_of(variable)]
    return min(support.lower for support in supports), max(support.upper for support in supports)


def find_chains(ir: ModelIR, layouts: Mapping[str, Layout]) -> tuple[Chain, ...]:
    """The chains with states, in the order of the plates. layouts: where the particles of every latent are kept."""
    states: dict[str, dict[str, None]] = {}
    reached = _reached(ir)
    for variable in ir.latents:
        if variable.name in reached and variable.name in layouts and variable.plate is not None:
            states.setdefault(variable.plate, {}).update(dict.fromkeys(layouts[variable.name].groups))
    return tuple(Chain(p.name, p.parent, tuple(states[p.name])) for p in ir.plates if p.name in states)


def previous_layouts(ir: ModelIR, layouts: Mapping[str, Layout], *, shared: bool = False) -> dict[str, Layout]:
    """Where the particles of latents one step before are kept, by `before` of their names. shared: whether all have one particle dim."""
    found = {}
    for name in sorted(_reached(ir) & layouts.keys()):
        own = layouts[name]
        groups = own.groups if shared else tuple(map(before, own.groups))
        found[before(name)] = Layout(own.plate, groups, own.event)
    return found


def with_previous(particles: Mapping[str, int], chains: Sequence[Chain]) -> dict[str, int]:
    """The number of particles of every dim, those of the states one step before included."""
    return {**particles, **{before(state): particles[state] for chain in chains for state in chain.states}}


def steps_before(bound: BoundModel, chain: str) -> NDArray[np.int64]:
    """(member,) the position of the step before; of a first step, its own."""
    return np.arange(bound.count(chain)) - ~first_steps(bound, chain)


def _reached(ir: ModelIR) -> set[str]:
    """The latents that some law reaches back to."""
    return reached_back(argument for variable in ir.latents for argument in variable.arguments)
