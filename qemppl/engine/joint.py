"""The model evaluated on joint draws: deterministic names and log-densities, all latents sharing one draw index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qemppl.compile.builder import Builder
from qemppl.compile.factors import density
from qemppl.compile.layout import Axes
from qemppl.compile.plan import Plan, assemble
from qemppl.engine.ancestral import DRAW, draw_layouts
from qemppl.engine.particles import Proposal
from qemppl.numerics.lazy import torch

MOST_LOG_LIKELIHOODS = 1 << 24
"""Values of one observation's pointwise log-likelihood that are worth their memory."""


@dataclass(frozen=True)
class Joint:
    """On joint draws. definitions, log_likelihood: by name, (draw, member, ..). log_prior, log_joint, log_q: (draw,).

    An observation with more than MOST_LOG_LIKELIHOODS values has no pointwise log-likelihood; it counts in log_joint.
    """

    definitions: Mapping[str, torch.Tensor]
    log_likelihood: Mapping[str, torch.Tensor]
    log_prior: torch.Tensor
    log_joint: torch.Tensor
    log_q: torch.Tensor


def evaluate(plan: Plan, proposals: Sequence[Proposal], draws: Mapping[str, torch.Tensor]) -> Joint:
    """Evaluates a model on draws. draws: by latent, (draw, member, *event)."""
    bound, axes = plan.bound, Axes(plan.bound)
    builder = Builder(bound, axes, draw_layouts(bound), plan.target.dtype, plan.target.device)
    latents = frozenset(v.name for v in bound.ir.latents)
    factors = [(v.name, density(builder, v)) for v in (*bound.ir.latents, *bound.ir.observations)]
    slots = {d.name: builder.expression(d.value) for d in bound.ir.definitions}
    varying = {name: slot for name, slot in slots.items() if slot not in builder.constants}
    count = len(next(iter(draws.values())))
    particles = {name: values.transpose(0, 1) for name, values in draws.items()}
    outputs = tuple(varying.values())
    program = assemble(builder, factors, {DRAW: count}, {DRAW: None}, plan.target.memory, outputs)
    large = frozenset(v.name for v in bound.ir.observations if bound.count(v.plate) * count > MOST_LOG_LIKELIHOODS)
    by_member, values = program.densities(particles, latents | large, outputs)
    densities = {name: log_p.expand(-1, count).transpose(0, 1) for name, log_p in by_member.items()}
    return Joint(
        definitions={name: value.transpose(0, 1) for name, value in zip(varying, values, strict=True)},
        log_likelihood={name: log_p for name, log_p in densities.items() if name not in latents | large},
        log_prior=torch.stack([log_p.sum(1) for name, log_p in densities.items() if name in latents]).sum(0),
        log_joint=torch.stack([log_p.sum(1) for log_p in densities.values()]).sum(0),
        log_q=torch.stack([_log_q(proposal, particles) for proposal in proposals]).sum(0),
    )


def _log_q(proposal: Proposal, particles: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """log Q of a group at joint draws, summed over its members: (draw,)."""
    group, family = proposal.group, proposal.group.family
    coordinates, log_jacobian = [], []
    for part, chart in zip(group.parts, proposal.charts, strict=True):
        x = particles[part.variable.name]
        if part.variable.plate != group.plate:
            x = x.transpose(0, 1)[None]
        u = chart.inverse(x.reshape(proposal.mean.shape[0], -1, part.size))
        log_jacobian.append(chart.log_jacobian(u).sum((0, 2)))
        coordinates.append(u)
    log_q = family.log_prob(family.mean_to_standard(proposal.mean), torch.cat(coordinates, -1))
    return log_q.sum(0) - torch.stack(log_jacobian).sum(0)
