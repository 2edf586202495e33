"""log Zhat as a differentiable function of the parameters of Q: plain operations of torch, everything kept for the way back.

For `vi`. And a second opinion: the derivatives of log Zhat by the log-factors of particles, which automatic differentiation gives here,
are the marginal weights that the engine's own contraction finds (the source-term trick, Bowyer et al. 2024).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from qemppl.compile.plan import Plan
from qemppl.compile.program import TableKey
from qemppl.engine.particles import Proposal, by_member
from qemppl.engine.step_sums import spread
from qemppl.numerics.lazy import torch


@dataclass(frozen=True)
class Evaluated:
    """log_z: a number. weights: by group, (member, particle)."""

    log_z: torch.Tensor
    weights: Mapping[str, torch.Tensor]


def evaluate(
    plan: Plan, proposals: Sequence[Proposal], standards: Mapping[str, torch.Tensor], generator: torch.Generator
) -> Evaluated:
    """log Zhat at independent particles. plan: of one slab, without passes. standards: of Q by group, (member, parameter)."""
    values: dict[str, torch.Tensor] = {}
    unary: dict[str, torch.Tensor] = {}
    for proposal in proposals:
        group, standard = proposal.group, standards[proposal.group.name]
        count = plan.particles[group.name]
        u = group.family.reparameterised(standard, count, generator)
        log_q = group.family.log_prob(standard, u)
        for part, chart in zip(group.parts, proposal.charts, strict=True):
            coordinates = u[:, :, part.offset : part.offset + part.size]
            log_q = log_q - chart.log_jacobian(coordinates).sum(-1)
            values[part.variable.name] = by_member(group, part, chart.forward(coordinates))
        unary[group.name] = -log_q - log(count)
    for discrete in plan.enumerations:
        states = torch.as_tensor(discrete.values, dtype=plan.target.dtype, device=plan.target.device)
        values[discrete.name] = states.expand(plan.axes.size(discrete.plate), -1)
    return log_evidence(plan, values, unary)


def log_evidence(plan: Plan, values: Mapping[str, torch.Tensor], unary: Mapping[str, torch.Tensor]) -> Evaluated:
    """log Zhat of particles and its derivatives by `unary`, -log(K Q) of each, (member, particle) by group. values: by latent."""
    unary = {name: value if value.requires_grad else value.clone().requires_grad_() for name, value in unary.items()}
    tables = {
        key: torch.zeros(shape, dtype=plan.target.dtype, device=plan.target.device)
        for key, shape in plan.trunk.table_shapes.items()
    }
    plan.trunk.fill(tables, values)
    for name, value in unary.items():
        key = (plan.homes[name], (name,))
        tables[key] = tables[key] + value if key in tables else value
    log_z = _contract(plan, tables)
    weights = torch.autograd.grad(log_z, list(unary.values()), retain_graph=True)
    return Evaluated(log_z, dict(zip(unary, weights, strict=True)))


def _contract(plan: Plan, given: Mapping[TableKey, torch.Tensor]) -> torch.Tensor:
    """Sums out every particle axis: log sum exp within a member, plain sums over members."""
    keys = plan.elimination.tables
    tables = {number: given[key] for number, key in enumerate(keys) if key in given}
    for step in plan.elimination.steps:
        total = sum(spread(tables[number], keys[number][1], step.dims) for number in step.inputs)
        assert isinstance(total, torch.Tensor), "a step has inputs"
        axes = tuple(range(1, 1 + len(step.eliminated)))
        message = total.logsumexp(axes) if axes else total
        if step.home != step.plate and step.home is None:
            message = message.sum(0, keepdim=True)
        elif step.home != step.plate:
            assert step.plate is not None
            assert step.home is not None
            ancestor = torch.as_tensor(plan.axes[step.plate].parents[step.home], device=message.device)
            empty = message.new_zeros(plan.axes.size(step.home), *message.shape[1:])
            message = empty.index_add(0, ancestor, message)
        tables[step.output] = message
    return tables[plan.elimination.steps[-1].output].squeeze(0)
