"""How many particles each group gets: what keeps the variance of log Zhat small within a budget.

An iteration costs the product of the particle numbers that meet in one log-density, for each of its rows. Where rows are few, that is
little, and every group grows until the budget is spent: first all together, then the latents of plates alone, then the global ones.
Where rows are many, every group gets the fewest particles that serve:
  - a latent alone at each member of a plate is integrated on a grid (numerics/quasi.py). With eight points, log Zhat of a logistic or
    Poisson group has an sd of 1e-4, so that those of 100,000 groups add up to 0.05. This takes a posterior of the global latents that is
    narrow beside that of the member, and many members make it so;
  - two or more at each member are integrated with quasi-random points, whose error falls more slowly: at least 16 or 32;
  - global latents need some points in every direction: eight for each coordinate, at least 16.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from qemppl.compile.groups import Group

BUDGET = 1 << 20
"""Entries of all log-density tables that an iteration should compute: some milliseconds."""
OVERRUN = 2
"""A first guess that costs this many budgets is shrunk."""
LEAST_LOCAL, MOST_LOCAL = (8, 16, 32), 128
"""The least by dimension, the last for all higher ones."""
LEAST_GLOBAL, MOST_GLOBAL = 16, 512

Cost = Callable[[Mapping[str, int]], int]


@dataclass(frozen=True)
class Choice:
    """particles: K by group, and the number of states of each enumerated latent. why: of the numbers, in a few words. is_asked: whether
    they were asked for."""

    particles: Mapping[str, int]
    why: str
    is_asked: bool = False


def choose_particles(
    groups: Sequence[Group], cost: Cost, states: Mapping[str, int], override: int | Mapping[str, int] | None
) -> Choice:
    """K of every group. cost: entries of all log-density tables at given numbers. states: of each enumerated latent, which are its
    particles. override: K for every group, or by group, instead."""
    if isinstance(override, int):
        return Choice({group.name: override for group in groups} | dict(states), "asked for with --particles", True)
    if override is not None:
        return Choice(
            {group.name: override[group.name] for group in groups} | dict(states), "more, to resolve scales near 0"
        )
    particles = {group.name: _first_guess(group) for group in groups} | dict(states)
    on_plates = [group for group in groups if group.plate is not None]
    at_root = [group for group in groups if group.plate is None]
    for growing in (groups, on_plates, at_root):
        while cost(grown := _scaled(particles, growing, 2)) <= BUDGET and grown != particles:
            particles = grown
    while cost(particles) > OVERRUN * BUDGET and (shrunk := _scaled(particles, groups, 0.5)) != particles:
        particles = shrunk
    return Choice(particles, _why(groups, particles, cost(particles)))


def _first_guess(group: Group) -> int:
    if group.plate is None:
        return max(64, 16 * group.dimension)
    return 16 * min(group.dimension, 4)


def _scaled(particles: Mapping[str, int], groups: Collection[Group], factor: float) -> dict[str, int]:
    """Some numbers multiplied, within their bounds."""
    bounds = {group.name: _bounds(group) for group in groups}
    scaled = {name: min(max(int(particles[name] * factor), least), most) for name, (least, most) in bounds.items()}
    return {**particles, **scaled}


def _bounds(group: Group) -> tuple[int, int]:
    if group.plate is None:
        return max(LEAST_GLOBAL, 8 * group.dimension), max(MOST_GLOBAL, 25 * group.dimension)
    return LEAST_LOCAL[min(group.dimension, len(LEAST_LOCAL)) - 1], MOST_LOCAL


def _why(groups: Sequence[Group], particles: Mapping[str, int], cost: int) -> str:
    if all(particles[group.name] == _bounds(group)[1] for group in groups):
        return "as many as are of use"
    if cost <= OVERRUN * BUDGET:
        return f"as many as a budget of {BUDGET:,} log-densities an iteration allows"
    return f"the fewest that serve: even these need more than {BUDGET:,} log-densities an iteration"
