"""The adapt phase: QEM with a trust region (engine: from a running average to a posterior one can trust).

Each iteration draws particles from Q, weighs them (E-step), and moves the mean parameters of Q towards the weighted moments (M-step).
Weights are tempered, r^beta, with the largest beta whose effective sample size meets a target, so that the weighted particles stand
for a law between Q (beta = 0) and the posterior; at beta = 1 this is plain QEM
(Heap et al. 2025, section 3), with the decaying step t^-p of their Theorem 1.

Global latents are tempered together, inside the contraction. The latents of plates are tempered there not at all, but each member by
itself in the M-step: a member meets few data and soon needs none of it, while the evidence of all members on the global latents is
sharp. With one beta for both, members would stay close to Q for as long as the global latents travel, and these would follow what is
not yet the posterior of the members.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp, inf, log
from statistics import fmean, median, stdev

from qemppl.compile.plan import Plan, make_plan
from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.engine.draws import draw_indices
from qemppl.engine.evidence import Contraction, Evidence, LogFactors
from qemppl.engine.faults import impossible, not_a_number
from qemppl.engine.log_factors import log_factors
from qemppl.engine.particles import Particles, Proposal, draw_particles
from qemppl.engine.resolution import MOSTLY, more_particles, unresolved
from qemppl.numerics.allocation import keep_freed_memory
from qemppl.numerics.lazy import torch

ESS_TARGET = 0.3
"""Effective particles of each group beyond the first, as a fraction of K - 1, below which weights are tempered."""
SMALLEST_BETA = 1e-14
"""A prior of scale 10 before 100,000 observations of scale 0.01 starts near 1e-11."""
RESOLUTION = 0.05
"""Of log beta."""
STRIDE = 0.3
"""How far log beta is expected to move between two iterations, either way."""
MOST_TRIALS = 31
"""Values of beta that are tried at once: nearly as fast as one, while tables are small."""
TRIAL_ENTRIES = 1 << 17
"""Entries of the tables that trials at once may have."""
LOG_ZERO = -700.0
"""Stands for the log of a member's weight that is 0 in rounding."""
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
STEADY = 0.1
"""Q has arrived where at beta = 1 the sd of log Zhat stays at most STEADY: E log Zhat is then about STEADY^2 / 2 from the log evidence."""
SHORTEST_STAY, LONGEST_STAY = 8, 20
WORK = 1 << 28
"""Entries of tables that iterations may compute after Q has arrived, a few seconds, in numbers between these. They still help by
averaging: Q then knows of tails of the posterior that few iterations have met."""
FEWEST_LOOKS = 3
LOOK_EVERY = 2
"""Iterations between two looks at what is unresolved: these take about 2 % of one."""
ARRIVED = "the evidence no longer varies"
EXHAUSTED = "reached the largest number of iterations"


@dataclass(frozen=True)
class EStep:
    """Particles with their log-factors."""

    particles: Particles
    log_factors: LogFactors


@dataclass(frozen=True)
class Weighted:
    """The E-step at one beta. weights: (member, particle) by group, (member, state) by enumerated latent. ess: effective particles of
    each member, (member,) by group."""

    beta: float
    evidence: Evidence
    weights: Mapping[str, torch.Tensor]
    ess: Mapping[str, torch.Tensor]

    @property
    def mean_ess(self) -> tuple[float, ...]:
        """Of each group, over its members, as a fraction of K."""
        return tuple(float(e.mean()) / self.weights[group].shape[-1] for group, e in self.ess.items())


