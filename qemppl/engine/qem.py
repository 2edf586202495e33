"""The adapt phase: QEM with a trust region (engine: from a running average to a posterior one can trust).

Each iteration draws particles from Q, weighs them (E-step), and moves the mean parameters of Q towards the weighted moments (M-step).
Weights are tempered, r^beta, with the largest beta whose effective sample size meets a target; at beta = 1 this is plain QEM
(Heap et al. 2025, section 3), with the decaying step t^-p of their Theorem 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp, log

from qemppl.compile.plan import Plan
from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.engine.evidence import Contraction, Evidence
from qemppl.engine.faults import impossible, not_a_number
from qemppl.engine.particles import Particles, Proposal, draw_particles, unary_log_factors
from qemppl.numerics.lazy import torch

ESS_TARGET = 0.3
"""Effective particles of each group, as a fraction of K, below which weights are tempered."""
SMALLEST_BETA = 1e-6
BISECTIONS = 8
TEMPERED_STEP = 0.8
STEP_POWER = 0.7
"""p of the step t^-p once weights are (nearly) untempered."""
NEARLY_PLAIN = 0.5
"""From this beta on an iteration counts as plain: Q is then close enough for averaging to pay."""
WINDOW = 10
"""Iterations over which the evidence is compared with the window before."""
STALLED = 60
"""Tempered iterations without a larger beta, after which adaptation gives up."""


@dataclass(frozen=True)
class EStep:
    """Particles with their log-factors, summed for each step of the contraction."""

    particles: Particles
    log_factors: list[torch.Tensor]


@dataclass(frozen=True)
class Weighted:
    """The E-step at one beta. weights: (member, particle) by group. ess: (member,) by group, as a fraction of K."""

    beta: float
    evidence: Evidence
    weights: Mapping[str, torch.Tensor]
    ess: Mapping[str, torch.Tensor]

    @property
    def worst_ess(self) -> float:
        """The least over groups of the mean over members."""
        return min(float(ess.mean()) for ess in self.ess.values())


@dataclass(frozen=True)
class Sampler:
    """What every E-step needs."""

    plan: Plan
    contraction: Contraction
    generator: torch.Generator

    def e_step(self, proposals: Sequence[Proposal]) -> EStep:
        """Draws particles and computes every log-factor."""
        return self.log_factors(draw_particles(proposals, self.plan, self.generator))

    def log_factors(self, particles: Particles) -> EStep:
        """The log-factors of given particles."""
        tables = self.plan.program.tables(particles.values)
        plates = {group.name: group.plate for group in self.plan.groups}
        for name, unary in unary_log_factors(particles, self.plan).items():
            key = (plates[name], (name,))
            tables[key] = tables[key] + unary if key in tables else unary
        return EStep(particles, self.contraction.combine(tables))

    def weigh(self, step: EStep, beta: float = 1.0) -> Weighted:
        """The evidence and marginal weights at one beta. Raises DiagnosticsError for NaN or infinite densities."""
        evidence = self.contraction.run(step.log_factors, beta)
        if bool(evidence.log_z.isnan()) or evidence.log_z.item() == torch.inf:
            raise DiagnosticsError(not_a_number(self.plan, step.particles), Stage.RESOURCE)
        weights = self.contraction.marginals(evidence)
        ess = {name: 1 / (w.square().sum(-1) * w.shape[-1]) for name, w in weights.items()}
        return Weighted(beta, evidence, weights, ess)


@dataclass(frozen=True)
class Iteration:
    """One line of the trace."""

    elbo: float
    beta: float
    ess: tuple[float, ...]


@dataclass
class Adaptation:
    """The state of the adapt phase, and its history."""

    proposals: tuple[Proposal, ...]
    history: list[Iteration] = field(default_factory=list)
    plain: int = 0
    projected: int = 0
    stop_reason: str = ""


def adapt(
    sampler: Sampler, proposals: tuple[Proposal, ...], max_iterations: int, watch: Callable[[Iteration], None]
) -> Adaptation:
    """Fits Q. Stops when the evidence no longer rises beyond its own noise, when beta no longer rises, or at `max_iterations`."""
    state = Adaptation(proposals)
    while not state.stop_reason:
        step = sampler.e_step(state.proposals)
        plain = sampler.weigh(step)
        weighted = _trust_region(sampler, step, plain)
        state.plain = state.plain + 1 if weighted.beta >= NEARLY_PLAIN else 0
        move = (1 + state.plain) ** -STEP_POWER if state.plain else TEMPERED_STEP
        state.proposals = tuple(_m_step(state, proposal, step, weighted, move) for proposal in state.proposals)
        ess = tuple(float(e.mean()) for e in weighted.ess.values())
        state.history.append(Iteration(plain.evidence.log_z.item(), weighted.beta, ess))
        watch(state.history[-1])
        state.stop_reason = _stop_reason(state, max_iterations)
    return state


def _trust_region(sampler: Sampler, step: EStep, plain: Weighted) -> Weighted:
    """The E-step at the largest beta in (0, 1] whose ESS meets the target, by bisection of log beta."""
    if plain.worst_ess >= ESS_TARGET:
        return plain
    low, high = log(SMALLEST_BETA), 0.0
    best = sampler.weigh(step, SMALLEST_BETA)
    if best.evidence.log_z.item() == -torch.inf:
        raise DiagnosticsError(impossible(sampler.plan, step.particles), Stage.RESOURCE)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        weighted = sampler.weigh(step, exp(middle))
        if weighted.worst_ess >= ESS_TARGET:
            low, best = middle, weighted
        else:
            high = middle
    return best


def _m_step(state: Adaptation, proposal: Proposal, step: EStep, weighted: Weighted, move: float) -> Proposal:
    """Blends the weighted moments into Q. A member whose weight sits on few particles moves less: their spread means little."""
    group, family = proposal.group, proposal.group.family
    moments = family.moments(step.particles.clouds[group.name].u, weighted.weights[group.name])
    trust = (weighted.ess[group.name] / ESS_TARGET).clamp(max=1.0)[:, None]
    blended = family.blend(proposal.mean, moments, move * trust)
    mean = family.project_mean(blended)
    state.projected += int((mean != blended).any(-1).sum())
    return replace(proposal, mean=mean)


def _stop_reason(state: Adaptation, max_iterations: int) -> str:
    """Why to stop now; empty to go on."""
    history = state.history
    if state.plain >= 2 * WINDOW:
        recent = torch.tensor([line.elbo for line in history[-WINDOW:]])
        before = torch.tensor([line.elbo for line in history[-2 * WINDOW : -WINDOW]])
        noise = ((recent.var() + before.var()) / WINDOW).sqrt()
        if recent.mean() - before.mean() <= 2 * noise:
            return "the evidence stopped rising"
    if len(history) >= max_iterations:
        return "reached the largest number of iterations"
    best = max(range(len(history)), key=lambda i: history[i].beta)
    if state.plain == 0 and len(history) - best > STALLED:
        return "the trust region stopped growing"
    return ""
