"""Methods to compare with, on the same compiled model and with the same report phase.

plain  QEM as published (Heap et al. 2025, section 3): independent particles, weights as they are, a step t^-p or a constant one.
rws    massively parallel reweighted wake-sleep (Heap et al. 2023): Adam on -sum of w log Q over particles that are held fixed.
vi     massively parallel variational inference (Aitchison 2019): Adam on log Zhat itself, through reparameterised particles.
is     global importance sampling: particles of all groups share one index, so that K combinations are weighed instead of K^n.

All start where QEM does. They stop when the evidence no longer rises over WINDOW iterations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from qemppl.compile.plan import make_plan
from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.engine.differentiable import evaluate
from qemppl.engine.faults import impossible
from qemppl.engine.particles import Proposal
from qemppl.engine.qem import (
    EXHAUSTED,
    SETTLED,
    STEP_POWER,
    Adaptation,
    EStep,
    Iteration,
    Sampler,
    Weighted,
    has_stopped_rising,
)
from qemppl.engine.start import proposals_at
from qemppl.numerics.lazy import torch

WINDOW = 50
LEARNING_RATE = 0.05
"""Of Adam, unless another is asked for."""

Watch = Callable[[Adaptation], None]


@dataclass(frozen=True)
class Schedule:
    """step: a constant step of plain QEM in place of t^-STEP_POWER, or the learning rate of Adam."""

    max_iterations: int
    step: float | None = None


def adapt_plain(sampler: Sampler, state: Adaptation, schedule: Schedule, watch: Watch) -> Adaptation:
    """QEM without a trust region. For independent particles the sampler is one that draws them."""
    while not state.stop_reason:
        step, weighted = _weighted_step(sampler, state)
        move = schedule.step or decaying_step(len(state.history), STEP_POWER)
        proposals = []
        for proposal in state.proposals:
            name, family = proposal.group.name, proposal.group.family
            moments = family.moments(step.particles.clouds[name].u, weighted.weights[name])
            proposals.append(replace(proposal, mean=family.project_mean(family.blend(proposal.mean, moments, move))))
        state.proposals = tuple(proposals)
        _end_iteration(state, weighted, schedule, watch)
    return state


def _weighted_step(sampler: Sampler, state: Adaptation) -> tuple[EStep, Weighted]:
    """An E-step under Q. Raises DiagnosticsError (RESOURCE) where no combination of particles is possible."""
    step = sampler.e_step(state.proposals)
    weighted = sampler.weigh(step)
    if weighted.evidence.log_z == -torch.inf:
        raise DiagnosticsError(impossible(sampler.plan, step.particles), Stage.RESOURCE)
    return step, weighted


def decaying_step(iteration: int, power: float) -> float:
    """t^-power, with t = 1 at the first iteration (Heap et al. 2025, Theorem 1)."""
    return math.pow(1.0 + iteration, -power)


def adapt_rws(sampler: Sampler, state: Adaptation, schedule: Schedule, watch: Watch) -> Adaptation:
    """Gradients of the families alone."""
    with torch.inference_mode(mode=False):
        descent = _Descent(sampler, state, schedule)
        while not state.stop_reason:
            with torch.no_grad():
                step, weighted = _weighted_step(sampler, state)
            standards, clouds = descent.standards(), step.particles.clouds
            log_q = {
                p.group.name: p.group.family.log_prob(standards[p.group.name], clouds[p.group.name].u)
                for p in state.proposals
            }
            descent.move(-torch.stack([(weighted.weights[name] * value).sum() for name, value in log_q.items()]).sum())
            _end_iteration(state, weighted, schedule, watch)
    return state


def adapt_vi(sampler: Sampler, state: Adaptation, schedule: Schedule, watch: Watch) -> Adaptation:
    """Gradients through the model, whose program is compiled once more without the passes that have no derivative."""
    asked = {sampler.plan.particles[group.name] for group in sampler.plan.groups}
    particles = asked.pop() if len(asked) == 1 else None
    with torch.inference_mode(mode=False):
        plain = replace(sampler.plan.target, passes=frozenset())
        plan = make_plan(sampler.plan.bound, plain, particles, separate=sampler.plan.separate)
        descent = _Descent(sampler, state, schedule)
        while not state.stop_reason:
            found = evaluate(plan, state.proposals, descent.standards(), sampler.generator)
            descent.move(-found.evidence.log_z)
            _end_iteration(state, found, schedule, watch)
    return state


class _Descent:
    """Adam on the free coordinates of every group's family; moves the proposals of a state."""

    def __init__(self, sampler: Sampler, state: Adaptation, schedule: Schedule) -> None:
        self._state = state
        # again, for tensors made in inference mode have no derivatives
        state.proposals = proposals_at(sampler.plan, {p.group.name: p.mean.clone() for p in state.proposals})
        self._free = {p.group.name: p.group.family.to_free(p.standard).requires_grad_() for p in state.proposals}
        self._adam = torch.optim.Adam(self._free.values(), lr=schedule.step or LEARNING_RATE)

    def standards(self) -> dict[str, torch.Tensor]:
        """Standard parameters by group, differentiable."""
        return {p.group.name: p.group.family.from_free(self._free[p.group.name]) for p in self._state.proposals}

    def move(self, loss: torch.Tensor) -> None:
        """One step of Adam; none where a derivative is not finite."""
        gradients = torch.autograd.grad(loss, list(self._free.values()))
        for free, gradient in zip(self._free.values(), gradients, strict=True):
            free.grad = gradient
        if all(bool(gradient.isfinite().all()) for gradient in gradients):
            self._adam.step()
        with torch.no_grad():
            standards = self.standards()
            self._state.proposals = tuple(_at(p, standards[p.group.name]) for p in self._state.proposals)


def _at(proposal: Proposal, standard: torch.Tensor) -> Proposal:
    """The proposal with other standard parameters."""
    family = proposal.group.family
    return replace(proposal, mean=family.project_mean(family.standard_to_mean(standard)))


def _end_iteration(state: Adaptation, weighted: Weighted, schedule: Schedule, watch: Watch) -> None:
    """A line of the trace, and whether it is the last."""
    state.history.append(Iteration(weighted.evidence.log_z.item(), weighted.beta, weighted.mean_ess))
    state.largest_beta = weighted.beta
    elbos = [line.elbo for line in state.history]
    if len(elbos) >= 2 * WINDOW and has_stopped_rising(elbos, WINDOW):
        state.stop_reason = SETTLED
    elif len(elbos) >= schedule.max_iterations:
        state.stop_reason = EXHAUSTED
    watch(state)