@dataclass(frozen=True)
class Sampler:
    """What every E-step needs. draw: how particles are drawn. pools: whether a report pools many E-steps."""

    plan: Plan
    contraction: Contraction
    generator: torch.Generator
    draw: Callable[[Sequence[Proposal], Plan, torch.Generator], Particles] = draw_particles
    pools: bool = True

    def with_particles(self, particles: Mapping[str, int]) -> Sampler:
        """The same with other numbers of particles: K by group, of those that change."""
        if particles.items() <= self.plan.particles.items():
            return self
        plan = self.plan
        plan = make_plan(plan.bound, plan.target, {**plan.particles, **particles}, separate=plan.separate)
        return replace(self, plan=plan, contraction=Contraction(plan))

    def e_step(self, proposals: Sequence[Proposal]) -> EStep:
        """Draws particles and computes every log-factor."""
        return self.log_factors(self.draw(proposals, self.plan, self.generator))

    def log_factors(self, particles: Particles) -> EStep:
        """The log-factors of given particles."""
        return EStep(particles, log_factors(self.plan, self.contraction, particles))

    def weigh(self, step: EStep, beta: float = 1.0) -> Weighted:
        """The evidence and marginal weights at one beta. Raises DiagnosticsError for NaN or infinite densities."""
        evidence = self.run(step)
        return self.weighted(beta, evidence if beta == 1 else self.temper(step, evidence, [beta]))

    def draw_indices(self, weighted: Weighted, draws: int) -> dict[str, torch.Tensor]:
        """Which particle of each group and member each joint draw takes: (draw, member) by group."""
        return draw_indices(self.contraction, weighted.evidence, draws, self.generator)

    def run(self, step: EStep) -> Evidence:
        """The evidence at beta = 1. Raises DiagnosticsError for NaN or infinite densities."""
        evidence = self.contraction.run(step.log_factors)
        if bool(evidence.log_z.isnan()) or evidence.log_z.item() == torch.inf:
            raise DiagnosticsError(not_a_number(self.plan, step.particles), Stage.RESOURCE)
        return evidence

    def temper(self, step: EStep, evidence: Evidence, betas: Sequence[float]) -> Evidence:
        """That of the last run at other betas."""
        narrowing = {name: cloud.narrowing for name, cloud in step.particles.clouds.items()}
        return self.contraction.temper(step.log_factors, evidence, betas, narrowing)

    def weighted(self, beta: float, evidence: Evidence) -> Weighted:
        """Adds the marginal weights of every latent."""
        weights = self.contraction.marginals(evidence)
        ess = {group.name: effective(weights[group.name]) for group in self.plan.groups}
        return Weighted(beta, evidence, weights, ess)


@dataclass(frozen=True)
class Iteration:
    """One line of the trace. unresolved: as in engine/resolution.py, by group; empty where nobody looked."""

    elbo: float
    beta: float
    ess: tuple[float, ...]
    unresolved: Mapping[str, float] = field(default_factory=dict)


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
    particles: dict[str, int] = field(default_factory=dict)
    """K by group, of those that got more than the planner chose."""
    grown_at: int = 0
    """Iterations before they got the last of them."""
    stop_reason: str = ""

    @property
    def latest(self) -> list[Iteration]:
        """The lines of the trace since then."""
        return self.history[self.grown_at :]

    def unresolved(self) -> dict[str, float]:
        """The mean of the latest SHORTEST_STAY lines that have looked, by group."""
        seen = [line.unresolved for line in self.latest if line.unresolved][-SHORTEST_STAY:]
        return {name: fmean(line[name] for line in seen) for name in (seen[-1] if seen else ())}

    @property
    def is_hopeless(self) -> bool:
        """Whether the latest FEWEST_LOOKS lines that have looked, since the number of particles was changed, found most unresolved."""
        seen = [line.unresolved for line in self.latest if line.unresolved][-FEWEST_LOOKS:]
        return len(seen) == FEWEST_LOOKS and all(max(line.values()) > MOSTLY for line in seen)


