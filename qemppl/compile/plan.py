"""The plan of a fit: groups, particle numbers, the tensor program and the elimination, with its cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from qemppl.compile.assemble import assemble, chain_entries, home_of, split
from qemppl.compile.budget import Choice, choose_particles
from qemppl.compile.builder import Builder
from qemppl.compile.chains import Chain, find_chains, previous_layouts, with_previous
from qemppl.compile.densities import Density, Reduction, assume, observe
from qemppl.compile.discrete import Enumeration, find_enumerations
from qemppl.compile.eliminate import Dims, Elimination, Step, plan_elimination
from qemppl.compile.groups import Group, choose_groups
from qemppl.compile.kalman_system import evidence_factor
from qemppl.compile.layout import Axes, Layout, Target
from qemppl.compile.linear_gaussian import Integrated, find_integrated
from qemppl.compile.memory import plan_memory
from qemppl.compile.precision import single_steps
from qemppl.compile.program import Level, Program, cells_per_member
from qemppl.compile.refusals import check_cost, check_model, cost_of
from qemppl.compile.rows import split_rows
from qemppl.compile.slabs import Slab, cut_axes, slice_program
from qemppl.data.bound import BoundModel
from qemppl.ir.model import RandomVariable
from qemppl.numerics.lazy import torch


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before the first iteration.

    choice: particle numbers, and why these. reductions: observations whose rows are not computed one by one. flops: entries
    exponentiated by the elimination and computed by the densities, in one iteration. peak_bytes: tables, particles and temporaries.
    trunk: the program of what is not cut, whose values in the slots `given` the slabs' programs read. is_kept: whether the tables of
    all slabs are kept in memory between two looks at them. single_error: nats that log Zhat may be off by because slabs are
    exponentiated in single precision; None where they are not. separate: whether every latent outside `joint` blocks is a group of its
    own.
    """

    bound: BoundModel
    axes: Axes
    groups: tuple[Group, ...]
    enumerations: tuple[Enumeration, ...]
    chains: tuple[Chain, ...]
    integrated: tuple[Integrated, ...]
    choice: Choice
    reductions: tuple[Reduction, ...]
    trunk: Program
    given: tuple[int, ...]
    slabs: tuple[Slab, ...]
    elimination: Elimination
    flops: int
    peak_bytes: int
    is_kept: bool
    single_error: float | None
    separate: bool
    target: Target

    @property
    def particles(self) -> Mapping[str, int]:
        """K by group, and the number of states of each enumerated latent; those of states one step before are the same."""
        return with_previous(self.choice.particles, self.chains)

    @property
    def homes(self) -> dict[str, str | None]:
        """The plate of every particle dim: of each group and each enumerated latent, and of states one step before."""
        return _homes(self.groups, self.enumerations, self.chains, self.axes)

    @property
    def single_steps(self) -> list[Step]:
        """The steps whose exponentials are taken in single precision."""
        cut = cut_axes(slab.members for slab in self.slabs)
        return [] if self.single_error is None else single_steps(self.elimination, cut)

    @property
    def levels(self) -> tuple[Level, ...]:
        """Those of the trunk, and of a slab."""
        return (*self.trunk.levels, *(level for slab in self.slabs[:1] for level in slab.program.levels))


