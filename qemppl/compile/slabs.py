"""Slabs: the members of a plate, with all that lies below them, that are computed and summed out together.

Members of a plate meet only in the particles of the latents above it. So their tables need not exist at once: slab after slab is
computed, summed out and added to the messages of the trunk, which is everything above the plates that are cut. A slab that fits into
the cache is also faster than one pass after another over all members.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.eliminate import Elimination, Step
from qemppl.compile.layout import Axes
from qemppl.compile.program import Program

CACHE_ENTRIES = 1 << 20
"""Entries of the tables of a slab: eight megabytes, so that they stay in the cache from the density to the message."""

CHAIN_ENTRIES = 8
"""Times as many where chains are summed out: their steps are taken one after another, so several chains at once cost less."""

Members = Mapping[str | None, slice]
"""The members of each axis that a slab has; axes that it does not name are not cut, and the root (None) is none of them."""


@dataclass(frozen=True)
class Slab:
    """Some members of a cut plate and of all axes below it, and the program of their tables."""

    members: Members
    program: Program


def cut_axes(slabs: Iterable[Members]) -> set[str | None]:
    """The axes that slabs cut."""
    return {axis for members in slabs for axis in members}


def choose_slabs(
    axes: Axes, elimination: Elimination, particles: Mapping[str, int], entries: int
) -> tuple[Members, ...]:
    """Cuts every tree of plates at the first plate whose members are narrow enough. entries: what the tables of a slab may have."""
    by_plate: dict[str, int] = {}
    for step in elimination.steps:
        if step.plate is not None:
            by_plate[step.plate] = by_plate.get(step.plate, 0) + _entries(step, particles)
    tree = _Tree(axes, by_plate, {step.plate for step in elimination.steps if step.states}, entries)
    return tuple(slab for plate in axes.below(None) for slab in tree.cut(plate))


def _entries(step: Step, particles: Mapping[str, int]) -> int:
    """What a step of a slab has in the cache for one member: its tables, and its message."""
    return step.entries(particles) + step.remaining(particles)


@dataclass(frozen=True)
class _Tree:
    """Plates to cut. by_plate: entries of one member. chains: plates whose members are summed out together. entries: of a slab."""

    axes: Axes
    by_plate: Mapping[str, int]
    chains: Collection[str | None]
    entries: int

    def cut(self, plate: str) -> list[Members]:
        """The slabs of the tree below one plate, the plate included unless it is a chain."""
        axes = self.axes
        deeper = [slab for child in axes.below(plate) for slab in self.cut(child)] if self._is_wide(plate) else []
        if deeper or plate in self.chains:
            return deeper
        inside = self._inside(plate)
        if not any(axis in self.by_plate for axis in inside):
            return []  # nothing is summed out here
        has_chains = any(axis in self.chains for axis in inside)
        ends = _ends(self._cost(plate), self.entries * (CHAIN_ENTRIES if has_chains else 1))
        return [
            {axis: _below(axes, axis, plate, start, stop) for axis in inside}
            for start, stop in zip([0, *ends[:-1]], ends, strict=True)
        ]

    def _inside(self, plate: str) -> list[str]:
        return [plate, *(axis for axis in self.axes.descendants(plate) if self.axes.is_sorted(axis, plate))]

    def _is_wide(self, plate: str) -> bool:
        """Whether what is below the plate is to be cut instead: where a member is too wide, or where the plate is a chain. The members of
        a chain below it, however long, are not."""
        below = {child: self._inside(child) for child in self.axes.below(plate)}
        if any(child in self.chains for child in below) and plate not in self.chains:
            return False
        return plate in self.chains or bool(self._cost(plate).max(initial=0) > self.entries)

    def _cost(self, plate: str) -> NDArray[np.float64]:
        """(member,) entries of a member and all that is below it."""
        cost = np.zeros(self.axes.size(plate))
        for axis in self._inside(plate):
            if axis in self.by_plate:
                parents = np.arange(len(cost)) if axis == plate else self.axes[axis].parents[plate]
                cost += self.by_plate[axis] * np.bincount(parents, minlength=len(cost))
        return cost


def _ends(cost: NDArray[np.float64], entries: int) -> list[int]:
    """Where each slab ends: as many members as have so many entries, at least one."""
    total = cost.cumsum()
    ends: list[int] = []
    while not ends or ends[-1] < len(cost):
        begin = ends[-1] if ends else 0
        spent = total[begin - 1] if begin else 0.0
        ends.append(max(int(np.searchsorted(total, spent + entries, side="right")), begin + 1))
    return ends


def _below(axes: Axes, axis: str, plate: str, start: int, stop: int) -> slice:
    """The members of an axis whose ancestors are the members start .. stop of the plate; children are sorted by parent."""
    if axis == plate:
        return slice(start, stop)
    first, last = np.searchsorted(axes[axis].parents[plate], [start, stop])
    return slice(int(first), int(last))


def slice_program(program: Program, axes: Axes, members: Members, owners: Mapping[int, tuple[str, str]]) -> Program:
    """The same program on the members of a slab. owners: by slot of a position of ancestors, the axes of member and ancestor."""
    constants = {}
    for slot, value in program.constants.items():
        axis = program.layouts[slot].plate
        if axis not in members or value.shape[0] != axes.size(axis):
            constants[slot] = value
            continue
        cut = value[members[axis]]
        _, upper = owners.get(slot, (None, None))
        constants[slot] = cut - members[upper].start if upper in members else cut
    levels = tuple(replace(level, size=_size(axes, level.axis, members)) for level in program.levels)
    shapes = {key: (_size(axes, key[0], members), *shape[1:]) for key, shape in program.table_shapes.items()}
    return replace(program, constants=constants, levels=levels, table_shapes=shapes, members=members)


def _size(axes: Axes, axis: str | None, members: Members) -> int:
    return members[axis].stop - members[axis].start if axis in members else axes.size(axis)
