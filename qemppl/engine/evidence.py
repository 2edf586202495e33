"""The massively parallel evidence and its gradient.

log Zhat = log of the sum over all combinations of particles of prod P / (K Q), contracted plate by plate (Heap et al. 2025; Bowyer
et al. 2024). With E the exponentiated log-factors of a step and s its sum over the eliminated particles, E / s is the conditional
distribution of these particles given the remaining ones. One pass back through the steps turns these into d log Zhat / d log-factor:
the marginal weight of every particle (the source-term trick), and drawing from them one after another gives joint draws.

The steps of cut plates run slab by slab, those of the trunk after them (and before them on the way back).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from qemppl.compile.eliminate import Step
from qemppl.compile.plan import Plan
from qemppl.compile.program import TableKey, Tables, add_to_ancestors
from qemppl.compile.slabs import cut_axes
from qemppl.engine.chain_sums import sum_out_chain
from qemppl.engine.links import Links
from qemppl.engine.step_sums import (
    Conditional,
    Operands,
    Section,
    column,
    dims_of,
    part_of,
    reduce_to,
    spread,
    sum_out,
    times,
)
from qemppl.numerics.lazy import torch

Messages = dict[int, "torch.Tensor"]
"""By number of the table."""


@dataclass(frozen=True)
class LogFactors:
    """The log-factors of one set of particles, summed for each step, until those of the next set are computed; messages of other steps
    are still missing.

    slab: computes those of a slab by its number, in order of its steps; its caller may write over them.
    """

    trunk: Sequence[Operands]
    slab: Callable[[int], Sequence[Operands]]


@dataclass(frozen=True)
class _Plates:
    """What the steps at plates leave behind. messages: to the root steps, and those between plates of the trunk. trunk, slabs:
    conditionals; no slabs where they are not kept."""

    messages: Messages
    trunk: Sequence[Conditional]
    slabs: Sequence[Sequence[Conditional]]


@dataclass(frozen=True)
class Evidence:
    """log_z: log Zhat (nats), a scalar tensor, or (beta,) of several temperings. root: the conditionals of the root steps. backward: those
    of each section, the trunk first, the outermost step first. plates: those below, which do not depend on the tempering. Without a
    contraction, there are none."""

    log_z: torch.Tensor
    root: Sequence[Conditional] = ()
    backward: Callable[[], Iterator[Sequence[Conditional]]] = lambda: iter(())
    plates: _Plates | None = None


@dataclass(frozen=True)
class _Tempering:
    """The weights r^beta (Q / widened Q)^(1 - beta) of the particles of global latents.

    beta: (beta,), several at once, in place of the single member of the root; None: all are 1.
    """

    beta: torch.Tensor | None = None
    narrowing: Mapping[str, torch.Tensor] = field(default_factory=dict)

    def scale(self, step: Step, is_tempered: bool) -> torch.Tensor | None:
        """The power of a message that a step reads, where it is not 1. is_tempered: whether the message is to that of beta already."""
        if self.beta is None or step.is_tempered == is_tempered:
            return None
        return self.beta if step.is_tempered else self.beta.reciprocal()


class Contraction:
    """The elimination of a plan, ready to run on the log-factors of one set of particles."""

    def __init__(self, plan: Plan) -> None:
        self._keys = plan.elimination.tables
        self._given = len(self._keys) - len(plan.elimination.steps)
        self._plates = plan.homes
        self._target = plan.target
        used = {*self._plates.values(), *(step.plate for step in plan.elimination.steps)} - {None}
        self._sizes = {"": 1} | {axis: plan.axes.size(axis) for axis in used if axis}
        self._particles = plan.particles
        self._previous = {dim for chain in plan.chains for dim in chain.previous}
        self._parents: dict[str | None, str | None] = {chain.plate: chain.parent for chain in plan.chains}
        self._chains: dict[Hashable, Links] = {}
        self._rooms: dict[Hashable, torch.Tensor] = {}
        self._is_kept = plan.is_kept
        self._single = {step.output for step in plan.single_steps}
        self._tempered = {step.output for step in plan.elimination.steps if step.is_tempered}
        self._ancestors = {
            (axis, up): torch.as_tensor(index, device=plan.target.device)
            for axis in used
            if axis
            for up, index in plan.axes[axis].parents.items()
        }
        cut = cut_axes(slab.members for slab in plan.slabs)
        steps = plan.elimination.steps
        self.trunk = Section(-1, tuple(step for step in steps if step.plate not in cut))
        self._plate_trunk = Section(-1, tuple(step for step in self.trunk.steps if step.plate is not None))
        self._root = Section(-1, tuple(step for step in steps if step.plate is None))
        self.slabs = tuple(
            Section(number, tuple(step for step in steps if step.plate in slab.members), slab.members)
            for number, slab in enumerate(plan.slabs)
        )

    def room(self, section: Section, shapes: Mapping[TableKey, tuple[int, ...]]) -> Tables:
        """Memory for the tables of a section, allocated once; slabs share it, so that it stays in the cache. What chains leave behind
        takes the place of their tables, which each slab therefore has for itself where it is kept."""
        own = {step.plate for step in section.steps if step.states} if self._is_kept else set()
        slab = "a slab" if section.members else "the trunk"
        return {
            key: self._allocated((section.number if key[0] in own else slab, key), shape)
            for key, shape in shapes.items()
        }

    def combine(self, section: Section, tables: Tables) -> list[Operands]:
        """The log-factors of a section's steps from its tables, which are used up. At the first step of a chain what reaches back to the
        step before means nothing."""
        for (home, groups), table in tables.items():
            if self._previous.intersection(groups):
                table[self._links(section, home).first] = 0.0
        return [self._sum_tables(section, step, tables) for step in section.steps]

    def run(self, factors: LogFactors) -> Evidence:
        """The evidence. Its conditionals live in a workspace that the next run writes over."""
        return self._finish(factors, self._run_plates(factors), _Tempering())

    def temper(
        self, factors: LogFactors, evidence: Evidence, betas: Sequence[float], narrowing: Mapping[str, torch.Tensor]
    ) -> Evidence:
        """That of weights whose part of the global latents is tempered: their marginal posterior over Q to the power beta, a path
        from Q to the posterior, by the same contraction, and at the cost of the root steps alone.

        What is below them has been summed out untempered: particles of the plates, whose messages are the evidence of their members,
        and the values of discrete latents, since a sum of powers would favour latents that leave these undecided. Where global
        particles have been summed out before a discrete latent, the power 1 / beta of their message takes the tempering back.
        evidence: of the last run, of the same log-factors; its root conditionals are written over. narrowing: log Q / widened Q of every
        particle, by group.
        """
        beta = torch.tensor(betas, dtype=self._target.dtype, device=self._target.device)
        assert evidence.plates is not None, "of a contraction"
        return self._finish(factors, evidence.plates, _Tempering(beta, narrowing))

    def _run_plates(self, factors: LogFactors) -> _Plates:
        messages: Messages = {}
        slabs = []
        for section in self.slabs:
            conditionals = self._forward(section, factors.slab(section.number), _Tempering(), messages)
            if self._is_kept:
                slabs.append(conditionals)
        trunk = self._forward(self._plate_trunk, factors.trunk[: len(self._plate_trunk.steps)], _Tempering(), messages)
        return _Plates(messages, trunk, slabs)

    def _finish(self, factors: LogFactors, plates: _Plates, tempering: _Tempering) -> Evidence:
        """Runs the root steps."""
        messages = dict(plates.messages)
        root = self._forward(self._root, factors.trunk[len(self._plate_trunk.steps) :], tempering, messages)

        def backward() -> Iterator[Sequence[Conditional]]:
            yield [*root[::-1], *plates.trunk[::-1]]
            for section in self.slabs:
                done = plates.slabs[section.number] if plates.slabs else None
                yield (done or self._forward(section, factors.slab(section.number), _Tempering(), {}))[::-1]

        return Evidence(messages[self.trunk.steps[-1].output].squeeze(0), root[::-1], backward, plates)

    def marginals(self, evidence: Evidence) -> dict[str, torch.Tensor]:
        """d log Zhat / d log-factor of every particle: weights (member, particle) by group, summing to 1 for each member."""
        return self._marginals(evidence, evidence.backward())

    def root_marginals(self, evidence: Evidence) -> dict[str, torch.Tensor]:
        """Those of the global latents alone: (beta, particle) by group."""
        return self._marginals(evidence, [evidence.root])

    def _marginals(self, evidence: Evidence, backward: Iterable[Sequence[Conditional]]) -> dict[str, torch.Tensor]:
        weights: dict[str, list[torch.Tensor]] = {}
        for conditional, scaled in self.flow(evidence, backward):
            weighed = conditional.step.weighed
            joint = reduce_to(conditional, scaled, weighed)
            for axis, group in enumerate(weighed, 1):
                others = tuple(other for other in range(1, joint.dim()) if other != axis)
                weights.setdefault(group, []).append(joint.sum(others) if others else joint)
        return {group: parts[0] if len(parts) == 1 else torch.cat(parts) for group, parts in weights.items()}

    def flow(
        self, evidence: Evidence, backward: Iterable[Sequence[Conditional]]
    ) -> Iterator[tuple[Conditional, torch.Tensor]]:
        """Back through the steps: every conditional, with the marginal weight of the particles that it does not sum over, divided by
        their total s, (member, *given). Times E it is the joint weight of all particles of the step."""
        adjoints: Messages = {self.trunk.steps[-1].output: torch.ones_like(evidence.log_z).reshape(-1)}
        for conditionals in backward:
            here = dict(adjoints)
            for conditional in conditionals:
                step = conditional.step
                adjoint = self._to_step(here[step.output], step, conditional.section)
                found, scaled = conditional.weigh(adjoint)
                yield found, scaled
                for table in step.inputs:
                    if table >= self._given:
                        here[table] = reduce_to(found, scaled, self._keys[table][1])
            if not conditionals[0].section.members:
                adjoints = here

    def to_members(self, group: str, values: torch.Tensor, conditional: Conditional) -> torch.Tensor:
        """From a group's members to those of a step in the same section, of a chain to its parents: (draw, member) -> (draw, member),
        size 1 from the root."""
        axis, step = self._plates[group], conditional.step
        plate = self._parents[step.plate] if step.states else step.plate
        return values if axis in (plate, None) else values[:, self._index(plate, axis, conditional.section)]

    def _forward(
        self, section: Section, factors: Sequence[Operands], tempering: _Tempering, messages: Messages
    ) -> list[Conditional]:
        """Runs the steps of a section. Messages to the trunk are added to `messages`."""
        here = {} if section.members else messages
        conditionals = []
        for step, operands in zip(section.steps, factors, strict=True):
            terms = operands if section.members else self._temper(step, operands, tempering)
            for table in step.inputs:
                if table >= self._given:
                    scale = tempering.scale(step, table in self._tempered)
                    message = here[table] if scale is None else times(scale, here[table])
                    groups = self._keys[table][1]
                    part_of(terms, step, groups).add_(spread(message, groups, dims_of(step, groups)))
            conditional, message = self._sum_out(step, section, terms)
            conditionals.append(conditional)
            self._send(message, step, section, here if step.home in section.members else messages)
        return conditionals

    def _sum_out(self, step: Step, section: Section, terms: Operands) -> tuple[Conditional, torch.Tensor]:
        """What a step leaves behind, and its message."""
        if not step.states:
            return sum_out(step, section, terms, self._room_for_exponentials(section, step, terms))
        return sum_out_chain(step, section, terms[0], self._links(section, step.plate))

    def _links(self, section: Section, chain: str | None) -> Links:
        """How the steps of a chain follow each other in a section."""
        key = (section.number, chain)
        if key not in self._chains:
            parent = self._parents[chain]
            if parent is None:
                owner, parents = np.zeros(self._sizes[chain or ""], np.int64), 1
            else:
                members = section.members.get(parent, slice(0, self._sizes[parent]))
                owner, parents = self._index(chain, parent, section).cpu().numpy(), members.stop - members.start
            self._chains[key] = Links(owner, parents, self._target.device)
        return self._chains[key]

    def _room_for_exponentials(self, section: Section, step: Step, terms: Operands) -> Operands:
        """Memory for what a step leaves behind: its own for each slab whose conditionals are kept, else that of the terms, or of all
        slabs in single precision."""
        is_single = step.output in self._single
        if not section.members or not (self._is_kept or is_single):
            return terms
        dtype = torch.float32 if is_single else self._target.dtype
        owner = section.number if self._is_kept else "every slab"
        return tuple(
            self._allocated((owner, step.output, part), tuple(term.shape), dtype) for part, term in enumerate(terms)
        )

    def _temper(self, step: Step, operands: Operands, tempering: _Tempering) -> Operands:
        """A copy of the log-factors of a step of the trunk, to its power."""
        betas = 1 if tempering.beta is None or step.plate is not None else len(tempering.beta)
        shapes = [(betas * len(operand), *operand.shape[1:]) for operand in operands]
        terms = tuple(self._allocated((step.output, part), shape) for part, shape in enumerate(shapes))
        for term, operand in zip(terms, operands, strict=True):
            term.copy_(operand)
        if tempering.beta is not None and step.is_tempered:
            for term in terms:
                term.mul_(column(tempering.beta, term))
            for group in step.eliminated:
                narrowing = times(1 - tempering.beta, tempering.narrowing[group])
                part_of(terms, step, (group,)).add_(spread(narrowing, (group,), dims_of(step, (group,))))
        return terms

    def _allocated(self, key: Hashable, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> torch.Tensor:
        """Memory of a name, kept from one call to the next."""
        known = self._rooms.get(key)
        if known is None or known.shape[0] < shape[0]:
            known = self._rooms[key] = torch.empty(shape, dtype=dtype or self._target.dtype, device=self._target.device)
        return known[: shape[0]]

    def _to_step(self, values: torch.Tensor, step: Step, section: Section) -> torch.Tensor:
        """From the members of a step's home to its own; the root broadcasts."""
        if step.states or step.home == step.plate or step.home is None:
            return values
        return values.index_select(0, self._index(step.plate, step.home, section))

    def _index(self, plate: str | None, axis: str | None, section: Section) -> torch.Tensor:
        """The position of each member's ancestor on an axis, counted from the section's first where the axis is cut."""
        index = self._ancestors[(plate or "", axis or "")][section.of(plate)]
        return index - section.members[axis].start if axis in section.members else index

    def _send(self, message: torch.Tensor, step: Step, section: Section, messages: Messages) -> None:
        """Adds the message of a step up to its home (plate sum)."""
        if step.states or step.home == step.plate:
            messages[step.output] = message
            return
        total = messages.get(step.output)
        if step.home is None:
            added = message.sum(0, keepdim=True)
            messages[step.output] = added if total is None else total.add_(added)
            return
        if total is None:
            cut = section.members.get(step.home)
            size = self._sizes[step.home] if cut is None else cut.stop - cut.start
            total = message.new_zeros(size, *message.shape[1:])
        add_to_ancestors(total, self._index(step.plate, step.home, section), message)
        messages[step.output] = total

    def _sum_tables(self, section: Section, step: Step, tables: Tables) -> Operands:
        """By part of a step; adds into the widest table, in place, where one spans the whole part."""
        members = section.members.get(step.plate)
        size = self._sizes[step.plate or ""] if members is None else members.stop - members.start
        summed = []
        for part in step.parts:
            keys = [self._keys[table] for table in step.inputs if table < self._given]
            parts = [spread(tables[key], key[1], part) for key in keys if dims_of(step, key[1]) == part]
            shape = (size, *(self._particles[group] for group in part))
            parts.sort(key=torch.Tensor.numel, reverse=True)
            if parts and parts[0].shape == shape:
                total = parts.pop(0)
            else:
                total = torch.zeros(shape, dtype=self._target.dtype, device=self._target.device)
            for addend in parts:
                total += addend
            summed.append(total)
        return tuple(summed)
