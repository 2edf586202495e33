"""Proposals: the fitted posterior of each group, and the particles drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log, sqrt

from qemppl.compile.builder import Builder
from qemppl.compile.chains import ends_of
from qemppl.compile.discrete import limits_of
from qemppl.compile.groups import Group, Part
from qemppl.compile.layout import Axes
from qemppl.compile.plan import Plan
from qemppl.numerics.charts import Chart, CountChart
from qemppl.numerics.lazy import torch
from qemppl.numerics.quasi import periodic_grid, uniforms
from qemppl.numerics.vector_charts import VectorChart, vector_chart

AnyChart = Chart | CountChart | VectorChart

WIDEST = 1.2
"""Proposals are widened by at most this factor, less in many dimensions, so that weights stay bounded (engine: low-variance particles)."""

OUTLOOK = 8
FAR = 2.0
MANY = 64
"""One in OUTLOOK particles is drawn from Q widened by FAR, in groups of MANY or more: scales, and what depends on them, have tails
that no normal law has. Fewer particles are better spent on the middle."""


@dataclass(frozen=True)
class Proposal:
    """Q of one group. mean: mean coordinates, (member, statistic)."""

    group: Group
    mean: torch.Tensor
    charts: tuple[AnyChart, ...]

    @cached_property
    def standard(self) -> torch.Tensor:
        """Standard parameters: (member, parameter)."""
        return self.group.family.mean_to_standard(self.mean)

    @property
    def widening(self) -> float:
        return min(WIDEST, 1 + 0.3 / sqrt(self.group.dimension))


@dataclass(frozen=True)
class Cloud:
    """The particles of one group. u: (member, particle, coordinate) in the family's support.

    log_q: density they were drawn from, on the latents' own scale. narrowing: log of Q over that widened density. (member, particle).
    """

    u: torch.Tensor
    log_q: torch.Tensor
    narrowing: torch.Tensor


@dataclass(frozen=True)
class Particles:
    """Particles of all groups. values: by latent, (member, particle, *event), of an enumerated one (member, state). clouds: by group."""

    values: Mapping[str, torch.Tensor]
    clouds: Mapping[str, Cloud]


def make_charts(plan: Plan) -> dict[str, tuple[AnyChart, ...]]:
    """By group, the map from the family's support to each latent's declared support."""
    builder = Builder(plan.bound, plan.axes, {}, plan.target)
    return {group.name: tuple(_chart(builder, plan.axes, group, part) for part in group.parts) for group in plan.groups}


def _chart(builder: Builder, axes: Axes, group: Group, part: Part) -> AnyChart:
    variable = part.variable
    if variable.form is not None:
        return vector_chart(variable.form, part.event, part.members, builder.dtype, builder.device)
    if variable.sampled:
        counts, _ = limits_of(builder.bound, variable)
        origin = torch.as_tensor(counts, dtype=builder.dtype, device=builder.device)
        return CountChart(origin.reshape(len(counts), 1, -1))
    least, most = ends_of(variable)
    ends: list[torch.Tensor | None] = []
    for bound, end in ((variable.bounds.lower, least), (variable.bounds.upper, most)):
        if bound is None:
            ends.append(
                None if abs(end) == torch.inf else torch.tensor(end, dtype=builder.dtype, device=builder.device)
            )
            continue
        slot = builder.expression(bound)
        value = builder.constants[builder.align(slot, group.layout(part))]
        value = (
            value.expand(axes.size(variable.plate), 1, *part.event).flatten(2)
            if part.event
            else value.reshape(-1, 1, 1)
        )
        ends.append(
            value if variable.plate == group.plate else value.expand(axes.size(variable.plate), 1, -1).reshape(1, 1, -1)
        )
    return Chart(ends[0], ends[1], group.family.support)


Drawn = tuple["torch.Tensor", "torch.Tensor", "torch.Tensor"]
"""Particles u of a group, the log-density they are drawn from, and that of Q over it."""


def draw_particles(proposals: Sequence[Proposal], plan: Plan, generator: torch.Generator) -> Particles:
    """Low-variance particles of every group: stratified or quasi-random uniforms through the widened proposal's quantiles."""

    def draw(proposal: Proposal) -> Drawn:
        return (_draw_grid if proposal.group.on_a_line else _draw_mixture)(proposal, plan, generator)

    return _particles(proposals, plan, draw)


