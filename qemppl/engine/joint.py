"""The model evaluated on joint draws: deterministic names and log-densities, all latents sharing one draw index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qemppl.compile.assemble import Task, assemble
from qemppl.compile.builder import Builder
from qemppl.compile.densities import observe
from qemppl.compile.factors import Site, sites
from qemppl.compile.layout import Axes, Target
from qemppl.compile.plan import Plan
from qemppl.compile.program import Program
from qemppl.data.bound import BoundModel
from qemppl.engine.ancestral import DRAW, draw_layouts
from qemppl.engine.particles import Proposal
from qemppl.numerics.lazy import torch

MOST_LOG_LIKELIHOODS = 1 << 24
"""Values of one observation's pointwise log-likelihood that are worth their memory."""
BLOCK = 1 << 20
"""Numbers of joint draws whose log Q is computed at once."""


@dataclass(frozen=True)
class Joint:
    """On joint draws. definitions: by name, (draw, member, *event). log_likelihood: by name, (draw, member), NaN where an outcome is
    missing. log_prior, log_joint, log_q: (draw,). All on the CPU.

    An observation with more than MOST_LOG_LIKELIHOODS values has no pointwise log-likelihood; it counts in log_joint.
    """

    definitions: Mapping[str, torch.Tensor]
    log_likelihood: Mapping[str, torch.Tensor]
    log_prior: torch.Tensor
    log_joint: torch.Tensor
    log_q: torch.Tensor


@dataclass(frozen=True)
class JointProgram:
    """A model on `count` joint draws. pointwise: the observations whose log-density is kept by member. varying: slots of deterministic
    names that depend on latents."""

    count: int
    program: Program
    pointwise: tuple[Site, ...]
    totals: frozenset[str]
    varying: Mapping[str, int]

    def run(self, particles: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """Log-densities by site, (member, draw), and deterministic names. particles: by latent, (member, draw, *event)."""
        by_member, values = self.program.densities(particles, self.totals, tuple(self.varying.values()))
        densities = {name: log_p.expand(-1, self.count) for name, log_p in by_member.items()}
        return densities, dict(zip(self.varying, values, strict=True))

    def log_likelihood(self, draws: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """(draw,) the log-density of all outcomes. draws: by latent, (draw, member, *event)."""
        by_site, _ = self.run({name: values.transpose(0, 1) for name, values in draws.items()})
        outcomes = [log_p.sum(0).cpu() for name, log_p in by_site.items() if name not in draws]
        return sum(outcomes, torch.zeros(self.count, dtype=self.program.dtype))


def compile_joint(bound: BoundModel, target: Target, count: int) -> JointProgram:
    """The program of a model on so many joint draws."""
    builder = Builder(bound, Axes(bound), draw_layouts(bound), target)
    found = sites(builder)
    slots = {d.name: builder.expression(d.value) for d in bound.ir.definitions}
    varying = {name: slot for name, slot in slots.items() if slot not in builder.constants}
    pointwise = tuple(site for site in found if _is_pointwise(bound, site, count))
    totals = frozenset({site.name for site in found} - {site.name for site in pointwise})
    factors = [(site.name, slot) for site in found for slot in _slots(builder, site, is_total=site.name in totals)]
    task = Task(factors, tuple(varying.values()))
    program = assemble(builder, task, {DRAW: count}, {DRAW: None}, target.memory)
    return JointProgram(count, program, pointwise, totals, varying)


def evaluate(
    plan: Plan, proposals: Sequence[Proposal], draws: Mapping[str, torch.Tensor], integrated: torch.Tensor
) -> Joint:
    """Evaluates a model on draws. draws: by latent, (draw, member, *event). integrated: log evidence of integrated chains given all else,
    (draw,): the law of their states is their joint density over it."""
    joint = compile_joint(plan.bound, plan.target, len(next(iter(draws.values()))))
    particles = {name: values.transpose(0, 1).to(plan.target.device) for name, values in draws.items()}
    by_site, values = joint.run(particles)
    densities = {name: log_p.transpose(0, 1).cpu() for name, log_p in by_site.items()}
    latents = {variable.name for variable in plan.bound.ir.latents}
    in_closed_form = {v.name for chain in plan.integrated for v in (*chain.states, *chain.outcomes)}
    return Joint(
        definitions={name: value.transpose(0, 1).cpu() for name, value in values.items()},
        log_likelihood=_pointwise(plan.bound, joint.pointwise, densities),
        log_prior=torch.stack([log_p.sum(1) for name, log_p in densities.items() if name in latents]).sum(0),
        log_joint=torch.stack([log_p.sum(1) for log_p in densities.values()]).sum(0),
        log_q=sum(
            (_log_q(proposal, particles).cpu() for proposal in proposals),
            sum((log_p.sum(1) for name, log_p in densities.items() if name in in_closed_form), -integrated),
        ),
    )


def log_likelihood(bound: BoundModel, target: Target, draws: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(draw,) the log-density of all outcomes given joint draws. draws: by latent, (draw, member, *event)."""
    return compile_joint(bound, target, len(next(iter(draws.values())))).log_likelihood(draws)


def _is_pointwise(bound: BoundModel, site: Site, draws: int) -> bool:
    return site.rows is not None and bound.count(site.variable.plate) * draws <= MOST_LOG_LIKELIHOODS


def _slots(builder: Builder, site: Site, *, is_total: bool) -> list[int]:
    """Of a site's log-density; of the sum over its rows alone, in its cheapest form."""
    return observe(builder, site.rows, {DRAW: None}).factors if is_total and site.rows else [site.slot]


def _pointwise(
    bound: BoundModel, found: Sequence[Site], densities: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """By observation, (draw, member); NaN for a missing outcome."""
    likelihood: dict[str, torch.Tensor] = {}
    for site in found:
        log_p, rows, name = densities[site.name], site.rows, site.variable.name
        if rows is None or rows.index is None:
            likelihood[name] = log_p
            continue
        if name not in likelihood:
            likelihood[name] = torch.full((len(log_p), bound.count(site.variable.plate)), torch.nan, dtype=log_p.dtype)
        likelihood[name][:, torch.as_tensor(rows.index)] = log_p
    return likelihood


def _log_q(proposal: Proposal, particles: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """log Q of a group at joint draws, summed over its members: (draw,)."""
    own = {part.variable.name: particles[part.variable.name] for part in proposal.group.parts}
    draws = next(iter(own.values())).shape[1]
    block = max(1, BLOCK * draws // sum(values.numel() for values in own.values()))
    blocks = [{name: x[:, start : start + block] for name, x in own.items()} for start in range(0, draws, block)]
    return torch.cat([_log_q_of_block(proposal, x) for x in blocks])


def _log_q_of_block(proposal: Proposal, particles: Mapping[str, torch.Tensor]) -> torch.Tensor:
    group, family = proposal.group, proposal.group.family
    coordinates, log_jacobian = [], []
    for part, chart in zip(group.parts, proposal.charts, strict=True):
        x = particles[part.variable.name]
        if part.variable.plate != group.plate:
            x = x.transpose(0, 1)[None]
        u = chart.inverse(x.reshape(proposal.mean.shape[0], -1, part.components))
        log_jacobian.append(chart.log_jacobian(u).sum((0, 2)))
        coordinates.append(u)
    log_q = family.log_prob(family.mean_to_standard(proposal.mean), torch.cat(coordinates, -1))
    return log_q.sum(0) - torch.stack(log_jacobian).sum(0)
