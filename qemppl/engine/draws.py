"""Joint posterior draws by backward sampling.

The root groups first, then each plate given the particles chosen above it: at every step the exponentiated log-factors, restricted
to the particles already chosen, are the weights of the particles to choose from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qemppl.compile.plan import Plan
from qemppl.engine.chain_sums import ChainConditional
from qemppl.engine.choosing import choose_product
from qemppl.engine.evidence import Contraction, Evidence
from qemppl.engine.particles import Particles
from qemppl.engine.step_sums import Conditional
from qemppl.ir.model import before
from qemppl.numerics.lazy import torch


def draw_indices(
    contraction: Contraction, evidence: Evidence, draws: int, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Which particle of each group and member each joint draw takes: (draw, member) by group."""
    chosen: dict[str, torch.Tensor] = {}
    parts: dict[str, list[torch.Tensor]] = {}
    for conditionals in evidence.backward():
        here = dict(chosen)
        for conditional in conditionals:
            if conditional.step.eliminated:
                here |= _draw_step(contraction, conditional, here, draws, generator)
        if not conditionals[0].section.members:
            chosen = here
            continue
        for group in here.keys() - chosen.keys():
            parts.setdefault(group, []).append(here[group])
    return chosen | {group: torch.cat(drawn, 1) for group, drawn in parts.items()}


def _draw_step(
    contraction: Contraction,
    conditional: Conditional,
    chosen: Mapping[str, torch.Tensor],
    draws: int,
    generator: torch.Generator,
) -> dict[str, torch.Tensor]:
    if isinstance(conditional, ChainConditional):
        return _draw_chain(contraction, conditional, chosen, draws, generator)
    step, members = conditional.step, conditional.total.shape[0]
    above = {
        group: contraction.to_members(group, chosen[group], conditional).expand(draws, members) for group in step.rest
    }
    member = torch.arange(members, device=conditional.total.device).expand(draws, members)
    sizes = conditional.terms[0].shape[1 : 1 + len(step.eliminated)]
    tables = [_outermost(terms, len(step.eliminated)) for terms in conditional.terms]
    picks = [(member, *(above[group] for group in part if group in above)) for part in step.parts]
    return _by_dim(choose_product(tables, picks, generator), step.eliminated, sizes)


def _draw_chain(
    contraction: Contraction,
    conditional: ChainConditional,
    chosen: Mapping[str, torch.Tensor],
    draws: int,
    generator: torch.Generator,
) -> dict[str, torch.Tensor]:
    step, sizes = conditional.step, conditional.terms[0].shape[1:]
    rest = torch.zeros(draws, conditional.links.parents, dtype=torch.long, device=conditional.ends.device)
    for group, size in zip(step.rest, sizes[len(step.eliminated) :], strict=True):
        rest = rest * size + contraction.to_members(group, chosen[group], conditional)
    states = _by_dim(conditional.draw(rest, generator), step.states, sizes[len(step.summed) : len(step.eliminated)])
    earlier = torch.arange(-1, len(conditional.terms[0]) - 1, device=rest.device)
    earlier[conditional.links.first] += 1
    return states | {before(dim): index[:, earlier] for dim, index in states.items()}


def _by_dim(index: torch.Tensor, dims: Sequence[str], sizes: Sequence[int]) -> dict[str, torch.Tensor]:
    """Positions in several dims from the one in all of them together."""
    indices: dict[str, torch.Tensor] = {}
    for group, size in zip(reversed(dims), reversed(sizes), strict=True):
        indices[group] = index % size
        index = index // size
    return indices


def _outermost(terms: torch.Tensor, eliminated: int) -> torch.Tensor:
    """(member, *eliminated, *rest) -> (member, *rest, particle), the eliminated axes as one."""
    axes = range(1, terms.dim())
    return terms.permute(0, *axes[eliminated:], *axes[:eliminated]).flatten(-eliminated)


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
