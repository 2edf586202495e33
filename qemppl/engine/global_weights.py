"""Global importance sampling: particles of all groups and members share one index, so that K joint draws are weighed.

The straw man of massively parallel weighting, which weighs all combinations of the same particles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log

from qemppl.compile.plan import Plan
from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.engine.evidence import Contraction, Evidence, LogFactors
from qemppl.engine.faults import not_a_number
from qemppl.engine.joint import JointProgram, compile_joint
from qemppl.engine.particles import Proposal, draw_independent
from qemppl.engine.qem import EStep, Sampler, Weighted, effective
from qemppl.numerics.lazy import torch


@dataclass(frozen=True)
class GlobalSampler(Sampler):
    """Independent joint draws. joint: the model on as many of them as every group has particles."""

    joint: JointProgram = field(kw_only=True)

    @classmethod
    def of(cls, plan: Plan, generator: torch.Generator) -> GlobalSampler:
        """plan: with the same number of particles for every group, and no enumerated latents."""
        (count,) = {plan.particles[group.name] for group in plan.groups}
        return cls(
            plan, Contraction(plan), generator, draw_independent, joint=compile_joint(plan.bound, plan.target, count)
        )

    def e_step(self, proposals: Sequence[Proposal]) -> EStep:
        return EStep(self.draw(proposals, self.plan, self.generator), LogFactors((), lambda _: ()))

    def weigh(self, step: EStep, beta: float = 1.0) -> Weighted:
        """Weights p / q of joint draws, the same for every member. Raises DiagnosticsError for NaN or infinite densities."""
        densities, _ = self.joint.run(step.particles.values)
        log_p = torch.stack([log_p.sum(0) for log_p in densities.values()]).sum(0)
        log_r = log_p - torch.stack([cloud.log_q.sum(0) for cloud in step.particles.clouds.values()]).sum(0)
        if bool((log_r.isnan() | (log_r == torch.inf)).any()):
            raise DiagnosticsError(not_a_number(self.plan, step.particles), Stage.RESOURCE)
        shares = log_r.softmax(0).nan_to_num()
        weights = {name: shares.expand(len(cloud.u), -1) for name, cloud in step.particles.clouds.items()}
        ess = {name: effective(weight) for name, weight in weights.items()}
        return Weighted(beta, Evidence(log_r.logsumexp(0) - log(len(log_r))), weights, ess)

    def draw_indices(self, weighted: Weighted, draws: int) -> dict[str, torch.Tensor]:
        shares = next(iter(weighted.weights.values()))[0]
        index = torch.multinomial(shares, draws, replacement=True, generator=self.generator)
        return {name: index[:, None].expand(-1, len(weight)) for name, weight in weighted.weights.items()}