def adapt(sampler: Sampler, state: Adaptation, max_iterations: int, watch: Callable[[Adaptation], None]) -> Adaptation:
    """Fits Q. Stops when neither the trust region nor, beyond its own noise, the evidence rises, or at `max_iterations`.

    Where it stops, groups of plates get more particles if those they have do not resolve small scales, and it goes on.
    state: where to begin, changed in place. watch: called with it after each iteration.
    """
    keep_freed_memory()
    sampler = sampler.with_particles(state.particles)
    while not state.stop_reason:
        step = sampler.e_step(state.proposals)
        plain = sampler.run(step)
        log_z = plain.log_z.item()
        if log_z == -torch.inf:
            raise DiagnosticsError(impossible(sampler.plan, step.particles), Stage.RESOURCE)
        weighted = _trust_region(sampler, step, plain, state.history[-1].beta if state.history else 1.0)
        looks = len(state.history) % LOOK_EVERY == 0
        shares = _unresolved(sampler, weighted) if looks else {}
        state.history.append(Iteration(log_z, weighted.beta, weighted.mean_ess, shares))
        move = _step_size(state)
        state.proposals = tuple(_m_step(state, proposal, step, weighted, move) for proposal in state.proposals)
        state.stop_reason = _stop_reason(state, max_iterations, sampler.plan.flops)
        if state.stop_reason != EXHAUSTED and (state.stop_reason or state.is_hopeless):
            sampler = _grow(sampler, state)
        watch(state)
    return state


def _unresolved(sampler: Sampler, weighted: Weighted) -> dict[str, float]:
    """Only where it costs next to nothing, and weights are those of the posterior."""
    if weighted.beta < 1 or not sampler.plan.is_kept:
        return {}
    return unresolved(sampler.plan, sampler.contraction, weighted.evidence)


def _grow(sampler: Sampler, state: Adaptation) -> Sampler:
    """With more particles where they are needed; the adapt phase then goes on."""
    more = more_particles(sampler.plan, state.unresolved())
    if more:
        state.particles |= more
        state.grown_at, state.settled, state.quiet, state.stop_reason = len(state.history), 0, 0, ""
    return sampler.with_particles(state.particles)


