"""From instructions to programs: which are needed where, level by level, in blocks."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from qemppl.compile.builder import Builder
from qemppl.compile.layout import Layout
from qemppl.compile.program import FactorOutput, Instruction, Level, Program, TableKey, cells_per_member

BLOCK_ENTRIES = 1 << 20
"""Entries of one temporary that a block may have: eight megabytes, so that consecutive passes over it stay in the cache."""
LIVE_TEMPORARIES = 4
"""Temporaries of a log-density's size that are alive at once, as a bound for the memory estimate."""


@dataclass(frozen=True)
class Task:
    """What to compute. factors: log-densities (site, slot). outputs: slots whose values are kept. given: slots that come from outside."""

    factors: Sequence[tuple[str, int]]
    outputs: Sequence[int] = ()
    given: Sequence[int] = ()


def assemble(
    builder: Builder, task: Task, particles: Mapping[str, int], homes: Mapping[str, str | None], memory: int
) -> Program:
    """The program of a task. particles, homes: number and plate of every particle dim. memory: bytes that blocks may take."""
    sites: dict[str | None, list[FactorOutput]] = {}
    shapes: dict[TableKey, tuple[int, ...]] = {}
    instructions = needed_for(builder, [*(slot for _, slot in task.factors), *task.outputs], task.given)
    sources = (source for instruction in instructions for source in instruction.sources)
    readers = Counter([*(slot for _, slot in task.factors), *sources, *task.outputs])
    made = {instruction.target for instruction in instructions if not instruction.is_view}
    by_chain = {instruction.target for instruction in instructions if instruction.is_by_chain}
    for site, slot in task.factors:
        layout = builder.layouts[slot]
        home = home_of(builder, layout, homes)
        ancestor = None if home in (None, layout.plate) else builder.ancestors(layout.plate or "", home or "")
        is_first = (home, layout.groups) not in shapes
        is_alone = slot in made and readers[slot] == 1
        begins = builder.is_first_step(layout.plate) if layout.plate and slot in by_chain else None
        factor = FactorOutput(site, slot, layout, home, ancestor, begins, is_first, is_alone)
        sites.setdefault(layout.plate, []).append(factor)
        shapes[factor.key] = (builder.axes.size(home), *(particles[group] for group in layout.groups))
    viewed = {i.target: i.sources[0] for i in instructions if i.is_view}

    def cells(slot: int) -> int:
        return cells_per_member(particles, builder.layouts[viewed.get(slot, slot)])

    def block_of(level: Sequence[Instruction], factors: Sequence[FactorOutput]) -> int:
        if any(i.is_by_chain for i in level):
            return sys.maxsize  # chains are not cut
        computed = [i for i in level if not i.is_view]
        results = [cells(slot) for slot in (*(i.target for i in computed), *(f.slot for f in factors))]
        # what is at the root is not cut
        own = [[s for s in i.sources if builder.layouts[s].plate is not None] for i in computed]
        operands = [sum(map(cells, sources)) // LIVE_TEMPORARIES for sources in own]  # all of them are alive at once
        return max(1, block_entries(memory) // max([1, *results, *operands]))

    levels = []
    for axis in sorted(dict.fromkeys([*(i.layout.plate for i in instructions), *sites]), key=builder.axes.depth):
        here = [i for i in instructions if i.layout.plate == axis]
        factors = sites.get(axis, [])
        below = {s for i in instructions if i.layout.plate != axis for s in i.sources} | set(task.outputs)
        block = min(block_of(here, factors), builder.axes.size(axis))
        levels.append(_level(builder, axis, (here, factors, below), block))
    return Program(
        constants=builder.constants,
        inputs=builder.inputs,
        previous=builder.previous,
        given=tuple(task.given),
        layouts=tuple(builder.layouts),
        levels=tuple(levels),
        table_shapes=shapes,
        dtype=builder.dtype,
        device=builder.device,
    )


def block_entries(memory: int) -> int:
    """Entries of one temporary of a block. memory: bytes that the fit may take."""
    return max(min(BLOCK_ENTRIES, memory // (8 * 4 * LIVE_TEMPORARIES)), 1)


def chain_entries(builder: Builder, particles: Mapping[str, int], members: Mapping[str | None, int]) -> int:
    """Entries of what whole chains are computed from, all steps at once. members: of the axes that are cut, how many of a slab."""
    viewed = {i.target: i.sources[0] for i in builder.instructions if i.is_view}
    entries = 0
    for whole in (instruction for instruction in builder.instructions if instruction.is_by_chain):
        read = {viewed.get(source, source) for source in whole.sources} - builder.constants.keys()
        layouts = [layout for slot in read if (layout := builder.layouts[slot]).plate == whole.layout.plate]
        size = members.get(whole.layout.plate, builder.axes.size(whole.layout.plate))
        entries += size * sum(cells_per_member(particles, layout) for layout in (*layouts, whole.layout))
    return entries


def home_of(builder: Builder, layout: Layout, homes: Mapping[str, str | None]) -> str | None:
    """The deepest plate among those of a log-density's particles: where its members are added up."""
    return builder.axes.deepest([homes[group] for group in layout.groups])


def needed_for(builder: Builder, slots: Collection[int], given: Collection[int] = ()) -> list[Instruction]:
    """The instructions that the slots depend on, in order, those behind `given` slots left out."""
    wanted = set(slots) - set(given)
    chosen = []
    for instruction in reversed(builder.instructions):
        if instruction.target in wanted:
            chosen.append(instruction)
            wanted.update(source for source in instruction.sources if source not in given)
    return chosen[::-1]


def split(
    builder: Builder, factors: Sequence[tuple[str, int]], homes: Mapping[str, str | None], cut: Collection[str | None]
) -> tuple[Task, Task]:
    """The task of the trunk, and that of the slabs, which takes from it what it needs of the axes that are not cut."""
    inside = [f for f in factors if home_of(builder, builder.layouts[f[1]], homes) in cut]
    outside = [f for f in factors if f not in inside]
    made = needed_for(builder, [slot for _, slot in inside])
    above = {i.target for i in made if i.layout.plate not in cut}
    wanted = {slot for _, slot in inside} | {s for i in made if i.layout.plate in cut for s in i.sources}
    given = tuple(sorted(above & wanted))
    return Task(outside, outputs=given), Task(inside, given=given)


def _level(
    builder: Builder,
    axis: str | None,
    work: tuple[Sequence[Instruction], Sequence[FactorOutput], Collection[int]],
    block: int,
) -> Level:
    """work: the level's instructions, its factors, and the slots that are read elsewhere."""
    instructions, factors, below = work
    made = {i.target for i in instructions}
    exports = tuple(sorted(made & set(below)))
    kept = {*exports, *(factor.slot for factor in factors)}
    last_use = {source: n for n, i in enumerate(instructions) for source in i.sources}
    last_uses = tuple(
        tuple(s for s in dict.fromkeys(i.sources) if last_use[s] == n and s in made and s not in kept)
        for n, i in enumerate(instructions)
    )
    used = {s for i in instructions for s in i.sources} | {f.slot for f in factors}
    used |= {slot for f in factors for slot in (f.ancestor, f.begins) if slot is not None}
    outside = tuple(sorted(slot for slot in used - made if builder.layouts[slot].plate == axis))
    size = builder.axes.size(axis)
    return Level(axis, size, outside, tuple(instructions), last_uses, exports, tuple(factors), block)
