"""The plan of a fit: groups, particle numbers, the tensor program and the elimination, with its cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from qemppl.compile.builder import Builder
from qemppl.compile.eliminate import Elimination, plan_elimination
from qemppl.compile.factors import density
from qemppl.compile.groups import Group, choose_groups
from qemppl.compile.layout import Axes, Layout
from qemppl.compile.program import FactorOutput, Level, Program, TableKey, cells_per_member
from qemppl.compile.simplify import Cells, find_cells, reduced_density
from qemppl.data.bound import BoundModel
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.ir.model import Plate
from qemppl.numerics.lazy import torch

CACHE_ENTRIES = 1 << 17
"""Entries of one temporary that a block may have: about a megabyte, so consecutive passes over it stay in the cache."""
BUDGET = 1 << 20
"""Entries of all log-density tables that an iteration should compute: some milliseconds."""
SMALLEST_LOCAL, LARGEST_LOCAL = 8, 128
LARGEST_GLOBAL = 512
STORED_DRAWS = 5
"""Draws in memory at once for each draw asked for: up to four to resample from, and the result."""
LIVE_TEMPORARIES = 4
"""Temporaries of a log-density's size that are alive at once, as a bound for the memory estimate."""


@dataclass(frozen=True)
class Target:
    """Where and how exactly to compute. memory: bytes that tables and temporaries may take."""

    dtype: torch.dtype
    device: str
    memory: int


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before the first iteration.

    particles: K by group. cells: observations reduced to sufficient statistics. flops: entries exponentiated by the elimination and
    computed by the densities, in one iteration. peak_bytes: tables and temporaries.
    """

    bound: BoundModel
    axes: Axes
    groups: tuple[Group, ...]
    particles: Mapping[str, int]
    cells: tuple[Cells, ...]
    program: Program
    elimination: Elimination
    flops: int
    peak_bytes: int
    target: Target


def make_plan(bound: BoundModel, target: Target, particles: int | None = None) -> Plan:
    """Plans a fit.

    particles: K for every group, instead of the planner's choice. Raises DiagnosticsError (RESOURCE) where even few particles do
    not fit into the memory, (DATA) where a plate has no members.
    """
    empty = [plate for plate in bound.ir.plates if bound.count(plate.name) == 0]
    if empty:
        raise DiagnosticsError([_without_members(plate) for plate in empty], Stage.DATA)
    axes = Axes(bound)
    groups = choose_groups(bound)
    latents = {part.variable.name: group.layout(part) for group in groups for part in group.parts}
    builder = Builder(bound, axes, latents, target.dtype, target.device)
    factors: list[tuple[str, int]] = []
    found: list[Cells] = []
    for variable in (*bound.ir.latents, *bound.ir.observations):
        cells = find_cells(bound, axes, variable) if variable.observed else None
        if cells is not None and cells.merged:
            found.append(cells)
        factors.append(
            (variable.name, density(builder, variable) if cells is None else reduced_density(builder, cells))
        )
    layouts = [builder.layouts[slot] for _, slot in factors]
    chosen = _choose_particles(groups, layouts, axes, particles)
    program = assemble(builder, factors, chosen, homes={g.name: g.plate for g in groups}, memory=target.memory)
    keys = dict.fromkeys([*program.table_shapes, *((group.plate, (group.name,)) for group in groups)])
    elimination = plan_elimination(tuple(keys), groups, axes, chosen)
    flops = _density_entries(layouts, axes, chosen) + elimination.entries(axes, chosen)
    peak = _peak_bytes(program, elimination, axes, chosen)
    if peak > target.memory:
        raise DiagnosticsError([_too_large(elimination, axes, chosen, peak, target.memory)], Stage.RESOURCE)
    return Plan(bound, axes, groups, chosen, tuple(found), program, elimination, flops, peak, target)


# Particle numbers.


def _choose_particles(
    groups: Sequence[Group], layouts: Sequence[Layout], axes: Axes, override: int | None
) -> dict[str, int]:
    """K of every group: a start by dimension, then doubled or halved together while the cost stays near the budget."""
    if override is not None:
        return {group.name: override for group in groups}
    particles = {group.name: _first_guess(group) for group in groups}
    while _density_entries(layouts, axes, grown := _scale(groups, particles, 2)) <= BUDGET and grown != particles:
        particles = grown
    while (
        _density_entries(layouts, axes, particles) > 2 * BUDGET
        and (shrunk := _scale(groups, particles, 0.5)) != particles
    ):
        particles = shrunk
    return particles


def _first_guess(group: Group) -> int:
    if group.plate is None:
        return max(64, 16 * group.dimension)
    return 16 * min(group.dimension, 4)


def _scale(groups: Sequence[Group], particles: Mapping[str, int], factor: float) -> dict[str, int]:
    scaled = {}
    for group in groups:
        least = max(16, 8 * group.dimension) if group.plate is None else SMALLEST_LOCAL
        most = max(LARGEST_GLOBAL, 25 * group.dimension) if group.plate is None else LARGEST_LOCAL
        scaled[group.name] = min(max(int(particles[group.name] * factor), least), most)
    return scaled


def _density_entries(layouts: Sequence[Layout], axes: Axes, particles: Mapping[str, int]) -> int:
    return sum(axes.size(layout.plate) * cells_per_member(particles, layout) for layout in layouts)


# Memory.


def _peak_bytes(program: Program, elimination: Elimination, axes: Axes, particles: Mapping[str, int]) -> int:
    """Tables, their exponentials, and the temporaries of the widest block."""
    width = torch.finfo(program.dtype).bits // 8
    tables = sum(prod(shape) for shape in program.table_shapes.values())
    blocks = max(
        level.block * max((cells_per_member(particles, i.layout) for i in level.instructions), default=1)
        for level in program.levels
    )
    return width * (tables + 2 * elimination.entries(axes, particles) + LIVE_TEMPORARIES * blocks)


def _without_members(plate: Plate) -> Diagnostic:
    return Diagnostic(
        code="QEM504",
        severity=Severity.ERROR,
        message=f"plate `{plate.name}` has no members, so nothing can be learned from it",
        span=plate.span,
        hint="check that its columns hold data",
    )


def _too_large(
    elimination: Elimination, axes: Axes, particles: Mapping[str, int], peak: int, memory: int
) -> Diagnostic:
    step = max(elimination.steps, key=lambda s: axes.size(s.plate) * prod(particles[g] for g in s.dims))
    where = f"at plate {step.plate}" if step.plate else "over the global latents"
    sizes = " x ".join([str(axes.size(step.plate)), *(str(particles[group]) for group in step.dims)])
    return Diagnostic(
        code="QEM501",
        severity=Severity.ERROR,
        message=f"the fit would need {_gib(peak)}, more than the {_gib(memory)} it may use",
        notes=(f"the widest table stands {where}: {' and '.join(step.dims)}, {sizes} numbers",),
        hint="allow more with --memory, or ask for fewer particles with --particles",
    )


def check_draws(plan: Plan, draws: int) -> None:
    """Raises DiagnosticsError (RESOURCE) where joint draws of every latent, with the spare ones, do not fit into the memory."""
    numbers = sum(plan.axes.size(group.plate) * group.dimension for group in plan.groups)
    size = STORED_DRAWS * draws * numbers * torch.finfo(plan.target.dtype).bits // 8
    if size > plan.target.memory:
        diagnostic = Diagnostic(
            code="QEM505",
            severity=Severity.ERROR,
            message=f"{draws} draws of {numbers} numbers would need {_gib(size)}, more than the {_gib(plan.target.memory)} they may use",
            hint="ask for fewer --draws, or allow more with --memory",
        )
        raise DiagnosticsError([diagnostic], Stage.RESOURCE)


def _gib(size: int) -> str:
    unit, name = next(((u, n) for u, n in ((2**30, "GiB"), (2**20, "MiB")) if size >= u), (2**10, "KiB"))
    return f"{size / unit:.1f} {name}"


# Programs.


def assemble(
    builder: Builder,
    factors: Sequence[tuple[str, int]],
    particles: Mapping[str, int],
    homes: Mapping[str, str | None],
    memory: int,
    outputs: Sequence[int] = (),
) -> Program:
    """The program that computes the factors (site, slot) and keeps the values of `outputs`."""
    sites: dict[str | None, list[FactorOutput]] = {}
    shapes: dict[TableKey, tuple[int, ...]] = {}
    for site, slot in factors:
        layout = builder.layouts[slot]
        home = builder.axes.deepest([homes[group] for group in layout.groups])
        own = home is None or home == layout.plate
        ancestor = None if own else builder.ancestors(layout.plate or "", home or "")
        sites.setdefault(layout.plate, []).append(FactorOutput(site, slot, layout, home, ancestor))
        shapes[(home, layout.groups)] = (builder.axes.size(home), *(particles[group] for group in layout.groups))
    axes = dict.fromkeys([*(i.layout.plate for i in builder.instructions), *sites])
    entries = min(CACHE_ENTRIES, memory // (8 * 4 * LIVE_TEMPORARIES))
    levels = [
        _level(
            builder,
            axis,
            sites.get(axis, []),
            outputs,
            lambda layout: max(1, entries // max(1, cells_per_member(particles, layout))),
        )
        for axis in sorted(axes, key=builder.axes.depth)
    ]
    return Program(builder.constants, builder.inputs, tuple(levels), shapes, builder.dtype, builder.device)


def _level(
    builder: Builder,
    axis: str | None,
    factors: Sequence[FactorOutput],
    outputs: Sequence[int],
    block_of: Callable[[Layout], int],
) -> Level:
    instructions = tuple(i for i in builder.instructions if i.layout.plate == axis)
    made = {i.target for i in instructions}
    below = {s for i in builder.instructions if i.layout.plate != axis for s in i.sources} | set(outputs)
    exports = tuple(sorted(made & below))
    kept = {*exports, *(factor.slot for factor in factors)}
    last_use = {source: n for n, i in enumerate(instructions) for source in i.sources}
    last_uses = tuple(
        tuple(s for s in dict.fromkeys(i.sources) if last_use[s] == n and s in made and s not in kept)
        for n, i in enumerate(instructions)
    )
    size = builder.axes.size(axis)
    outside = (
        tuple(s for s, layout in enumerate(builder.layouts) if layout.plate == axis and s not in made) if axis else ()
    )
    block = min((block_of(i.layout) for i in instructions), default=size)
    return Level(axis, size, outside, instructions, last_uses, exports, tuple(factors), min(block, size))
