"""Joint posterior draws by backward sampling.

The root groups first, then each plate given the particles chosen above it: at every step the exponentiated log-factors, restricted
to the particles already chosen, are the weights of the particles to choose from.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from qemppl.compile.plan import Plan
from qemppl.engine.evidence import Conditional, Contraction, Evidence
from qemppl.engine.particles import Particles
from qemppl.numerics.lazy import torch


def draw_indices(
    contraction: Contraction, evidence: Evidence, draws: int, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Which particle of each group and member each joint draw takes: (draw, member) by group."""
    chosen: dict[str, torch.Tensor] = {}
    for conditional in reversed(evidence.conditionals):
        if conditional.step.eliminated:
            chosen |= _draw_step(contraction, conditional, chosen, draws, generator)
    return chosen


def _draw_step(
    contraction: Contraction,
    conditional: Conditional,
    chosen: Mapping[str, torch.Tensor],
    draws: int,
    generator: torch.Generator,
) -> dict[str, torch.Tensor]:
    step, terms = conditional.step, conditional.terms
    members = terms.shape[0]
    above = [contraction.to_members(group, chosen[group], step.plate).expand(draws, members) for group in step.rest]
    member = torch.arange(members, device=terms.device).expand(draws, members)
    sizes = terms.shape[1 + len(step.rest) :]
    weights = terms[(member, *above)].reshape(draws, members, prod(sizes))
    heights = weights.cumsum(-1)
    u = torch.rand(draws, members, 1, generator=generator, dtype=terms.dtype, device=terms.device)
    index = torch.searchsorted(heights, u * heights[..., -1:]).squeeze(-1).clamp_max(prod(sizes) - 1)
    indices: dict[str, torch.Tensor] = {}
    for group, size in zip(reversed(step.eliminated), reversed(sizes), strict=True):
        indices[group] = index % size
        index = index // size
    return indices


def pick(particles: Particles, plan: Plan, indices: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The values of the chosen particles: by latent, (draw, member, *event)."""
    plates = {part.variable.name: (group.name, part.variable.plate) for group in plan.groups for part in group.parts}
    plates |= {enumeration.name: (enumeration.name, enumeration.plate) for enumeration in plan.enumerations}
    picked: dict[str, torch.Tensor] = {}
    for name, (dim, plate) in plates.items():
        values, index = particles.values[name], indices[dim]
        member = torch.arange(values.shape[0], device=values.device)
        own = index if plate == plan.homes[dim] else index.expand(-1, values.shape[0])
        picked[name] = values[member, own]
    return picked
