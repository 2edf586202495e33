"""log Zhat as a differentiable function of the parameters of Q: plain operations of torch, everything kept for the way back.

For `vi`. And a second opinion: the derivatives of log Zhat by the log-factors of particles, which automatic differentiation gives here,
are the marginal weights that the engine's own contraction finds (the source-term trick, Bowyer et al. 2024).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qemppl.compile.plan import Plan
from qemppl.compile.program import TableKey, add_to_ancestors
from qemppl.engine.evidence import Evidence
from qemppl.engine.particles import Proposal, draw_independent, unary_log_factors
from qemppl.engine.qem import Weighted, effective
from qemppl.engine.step_sums import spread
from qemppl.numerics.lazy import torch


def evaluate(
    plan: Plan, proposals: Sequence[Proposal], standards: Mapping[str, torch.Tensor], generator: torch.Generator
) -> Weighted:
    """log Zhat at independent particles. plan: of one slab, without passes. standards: of Q by group, (member, parameter)."""
    particles = draw_independent(proposals, plan, generator, standards)
    return log_evidence(plan, particles.values, unary_log_factors(particles, plan))


def log_evidence(plan: Plan, values: Mapping[str, torch.Tensor], unary: Mapping[str, torch.Tensor]) -> Weighted:
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
    slopes = torch.autograd.grad(log_z, list(unary.values()), retain_graph=True)
    weights = dict(zip(unary, slopes, strict=True))
    return Weighted(1.0, Evidence(log_z), weights, {name: effective(weight) for name, weight in weights.items()})


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
            total = message.new_zeros(plan.axes.size(step.home), *message.shape[1:])
            add_to_ancestors(total, ancestor, message)
            message = total
        tables[step.output] = message
    return tables[plan.elimination.steps[-1].output].squeeze(0)