def draw_independent(
    proposals: Sequence[Proposal],
    plan: Plan,
    generator: torch.Generator,
    standards: Mapping[str, torch.Tensor] | None = None,
) -> Particles:
    """Independent particles of every group, from Q as it is. standards: its parameters by group, where derivatives by them are wanted."""

    def draw(proposal: Proposal) -> Drawn:
        group, family = proposal.group, proposal.group.family
        standard = proposal.standard if standards is None else standards[group.name]
        u = family.reparameterised(standard, plan.particles[group.name], generator)
        log_q = family.log_prob(standard, u)
        return u, log_q, torch.zeros_like(log_q)

    return _particles(proposals, plan, draw)


def _particles(proposals: Sequence[Proposal], plan: Plan, draw: Callable[[Proposal], Drawn]) -> Particles:
    values: dict[str, torch.Tensor] = {}
    clouds: dict[str, Cloud] = {}
    for proposal in proposals:
        group = proposal.group
        u, log_q, narrowing = draw(proposal)
        for part, chart in zip(group.parts, proposal.charts, strict=True):
            coordinates = u[:, :, part.offset : part.offset + part.size]
            if chart.stretches:
                log_q = log_q - chart.log_jacobian(coordinates).sum(-1)
            values[part.variable.name] = by_member(group, part, chart.forward(coordinates))
        clouds[group.name] = Cloud(u, log_q, narrowing)
    for discrete in plan.enumerations:
        states = torch.as_tensor(discrete.values, dtype=plan.target.dtype, device=plan.target.device)
        values[discrete.name] = states.expand(plan.axes.size(discrete.plate), -1)
    return Particles(values, clouds)


def _draw_grid(proposal: Proposal, plan: Plan, generator: torch.Generator) -> Drawn:
    """Particles u of one coordinate, the log-density they are drawn from, and that of Q over it."""
    group, family = proposal.group, proposal.group.family
    fitted = proposal.standard
    widened = family.widen(fitted, proposal.widening)
    v, log_weight = periodic_grid(generator, len(fitted), plan.particles[group.name], plan.target.dtype)
    u = family.quantile(widened, v[..., None])
    density, of_fitted = family.log_probs(fitted, u, [proposal.widening, 1])
    log_q = density - log_weight
    return u, log_q, of_fitted - log_q


def _draw_mixture(proposal: Proposal, plan: Plan, generator: torch.Generator) -> Drawn:
    """Particles u, the log-density of the mixture they are drawn from, and that of Q over it.

    Fixed numbers from each component, weighted by the density of the whole mixture, keep the evidence unbiased (Veach and Guibas
    1995, the balance heuristic).
    """
    group, family, count = proposal.group, proposal.group.family, plan.particles[proposal.group.name]
    fitted = proposal.standard
    far = count // OUTLOOK if count >= MANY else 0
    components = [(count - far, proposal.widening)] + ([(far, FAR)] if far else [])
    u = []
    for number, widening in components:
        v = uniforms(generator, len(fitted), number, group.dimension, plan.target.dtype)
        u.append(family.quantile(family.widen(fitted, widening), v))
    particles = torch.cat(u, 1) if far else u[0]
    *densities, of_fitted = family.log_probs(fitted, particles, [*(widening for _, widening in components), 1])
    log_q = densities[0]
    if far:
        shares = [density + log(number / count) for (number, _), density in zip(components, densities, strict=True)]
        log_q = torch.stack(shares).logsumexp(0)
    return particles, log_q, of_fitted - log_q


def by_member(group: Group, part: Part, coordinates: torch.Tensor) -> torch.Tensor:
    """(group member, particle, coordinate) -> (member of the latent's plate, particle, *event)."""
    if part.variable.plate == group.plate:
        return coordinates.reshape(*coordinates.shape[:2], *part.event)
    return coordinates[0].reshape(coordinates.shape[1], -1, *part.event).transpose(0, 1)


def unary_log_factors(particles: Particles, plan: Plan) -> dict[str, torch.Tensor]:
    """-log(K Q) of every particle, by group: (member, particle)."""
    return {name: -cloud.log_q - log(plan.particles[name]) for name, cloud in particles.clouds.items()}
