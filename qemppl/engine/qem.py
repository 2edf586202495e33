"""The adapt phase: QEM with a trust region (engine: from a running average to a posterior one can trust).

Each iteration draws particles from Q, weighs them (E-step), and moves the mean parameters of Q towards the weighted moments (M-step).
Weights are tempered, r^beta, with the largest beta whose effective sample size meets a target, so that the weighted particles stand
for a law between Q (beta = 0) and the posterior; at beta = 1 this is plain QEM
(Heap et al. 2025, section 3), with the decaying step t^-p of their Theorem 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp, inf, log
from statistics import median

from qemppl.compile.plan import Plan
from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.engine.evidence import Contraction, Evidence, LogFactors
from qemppl.engine.faults import impossible, not_a_number
from qemppl.engine.log_factors import log_factors
from qemppl.engine.particles import Particles, Proposal, draw_particles
from qemppl.numerics.lazy import torch

ESS_TARGET = 0.3
"""Effective particles of each group beyond the first, as a fraction of K - 1, below which weights are tempered."""
SMALLEST_BETA = 1e-14
"""A prior of scale 10 before 100,000 observations of scale 0.01 starts near 1e-11."""
RESOLUTION = 0.05
"""Of log beta."""
STRIDE = 0.3
"""How far log beta is expected to move between two iterations: the first guesses at its bounds."""
FIRST_STEP = 0.8
STEP_POWER = 0.7
"""The step is FIRST_STEP * t^-p, where t counts the iterations without progress: while Q travels it must move freely, and once it
has arrived, averaging is what helps."""
GROWTH = 1.05
GAIN = 0.5
"""Progress: beta exceeds its largest value so far by the factor GROWTH, or the recent evidence its best by GAIN nats."""
PATIENCE = 4
"""Iterations without progress before the step starts to shrink; also those whose median is the recent evidence."""
NEAR = 0.1
"""Below this beta Q is still far away: the step stays long, and the patience is FAR_PATIENCE times that of the end."""
FAR_PATIENCE = 4
WINDOW = 10
"""Iterations over which the evidence is compared with the window before."""
SETTLED = "the evidence stopped rising"
EXHAUSTED = "reached the largest number of iterations"


@dataclass(frozen=True)
class EStep:
    """Particles with their log-factors."""

    particles: Particles
    log_factors: LogFactors


@dataclass(frozen=True)
class Weighted:
    """The E-step at one beta. weights: (member, particle) by group, (member, state) by enumerated latent. ess: (member,) by group, as
    a fraction of K."""

    beta: float
    evidence: Evidence
    weights: Mapping[str, torch.Tensor]
    ess: Mapping[str, torch.Tensor]

    def spread(self, group: str) -> torch.Tensor:
        """Effective particles beyond the first, as a fraction of K - 1: 0 where one carries all, whatever K is. (member,)."""
        count = self.weights[group].shape[-1]
        return (self.ess[group] * count - 1) / max(count - 1, 1)

    @property
    def worst_spread(self) -> float:
        """The least over groups of the mean over members."""
        return min((float(self.spread(group).mean()) for group in self.ess), default=1.0)


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
        return EStep(particles, log_factors(self.plan, self.contraction, particles))

    def weigh(self, step: EStep, beta: float = 1.0) -> Weighted:
        """The evidence and marginal weights at one beta. Raises DiagnosticsError for NaN or infinite densities."""
        narrowing = {name: cloud.narrowing for name, cloud in step.particles.clouds.items()}
        evidence = self.contraction.run(step.log_factors, beta, narrowing)
        if bool(evidence.log_z.isnan()) or evidence.log_z.item() == torch.inf:
            raise DiagnosticsError(not_a_number(self.plan, step.particles), Stage.RESOURCE)
        weights = self.contraction.marginals(evidence)
        sampled = {name: weights[name] for name in step.particles.clouds}
        ess = {name: (w.sum(-1) / w.norm(dim=-1)).square().nan_to_num() / w.shape[-1] for name, w in sampled.items()}
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
    largest_beta: float = 0.0
    best_elbo: float = -inf
    settled: int = 0
    """Iterations without progress."""
    quiet: int = 0
    """Those since the last progress."""
    projected: int = 0
    stop_reason: str = ""


def adapt(sampler: Sampler, state: Adaptation, max_iterations: int, watch: Callable[[Adaptation], None]) -> Adaptation:
    """Fits Q. Stops when neither the trust region nor, beyond its own noise, the evidence rises, or at `max_iterations`.

    state: where to begin, changed in place. watch: called with it after each iteration.
    """
    while not state.stop_reason:
        step = sampler.e_step(state.proposals)
        plain = sampler.weigh(step)
        weighted = _trust_region(sampler, step, plain, state.history[-1].beta if state.history else 1.0)
        ess = tuple(float(e.mean()) for e in weighted.ess.values())
        state.history.append(Iteration(plain.evidence.log_z.item(), weighted.beta, ess))
        move = _step_size(state)
        state.proposals = tuple(_m_step(state, proposal, step, weighted, move) for proposal in state.proposals)
        state.stop_reason = _stop_reason(state, max_iterations)
        watch(state)
    return state


def _trust_region(sampler: Sampler, step: EStep, plain: Weighted, last: float) -> Weighted:
    """The E-step at the largest beta in (0, 1] whose ESS meets the target, by bisection of log beta around the last one."""
    if plain.worst_spread >= ESS_TARGET:
        return plain
    best = sampler.weigh(step, SMALLEST_BETA)
    if best.evidence.log_z.item() == -torch.inf:
        raise DiagnosticsError(impossible(sampler.plan, step.particles), Stage.RESOURCE)
    low, high = log(SMALLEST_BETA), 0.0
    probes = [log(last) + STRIDE, log(last) - STRIDE]
    while high - low > RESOLUTION:
        inside = [probe for probe in probes if low < probe < high]
        middle = inside[0] if inside else 0.5 * (low + high)
        weighted = sampler.weigh(step, exp(middle))
        if weighted.worst_spread >= ESS_TARGET:
            low, best = middle, weighted
        else:
            high = middle
    return best


def _step_size(state: Adaptation) -> float:
    """How far to move now; keeps the counts of progress."""
    beta = state.history[-1].beta
    recent = median(line.elbo for line in state.history[-PATIENCE - 1 :])
    if beta > GROWTH * state.largest_beta or recent > state.best_elbo + GAIN:
        state.quiet, state.settled = 0, state.settled // 2
        state.largest_beta, state.best_elbo = max(beta, state.largest_beta), max(recent, state.best_elbo)
    else:
        state.quiet += 1
        state.settled += (state.quiet > PATIENCE and state.largest_beta >= NEAR) or beta == 1
    return FIRST_STEP * math.pow(1.0 + state.settled, -STEP_POWER)


def _m_step(state: Adaptation, proposal: Proposal, step: EStep, weighted: Weighted, move: float) -> Proposal:
    """Blends the weighted moments into Q.

    A member whose weight sits on few particles moves less, for their spread means little; but it has not arrived, and its steps do
    not shrink with those of the others.
    """
    group, family = proposal.group, proposal.group.family
    moments = family.moments(step.particles.clouds[group.name].u, weighted.weights[group.name])
    spread = weighted.spread(group.name)[:, None]
    trust = (spread / ESS_TARGET).clamp(0.0, 1.0).sqrt()
    step_size = torch.where(spread < ESS_TARGET, max(move, FIRST_STEP), move)
    blended = family.blend(proposal.mean, moments, step_size * trust)
    mean = family.project_mean(blended)
    state.projected += int((mean != blended).any(-1).sum())
    return replace(proposal, mean=mean)


def _stop_reason(state: Adaptation, max_iterations: int) -> str:
    """Why to stop now; empty to go on."""
    history = state.history
    if state.quiet >= 2 * WINDOW * (1 if state.largest_beta >= NEAR else FAR_PATIENCE):
        recent = torch.tensor([line.elbo for line in history[-WINDOW:]], dtype=torch.float64)
        before = torch.tensor([line.elbo for line in history[-2 * WINDOW : -WINDOW]], dtype=torch.float64)
        noise = ((recent.var() + before.var()) / WINDOW).sqrt()
        if recent.mean() - before.mean() <= 2 * noise:
            return SETTLED
    if len(history) >= max_iterations:
        return EXHAUSTED
    return ""
