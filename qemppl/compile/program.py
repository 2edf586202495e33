"""A compiled program: straight-line tensor instructions, run level by level down the plates.

All instructions of one member axis form a level. A level runs in blocks of members small enough for the cache (and for the memory
budget); what deeper levels read is kept whole, and every log-density is summed at once to the axis where it is needed.
Nothing is looked up by name or aligned while it runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from qemppl.compile.layout import Layout
from qemppl.numerics.lazy import torch

TableKey = tuple[str | None, tuple[str, ...]]
"""A table of log-factors: its plate axis and its particle groups, in order."""
Tables = dict[TableKey, "torch.Tensor"]

VIEW = "view"
BY_CHAIN = "chains:"


@dataclass(frozen=True)
class Instruction:
    """`target = operation(*sources)`. Slots number the values of a program."""

    target: int
    operation: str
    apply: Callable[..., torch.Tensor]
    sources: tuple[int, ...]
    layout: Layout

    @property
    def is_view(self) -> bool:
        """Whether it only gives its source other axes: the result takes no memory."""
        return self.operation.startswith(VIEW)

    @property
    def is_by_chain(self) -> bool:
        """Whether it needs all members of a chain at once, and gives one row for each chain instead of each member."""
        return self.operation.startswith(BY_CHAIN)


@dataclass(frozen=True)
class FactorOutput:
    """A log-density and the table it is added into.

    slot: axes (member, *particles, *event). home: the deepest plate axis among the groups of its particles. ancestor: slot of the
    home member of each member, (member,), None where home is the factor's own axis or the root. begins: slot of 1 at the first member of
    each chain, (member,), where these have a row each; None where members have. is_first: of those of its table. is_alone: whether
    nothing else reads the slot.
    """

    site: str
    slot: int
    layout: Layout
    home: str | None
    ancestor: int | None
    begins: int | None
    is_first: bool
    is_alone: bool

    @property
    def is_at_home(self) -> bool:
        """Whether its members are those of its table."""
        return self.home == self.layout.plate

    @property
    def key(self) -> TableKey:
        return self.home, self.layout.groups


@dataclass(frozen=True)
class Level:
    """The instructions of one member axis. outside: slots on this axis that are constants or particles; exports: read further down."""

    axis: str | None
    size: int
    outside: tuple[int, ...]
    instructions: tuple[Instruction, ...]
    last_uses: tuple[tuple[int, ...], ...]
    exports: tuple[int, ...]
    factors: tuple[FactorOutput, ...]
    block: int


@dataclass(frozen=True)
class Program:
    """What is computed once an iteration: from particles to log-factor tables.

    constants: values by slot. inputs: slot of the particles of each latent. previous: by latent, that of its particles one step before,
    with the position of that step, (member,). given: slots whose values come from another program.
    layouts: by slot. table_shapes: (member, *particles) of every table. members: of the axes that are cut, which ones it computes.
    """

    constants: Mapping[int, torch.Tensor]
    inputs: Mapping[str, int]
    previous: Mapping[str, tuple[int, torch.Tensor]]
    given: tuple[int, ...]
    layouts: tuple[Layout, ...]
    levels: tuple[Level, ...]
    table_shapes: Mapping[TableKey, tuple[int, ...]]
    dtype: torch.dtype
    device: str
    members: Mapping[str | None, slice] = field(default_factory=dict)

    def fill(
        self,
        tables: Tables,
        particles: Mapping[str, torch.Tensor],
        given: Sequence[torch.Tensor] = (),
        slots: Sequence[int] = (),
    ) -> list[torch.Tensor]:
        """Sums log-factors into tables by home axis and groups, in place of what these hold; returns the values of some outputs.

        tables: of `table_shapes`; an entry may be replaced by another tensor. particles: (member, particle, *event) by latent, of all
        members. given: the values of the slots `given`.
        """
        for factor in (factor for level in self.levels for factor in level.factors):
            if factor.is_first and not factor.is_at_home:
                tables[factor.key].zero_()

        def collect(factor: FactorOutput, block: slice, values: dict[int, torch.Tensor]) -> None:
            density = _sum_event(values[factor.slot], factor.layout)
            table = tables[factor.key]
            if factor.is_at_home and factor.is_first and factor.is_alone and density.shape == table.shape:
                tables[factor.key] = density  # all members at once: no need for a copy
            elif factor.is_at_home and factor.is_first:
                table[block] = density
            elif factor.is_at_home:
                table[block] += density
            elif factor.home is None:
                table += density.sum(0, keepdim=True)
            else:
                assert factor.ancestor is not None
                ancestor = values[factor.ancestor]
                if factor.begins is not None:
                    ancestor = ancestor[values[factor.begins] > 0]
                add_to_ancestors(table, ancestor, density)

        environment = self._run(particles, given, collect)
        return [environment[slot] for slot in slots]

    def densities(
        self, particles: Mapping[str, torch.Tensor], totals: frozenset[str] = frozenset(), slots: Sequence[int] = ()
    ) -> tuple[dict[str, torch.Tensor], list[torch.Tensor]]:
        """The log-density of every site, event axes summed: (member, *particles), (member, 1) for a site without latents.

        totals: sites of which only the sum over members is kept, (1, *particles). slots: outputs whose values come along.
        """
        parts: dict[str, list[torch.Tensor]] = {}

        def collect(factor: FactorOutput, block: slice, values: dict[int, torch.Tensor]) -> None:
            density = _sum_event(values[factor.slot], factor.layout)
            density = density if factor.layout.groups else density[:, None]
            if factor.site in totals:
                density = density.sum(0, keepdim=True)
                parts[factor.site] = [parts[factor.site][0] + density] if factor.site in parts else [density]
            else:
                parts.setdefault(factor.site, []).append(density)

        environment = self._run(particles, (), collect)
        return {site: torch.cat(part) for site, part in parts.items()}, [environment[slot] for slot in slots]

    def _run(
        self,
        particles: Mapping[str, torch.Tensor],
        given: Sequence[torch.Tensor],
        collect: Callable[[FactorOutput, slice, dict[int, torch.Tensor]], None],
    ) -> dict[int, torch.Tensor]:
        environment = dict(self.constants) | dict(zip(self.given, given, strict=True))
        for name, slot in self.inputs.items():
            if name in particles:
                environment[slot] = particles[name][self.members.get(self.layouts[slot].plate, slice(None))]
        for name, (slot, step) in self.previous.items():
            environment[slot] = particles[name][step[self.members.get(self.layouts[slot].plate, slice(None))]]
        for level in self.levels:
            kept: list[list[torch.Tensor]] = [[] for _ in level.exports]
            for block in _blocks(level.size, level.block):
                values = _run_block(level, block, environment)
                for factor in level.factors:
                    collect(factor, block, values)
                for slot, parts in zip(level.exports, kept, strict=True):
                    parts.append(values[slot])
            for slot, parts in zip(level.exports, kept, strict=True):
                environment[slot] = parts[0] if len(parts) == 1 else torch.cat(parts)
        return environment


def _blocks(size: int, block: int) -> Iterator[slice]:
    """At least one, so that what has no members has the shape of its other axes."""
    return (slice(start, min(start + block, size)) for start in range(0, max(size, 1), max(block, 1)))


def _run_block(level: Level, block: slice, environment: dict[int, torch.Tensor]) -> dict[int, torch.Tensor]:
    """Values of the level's slots for one block of members."""
    values = dict(environment)
    if level.axis is not None and level.block < level.size:
        values |= {slot: environment[slot][block] for slot in level.outside if environment[slot].shape[0] != 1}
    for instruction, spent in zip(level.instructions, level.last_uses, strict=True):
        values[instruction.target] = instruction.apply(*[values[slot] for slot in instruction.sources])
        for slot in spent:
            del values[slot]
    return values


def _sum_event(density: torch.Tensor, layout: Layout) -> torch.Tensor:
    """(member, *particles, *event) -> (member, *particles)."""
    event = tuple(range(1 + len(layout.groups), density.dim()))
    return density.sum(event) if event else density


def add_to_ancestors(table: torch.Tensor, ancestor: torch.Tensor, values: torch.Tensor) -> None:
    """Plate sum: table[ancestor[n]] += values[n]. ancestor: (member,); table and values: (member, *particles)."""
    table.index_add_(0, ancestor, values)


def cells_per_member(sizes: Mapping[str, int], layout: Layout) -> int:
    """Number of entries of a value for one member."""
    return math.prod(sizes[group] for group in layout.groups) * math.prod(layout.event)