def make_plan(
    bound: BoundModel, target: Target, particles: int | Mapping[str, int] | None = None, *, separate: bool = False
) -> Plan:
    """Plans a fit.

    particles: K for every group, or by group, instead of the planner's choice. separate: a group for every latent outside `joint`
    blocks, vectors with independent coordinates, as published. Raises DiagnosticsError (RESOURCE) where even few particles
    do not fit into the memory, (DATA) where a plate has no members, (MODEL) for statements that cannot be computed yet.
    """
    check_model(bound)
    axes, enumerations = Axes(bound), find_enumerations(bound)
    integrated = find_integrated(bound, axes) if "integrate" in target.passes else ()
    without = [name for chain in integrated for name in chain.names]
    groups = choose_groups(bound, separate=separate, integrated=without)
    chains, homes, layouts = _places(bound, axes, groups, enumerations)
    builder = Builder(bound, axes, layouts, target, {e.name: e.values for e in enumerations})
    factors, reductions = _factors(builder, homes, integrated)
    densities = [builder.layouts[slot] for _, slot in factors]
    states = {enumeration.name: len(enumeration.values) for enumeration in enumerations}
    entries = partial(_density_entries, densities, axes, chains)
    choice = choose_particles(groups, entries, states, particles)
    chosen = with_previous(choice.particles, chains)
    keys = [(home_of(builder, layout, homes), layout.groups) for layout in densities]
    keys += [(group.plate, (group.name,)) for group in groups]
    dims = Dims(homes, chosen, states, chains)
    elimination = plan_elimination(tuple(dict.fromkeys(keys)), dims, axes, products="products" in target.passes)
    flops = entries(chosen) + elimination.cost(axes, chosen)
    memory = plan_memory(axes, groups, elimination, chosen, target)
    cut = cut_axes(memory.slabs)
    widest = {axis: max(m[axis].stop - m[axis].start for m in memory.slabs if axis in m) for axis in cut}
    needed = memory.needed + torch.finfo(target.dtype).bits // 8 * chain_entries(builder, chosen, widest)
    meeting = [(_statement(bound, site), set(builder.layouts[slot].groups)) for site, slot in factors]
    check_cost(cost_of(elimination, chosen, meeting, (flops, needed)), axes, target.memory)
    whole, part = split(builder, factors, homes, cut)
    trunk, sliced = (assemble(builder, task, chosen, homes, target.memory) for task in (whole, part))
    slabs = tuple(Slab(members, slice_program(sliced, axes, members, builder.owners)) for members in memory.slabs)
    return Plan(
        bound=bound,
        axes=axes,
        groups=groups,
        enumerations=enumerations,
        chains=chains,
        integrated=integrated,
        choice=choice,
        reductions=reductions,
        trunk=trunk,
        given=tuple(part.given),
        slabs=slabs,
        elimination=elimination,
        flops=flops,
        peak_bytes=needed,
        is_kept=memory.is_kept,
        single_error=memory.single_error,
        separate=separate,
        target=target,
    )


def _statement(bound: BoundModel, site: str) -> RandomVariable:
    """The statement of a site, which begins with its name."""
    return next(v for v in (*bound.ir.latents, *bound.ir.observations) if site.split(maxsplit=1)[0] == v.name)


def _places(
    bound: BoundModel, axes: Axes, groups: Sequence[Group], enumerations: Sequence[Enumeration]
) -> tuple[tuple[Chain, ...], dict[str, str | None], dict[str, Layout]]:
    """The chains, the plate of every particle dim, and where the particles of every latent are kept, in the order of particle axes."""
    layouts = {enumeration.name: enumeration.layout for enumeration in enumerations}
    layouts |= {part.variable.name: group.layout(part) for group in groups for part in group.parts}
    chains = find_chains(bound.ir, layouts)
    layouts |= previous_layouts(bound.ir, layouts)
    homes = _homes(groups, enumerations, chains, axes)
    return chains, homes, dict(sorted(layouts.items(), key=lambda item: [*homes].index(item[1].groups[0])))


def _homes(
    groups: Sequence[Group], enumerations: Sequence[Enumeration], chains: Sequence[Chain], axes: Axes
) -> dict[str, str | None]:
    """In the order of particle axes: what is summed out first stands first, so that sums run over whole rows of what remains."""
    dims: list[tuple[str, str | None]] = [(dim, chain.plate) for chain in chains for dim in chain.previous]
    dims += [(discrete.name, discrete.plate) for discrete in enumerations]
    dims += [(group.name, group.plate) for group in groups]
    return dict(sorted(dims, key=lambda dim: -axes.depth(dim[1])))


def _factors(
    builder: Builder, homes: Mapping[str, str | None], integrated: Sequence[Integrated]
) -> tuple[list[tuple[str, int]], tuple[Reduction, ...]]:
    """The log-density of every statement (site, slot), and of which ones the rows were reduced. An integrated chain has one in place of
    those of its states and outcomes."""
    bound = builder.bound
    statements = [(chain.names[0], Density([evidence_factor(builder, chain)])) for chain in integrated]
    done = [variable for chain in integrated for variable in (*chain.states, *chain.outcomes)]
    statements += [(latent.name, assume(builder, latent, homes)) for latent in bound.ir.latents if latent not in done]
    for variable in bound.ir.observations:
        if variable in done:
            continue
        for rows in split_rows(bound, builder.axes, variable):
            statements.append((rows.site, observe(builder, rows, homes)))
    factors = [(site, slot) for site, density in statements for slot in density.factors]
    return factors, tuple(density.reduction for _, density in statements if density.reduction is not None)


def _density_entries(layouts: Sequence[Layout], axes: Axes, chains: Sequence[Chain], counts: Mapping[str, int]) -> int:
    particles = with_previous(counts, chains)
    return sum(axes.size(layout.plate) * cells_per_member(particles, layout) for layout in layouts)
