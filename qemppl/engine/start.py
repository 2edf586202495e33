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


def starting_proposals(plan: Plan, generator: torch.Generator) -> tuple[Proposal, ...]:
    """Proposals with the moments of prior draws, trimmed, in the coordinates of each group's family."""
    if not plan.groups:
        return ()
    members = max(plan.axes.size(group.plate) for group in plan.groups)
    draws = prior_draws(plan.bound, max(16, min(PRIOR_DRAWS, MOST_VALUES // members)), generator, plan.target)
    charts = make_charts(plan)
    proposals = []
    for group in plan.groups:
        x = [_components(plan, group, part, draws[part.variable.name]) for part in group.parts]
        u = torch.cat([chart.inverse(part) for part, chart in zip(x, charts[group.name], strict=True)], -1)
        u = _trimmed(u, group.family.support)
        weight = torch.full(u.shape[:2], 1 / u.shape[1], dtype=u.dtype, device=u.device)
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