def _trust_region(sampler: Sampler, step: EStep, plain: Evidence, last: float) -> Weighted:
    """The E-step at the largest beta in (0, 1] whose ESS meets the target in every group of global latents: a search of log beta
    that divides an interval, at first around the last one. Trials cost the sums over global particles alone."""
    plan = sampler.plan
    entries = sum(s.entries(plan.particles) for s in plan.elimination.steps if s.plate is None)
    trials = max(2, _trials(entries))

    def serve(weights: Mapping[str, torch.Tensor]) -> list[bool]:
        roots = [weights[group.name] for group in plan.groups if group.plate is None]
        return torch.stack([_serves(effective(w), w.shape[-1]) for w in roots]).all(0).tolist() if roots else [True]

    if last == 1:  # it most likely still is, and the weights of all latents, wanted then, tell those of the global ones
        weighted = sampler.weighted(1.0, plain)
        if all(serve(weighted.weights)):
            return weighted
    elif all(serve(sampler.contraction.root_marginals(plain))):
        return sampler.weighted(1.0, plain)
    low, high = log(SMALLEST_BETA), 0.0
    # the outermost trials are at least STRIDE away, and further where one round of trials can still tell to RESOLUTION
    outwards = max(STRIDE * (trials + 1) / (trials - 1), 0.49 * RESOLUTION * (trials + 1))
    begin, end = max(log(last) - outwards, low), min(log(last) + outwards, high)
    while high - low > RESOLUTION:
        points = torch.linspace(begin, end, trials + 2, dtype=torch.float64).tolist()[1:-1]
        tempered = sampler.temper(step, plain, [exp(point) for point in points])
        verdicts = serve(sampler.contraction.root_marginals(tempered))
        good = verdicts.index(False) if False in verdicts else len(points)
        low, high = [low, *points][good], [*points, high][good]
        begin, end = low, high
    return sampler.weighted(exp(low), sampler.temper(step, plain, [exp(low)]))


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

    A member whose weight sits on few particles has not arrived, and its steps do not shrink with those of the others.
    """
    group, family = proposal.group, proposal.group.family
    cloud, weights = step.particles.clouds[group.name], weighted.weights[group.name]
    serves = _serves(weighted.ess[group.name], weights.shape[-1])
    length: torch.Tensor | float = move
    if not serves.all():
        weights = _temper(weights, cloud.narrowing, (~serves).nonzero()[:, 0])
        length = torch.where(serves[:, None], move, max(move, FIRST_STEP))
    blended = family.blend(proposal.mean, family.moments(cloud.u, weights), length)
    mean = family.project_mean(blended)
    if not torch.equal(mean, blended):
        state.projected += int((mean != blended).any(-1).sum())
    return replace(proposal, mean=mean)


def _temper(weights: torch.Tensor, narrowing: torch.Tensor, few: torch.Tensor) -> torch.Tensor:
    """Weights (member, particle) to the largest power whose ESS meets the target, by member; at the power 0 they stand for Q.

    narrowing: log Q / widened Q of every particle, (member, particle). few: the members whose weights do not as they are.
    """
    base = narrowing[few].log_softmax(-1)
    log_r = weights[few].log().clamp_min(LOG_ZERO) - base
    trials = max(1, _trials(base.numel()))
    places = torch.arange(1.0, trials + 1, dtype=base.dtype, device=base.device)[:, None]
    log_power, width = torch.full_like(base[:, :1], log(SMALLEST_BETA)), -log(SMALLEST_BETA)
    while width > RESOLUTION:
        width /= trials + 1
        powers = (log_power[:, None] + width * places).exp()
        tempered = torch.addcmul(base[:, None], powers, log_r[:, None]).softmax(-1)
        good = _serves(effective(tempered), base.shape[-1])  # (member, trial)
        log_power += width * good.cumprod(-1).sum(-1, keepdim=True)
    return weights.index_copy(0, few, (base + log_power.exp() * log_r).softmax(-1))


def _trials(entries: int) -> int:
    """How many powers of weights with so many entries are tried at once."""
    return min(MOST_TRIALS, TRIAL_ENTRIES // entries)


def effective(weights: torch.Tensor) -> torch.Tensor:
    """The effective number of particles, 0 where all weights are: (.., particle) -> (..)."""
    return (weights.sum(-1).square() / weights.square().sum(-1)).nan_to_num()


def _serves(ess: torch.Tensor, particles: int) -> torch.Tensor:
    """Whether effective particles beyond the first meet the target, which is none where one carries all, whatever K is."""
    return ess >= 1 + ESS_TARGET * (particles - 1)


def _stop_reason(state: Adaptation, max_iterations: int, work: int) -> str:
    """Why to stop now; empty to go on. work: entries of tables that an iteration computes."""
    stay = max(SHORTEST_STAY, min(LONGEST_STAY, WORK // max(work, 1)))
    latest = state.latest[-stay:]
    arrived = len(latest) == stay and all(line.beta == 1 for line in latest)
    if arrived and stdev(line.elbo for line in latest) <= STEADY:
        return ARRIVED
    patience = 2 * WINDOW * (1 if state.largest_beta >= NEAR else FAR_PATIENCE)
    if state.quiet >= patience and has_stopped_rising([line.elbo for line in state.latest], WINDOW):
        return SETTLED
    if len(state.history) >= max_iterations:
        return EXHAUSTED
    return ""


def has_stopped_rising(elbos: Sequence[float], window: int) -> bool:
    """Whether the mean of the last `window` is not above that of as many before them, beyond its noise."""
    recent = torch.tensor(elbos[-window:], dtype=torch.float64)
    before = torch.tensor(elbos[-2 * window : -window], dtype=torch.float64)
    noise = ((recent.var() + before.var()) / window).sqrt()
    return bool(recent.mean() - before.mean() <= 2 * noise)
