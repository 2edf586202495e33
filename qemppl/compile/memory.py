"""What a fit keeps in memory, and in what slabs it works so that this is less than it may use."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from qemppl.compile.assemble import LIVE_TEMPORARIES, block_entries
from qemppl.compile.eliminate import Elimination
from qemppl.compile.groups import Group
from qemppl.compile.layout import Axes, Target
from qemppl.compile.precision import single_entries, single_precision
from qemppl.compile.slabs import CACHE_ENTRIES, Members, choose_slabs, cut_axes
from qemppl.numerics.lazy import torch

COPIES = 3
"""Of a table of the trunk: its log-factors, and what a step makes of them at beta = 1 and in trials of other betas. The slabs share one
room for their log-factors."""
MESSAGES = 3
"""Numbers kept for each entry of a message: the sum, its logarithm, and what flows back through it."""
PER_PARTICLE = 8
"""Numbers kept for each particle beside its coordinates: densities, weights, tails."""


@dataclass(frozen=True)
class Memory:
    """The slabs, whether the tables of all of them are kept, and the bytes that this needs. single_error: as in the plan."""

    slabs: tuple[Members, ...]
    is_kept: bool
    needed: int
    single_error: float | None = None


def plan_memory(
    axes: Axes, groups: Sequence[Group], elimination: Elimination, particles: Mapping[str, int], target: Target
) -> Memory:
    """Slabs that fit into the cache. Their tables are kept where there is room, else computed whenever they are read."""
    width = torch.finfo(target.dtype).bits // 8
    numbers = target.memory // width
    fixed = sum(axes.size(group.plate) * particles[group.name] * (group.dimension + PER_PARTICLE) for group in groups)
    fixed += LIVE_TEMPORARIES * block_entries(target.memory)
    every = elimination.entries(axes, particles)
    if "slabs" not in target.passes:
        return Memory((), True, width * (fixed + COPIES * every))
    room = max(numbers - fixed - COPIES * _trunk(axes, elimination, particles, ()), 1)
    # half of the room: exponentials may need as much again
    slabs = choose_slabs(axes, elimination, particles, min(CACHE_ENTRIES, room // 2 // MESSAGES))
    trunk = _trunk(axes, elimination, particles, slabs)
    cut = cut_axes(slabs)
    is_single = "single" in target.passes and target.dtype == torch.float64
    error = single_precision(elimination, cut, axes, particles) if is_single else None
    worked_on = fixed + COPIES * trunk + _widest(elimination, particles, slabs)
    single = 0 if error is None else single_entries(elimination, cut, axes, particles)
    kept = every - trunk - single // 2 + _messages(axes, elimination, particles, cut)
    if worked_on + kept <= numbers:
        return Memory(slabs, True, width * (worked_on + kept), error)
    room = 0 if error is None else _widest(elimination, particles, slabs)
    return Memory(slabs, False, width * (worked_on + room), error)


def _trunk(axes: Axes, elimination: Elimination, particles: Mapping[str, int], slabs: Sequence[Members]) -> int:
    """Entries of the tables of what is not cut; without slabs, those of the root."""
    cut = cut_axes(slabs)
    own = (step for step in elimination.steps if (step.plate not in cut if slabs else step.plate is None))
    return sum(axes.size(step.plate) * step.entries(particles) for step in own)


def _messages(axes: Axes, elimination: Elimination, particles: Mapping[str, int], cut: Collection[str | None]) -> int:
    """Entries of the sums that steps of cut plates leave behind."""
    return sum(axes.size(step.plate) * step.remaining(particles) for step in elimination.steps if step.plate in cut)


def _widest(elimination: Elimination, particles: Mapping[str, int], slabs: Sequence[Members]) -> int:
    """Entries of the tables of the widest slab, and of its messages."""

    def entries(members: Members) -> int:
        own = ((members[step.plate], step) for step in elimination.steps if step.plate in members)
        return sum((m.stop - m.start) * (s.entries(particles) + MESSAGES * s.remaining(particles)) for m, s in own)

    return max(map(entries, slabs), default=0)
