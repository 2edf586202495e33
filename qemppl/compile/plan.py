"""The plan of a fit: groups, particle numbers, the tensor program and the elimination, with its cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from qemppl.compile.builder import Builder
from qemppl.compile.discrete import Enumeration, find_enumerations
from qemppl.compile.eliminate import Elimination, plan_elimination
from qemppl.compile.factors import latent_density, row_density
from qemppl.compile.groups import Group, choose_groups
from qemppl.compile.layout import Axes, Layout, Target
from qemppl.compile.program import FactorOutput, Level, Program, TableKey, cells_per_member
from qemppl.compile.rows import split_rows
from qemppl.compile.simplify import Cells, find_cells, reduced_density
from qemppl.data.bound import BoundModel
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.ir.model import Plate, RandomVariable
from qemppl.numerics.lazy import torch
from qemppl.numerics.vector_charts import coordinates

CACHE_ENTRIES = 1 << 17
"""Entries of one temporary that a block may have: about a megabyte, so consecutive passes over it stay in the cache."""
BUDGET = 1 << 20
"""Entries of all log-density tables that an iteration should compute: some milliseconds."""
SMALLEST_LOCAL, LARGEST_LOCAL = 8, 128
LARGEST_GLOBAL = 512
STORED_DRAWS = 5
"""Draws in memory at once for each draw asked for: up to four to resample from, and the result."""
GENERATED_DRAWS = 2
"""Of a generated quantity: its blocks, and the result."""
LIVE_TEMPORARIES = 4
"""Temporaries of a log-density's size that are alive at once, as a bound for the memory estimate."""


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before the first iteration.

    particles: K by group, and the number of states of each enumerated latent. cells: observations reduced to sufficient
    statistics. flops: entries exponentiated by the elimination and
    computed by the densities, in one iteration. peak_bytes: tables and temporaries.
    """

    bound: BoundModel
    axes: Axes
    groups: tuple[Group, ...]
    enumerations: tuple[Enumeration, ...]
    particles: Mapping[str, int]
    cells: tuple[Cells, ...]
    program: Program
    elimination: Elimination
    flops: int
    peak_bytes: int
    target: Target

    @property
    def homes(self) -> dict[str, str | None]:
        """The plate of every particle dim: of each group and each enumerated latent."""
        return _homes(self.groups, self.enumerations)


def make_plan(bound: BoundModel, target: Target, particles: int | None = None) -> Plan:
    """Plans a fit.

    particles: K for every group, instead of the planner's choice. Raises DiagnosticsError (RESOURCE) where even few particles do
    not fit into the memory, (DATA) where a plate has no members, (MODEL) for statements that cannot be computed yet.
    """
    unserved = [_unserved(variable) for variable in bound.ir.latents if _is_unserved(variable)]
    if unserved:
        raise DiagnosticsError(unserved, Stage.MODEL)
    empty = [_without_members(plate) for plate in bound.ir.plates if bound.count(plate.name) == 0]
    empty += [_without_choice(variable) for variable in bound.ir.latents if _is_fixed(bound, variable)]
    if empty:
        raise DiagnosticsError(empty, Stage.DATA)
    axes, groups, enumerations = Axes(bound), choose_groups(bound), find_enumerations(bound)
    latents = {part.variable.name: group.layout(part) for group in groups for part in group.parts}
    latents |= {enumeration.name: enumeration.layout for enumeration in enumerations}
    builder = Builder(bound, axes, latents, target, {e.name: e.values for e in enumerations})
    factors, found = _factors(builder)
    layouts = [builder.layouts[slot] for _, slot in factors]
    states = {enumeration.name: len(enumeration.values) for enumeration in enumerations}
    chosen = _choose_particles(groups, layouts, axes, states, particles)
    homes = _homes(groups, enumerations)
    program = assemble(builder, factors, chosen, homes, memory=target.memory)
    keys = dict.fromkeys([*program.table_shapes, *((group.plate, (group.name,)) for group in groups)])
    elimination = plan_elimination(tuple(keys), homes, axes, chosen, states)
    flops = _density_entries(layouts, axes, chosen) + elimination.entries(axes, chosen)
    peak = _peak_bytes(program, elimination, axes, chosen)
    if peak > target.memory:
        raise DiagnosticsError([_too_large(elimination, axes, chosen, peak, target.memory)], Stage.RESOURCE)
    return Plan(bound, axes, groups, enumerations, chosen, found, program, elimination, flops, peak, target)


def _homes(groups: Sequence[Group], enumerations: Sequence[Enumeration]) -> dict[str, str | None]:
    return {group.name: group.plate for group in groups} | {discrete.name: discrete.plate for discrete in enumerations}


def _factors(builder: Builder) -> tuple[list[tuple[str, int]], tuple[Cells, ...]]:
    """The log-density of every statement (site, slot), rows reduced to sufficient statistics where they can be."""
    bound, merged = builder.bound, []
    factors = [(variable.name, latent_density(builder, variable)) for variable in bound.ir.latents]
    for variable in bound.ir.observations:
        for rows in split_rows(bound, builder.axes, variable):
            cells = find_cells(bound, builder.axes, rows)
            if cells is not None and cells.merged:
                merged.append(cells)
            factors.append(
                (rows.site, row_density(builder, rows) if cells is None else reduced_density(builder, cells))
            )
    return factors, tuple(merged)


# Particle numbers.


def _choose_particles(
    groups: Sequence[Group], layouts: Sequence[Layout], axes: Axes, states: Mapping[str, int], override: int | None
) -> dict[str, int]:
    """K of every group: a start by dimension, then doubled or halved together while the cost stays near the budget.

    states: the number of states of each enumerated latent, which are its particles.
    """

    def cost(particles: Mapping[str, int]) -> int:
        return _density_entries(layouts, axes, {**particles, **states})

    if override is not None:
        return {group.name: override for group in groups} | dict(states)
    particles = {group.name: _first_guess(group) for group in groups}
    while cost(grown := _scale(groups, particles, 2)) <= BUDGET and grown != particles:
        particles = grown
    while cost(particles) > 2 * BUDGET and (shrunk := _scale(groups, particles, 0.5)) != particles:
        particles = shrunk
    return particles | dict(states)


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


def _is_unserved(variable: RandomVariable) -> bool:
    return variable.initial is not None or (variable.sampled and variable.block is not None)


def _unserved(variable: RandomVariable) -> Diagnostic:
    what = "a latent that depends on its previous step" if variable.initial else "a discrete latent in a `joint` block"
    return Diagnostic(
        code="QEM507",
        severity=Severity.ERROR,
        message=f"`{variable.name}` is {what}, which this version checks but cannot fit yet",
        span=variable.span,
    )


def _is_fixed(bound: BoundModel, variable: RandomVariable) -> bool:
    """Whether a latent can have one value only: a simplex or a correlation of one component, a vector of none."""
    event = tuple(bound.size(size) for size in variable.type.event)
    return 0 in event or (variable.form is not None and coordinates(variable.form, event) == 0)


def _without_choice(variable: RandomVariable) -> Diagnostic:
    return Diagnostic(
        code="QEM508",
        severity=Severity.ERROR,
        message=f"`{variable.name}` has too few components for this data: it could have one value only",
        span=variable.span,
        hint="check the size that the data give, or leave the latent out",
    )


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
    """Raises DiagnosticsError (RESOURCE) where joint draws of every latent, with the spare ones, and of the generated quantities do
    not fit into the memory."""
    bound = plan.bound
    latents, generated = (
        sum(bound.count(s.type.plate) * prod(bound.size(size) for size in s.type.event) for s in statements)
        for statements in (bound.ir.latents, bound.ir.generated)
    )
    numbers = latents + generated
    size = draws * (STORED_DRAWS * latents + GENERATED_DRAWS * generated) * torch.finfo(plan.target.dtype).bits // 8
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
