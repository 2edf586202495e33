"""The starting proposals: matched to the prior, or given."""

from __future__ import annotations

from collections.abc import Mapping

from qemppl.compile.groups import Group, Part
from qemppl.compile.plan import Plan
from qemppl.engine.ancestral import prior_draws
from qemppl.engine.particles import Proposal, make_charts
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import CIRCLE, Support

PRIOR_DRAWS = 512
MOST_VALUES = 1 << 22
"""Prior draws of all members together; fewer draws for each where there are many members."""
TRIMMED = 0.02
"""Draws beyond these quantiles are pulled in: a prior like the half-Cauchy has no variance."""
SHARE = 0.99
"""The weight of one draw where a start is to be near it: what is left of the prior has a tenth of its width around that draw."""


def starting_proposals(plan: Plan, generator: torch.Generator) -> tuple[Proposal, ...]:
    """Proposals with the moments of prior draws, trimmed, in the coordinates of each group's family."""
    return _matched(plan, _prior_coordinates(plan, generator))


def narrow_starts(plan: Plan, generator: torch.Generator, count: int) -> list[tuple[Proposal, ...]]:
    """Starts that differ: each near a prior draw, the same one in all groups, which has SHARE of the weight.

    Systematic sampling spreads these draws: they are taken at equal steps of rank from a random one on, ranked in a random direction
    of the global coordinates (of all, where none are global).
    """
    if not plan.groups:
        return [()] * count
    u = _prior_coordinates(plan, generator)
    spread = [u[group.name] for group in plan.groups if group.plate is None] or list(u.values())
    across = torch.cat([values.transpose(0, 1).flatten(1) for values in spread], 1)
    sd = across.std(0)
    direction = torch.where(sd > 0, torch.empty_like(sd).normal_(generator=generator) / sd, 0.0)
    order, shift = (across @ direction).argsort(), across.new_empty(()).uniform_(generator=generator).item()
    return [_matched(plan, u, int(order[int((i + shift) / count * len(order))])) for i in range(count)]


def _prior_coordinates(plan: Plan, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Prior draws of each group, trimmed, in the coordinates of its family: (member, draw, coordinate)."""
    if not plan.groups:
        return {}
    members = max(plan.axes.size(group.plate) for group in plan.groups)
    draws = prior_draws(plan.bound, max(16, min(PRIOR_DRAWS, MOST_VALUES // members)), generator, plan.target)
    charts = make_charts(plan)
    coordinates = {}
    for group in plan.groups:
        x = [_components(plan, group, part, draws[part.variable.name]) for part in group.parts]
        u = torch.cat([chart.inverse(part) for part, chart in zip(x, charts[group.name], strict=True)], -1)
        coordinates[group.name] = _trimmed(u, group.family.support)
    return coordinates


def _matched(plan: Plan, coordinates: Mapping[str, torch.Tensor], near: int | None = None) -> tuple[Proposal, ...]:
    """Proposals with the moments of draws, all alike, or near one of them."""
    charts, proposals = make_charts(plan), []
    for group in plan.groups:
        u = coordinates[group.name]
        weight = torch.full(u.shape[:2], 1 / u.shape[1], dtype=u.dtype, device=u.device)
        if near is not None:
            weight *= 1 - SHARE
            weight[:, near] += SHARE
        mean = group.family.project_mean(group.family.moments(u, weight))
        proposals.append(Proposal(group, mean, charts[group.name]))
    return tuple(proposals)


def proposals_at(plan: Plan, means: Mapping[str, torch.Tensor]) -> tuple[Proposal, ...]:
    """Proposals with these mean coordinates: by group, (member, statistic)."""
    charts = make_charts(plan)
    return tuple(Proposal(group, means[group.name], charts[group.name]) for group in plan.groups)


def _trimmed(u: torch.Tensor, support: Support) -> torch.Tensor:
    """Draws (member, draw, coordinate) between two of them, whatever the scale they are measured on; of finitely many values, and
    on a circle, all."""
    if (support.integer and support.upper < torch.inf) or support is CIRCLE:
        return u
    low, high = (u.quantile(p, 1, keepdim=True, interpolation="nearest") for p in (TRIMMED, 1 - TRIMMED))
    return torch.maximum(torch.minimum(u, high), low)


def _components(plan: Plan, group: Group, part: Part, draws: torch.Tensor) -> torch.Tensor:
    """(member of the latent's plate, draw, *event) -> (group member, draw, component)."""
    if part.variable.plate != group.plate:
        draws = draws.transpose(0, 1)[None]
    return draws.reshape(plan.axes.size(group.plate), -1, part.components)
