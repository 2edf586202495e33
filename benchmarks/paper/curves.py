"""One method on one experiment: the evidence estimate by iteration and by time, and the posteriors on the way."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

import torch

from benchmarks.paper.experiments import Experiment, Setting
from qemppl.compile.plan import Plan
from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.engine.baselines import Schedule
from qemppl.engine.methods import adapt_by, make_sampler, refusals
from qemppl.engine.particles import Proposal
from qemppl.engine.qem import Adaptation, Sampler
from qemppl.engine.start import starting_proposals

MARKS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""Seconds after which the posterior is kept, in the first iteration that ends beyond them; also at the end."""
UNENDING = 10**9
TIMED, WARM = 15, 5
"""Iterations that are timed, after some that are not."""
SEED = 1


class CannotFitError(Exception):
    """The method cannot fit this model; says why."""


class _OutOfTimeError(Exception):
    """The budget is spent."""


@dataclass
class Curve:
    """seconds, elbo: by iteration. kept: seconds and Q."""

    plan: Plan
    sampler: Sampler
    seconds: list[float] = field(default_factory=list)
    elbo: list[float] = field(default_factory=list)
    kept: list[tuple[float, tuple[Proposal, ...]]] = field(default_factory=list)


@torch.inference_mode()
def trace(experiment: Experiment, setting: Setting, budget: float, iterations: int = UNENDING) -> Curve:
    """Adapts until the budget, in seconds, is spent, or the method stops by itself. The clock runs from the bound data on, so compiling
    counts. Raises CannotFitError."""
    bound = experiment.bind("train")
    start = time.perf_counter()
    try:
        plan = setting.plan(bound)
    except DiagnosticsError as error:
        raise CannotFitError(error.diagnostics[0].message) from error
    if refused := refusals(setting.method, plan):
        raise CannotFitError(refused[0].message)
    sampler = make_sampler(setting.method, plan, torch.Generator().manual_seed(SEED))
    curve = Curve(plan, sampler)

    def watch(state: Adaptation) -> None:
        before, now = curve.seconds[-1] if curve.seconds else 0.0, time.perf_counter() - start
        curve.seconds.append(now)
        curve.elbo.append(state.history[-1].elbo)
        if any(before < mark <= now for mark in MARKS):
            curve.kept.append((now, state.proposals))
        if now > budget:
            raise _OutOfTimeError

    state = Adaptation(starting_proposals(plan, sampler.generator))
    try:
        with suppress(_OutOfTimeError):
            adapt_by(setting.method, sampler, state, Schedule(iterations, setting.step), watch)
    except DiagnosticsError as error:
        raise CannotFitError(error.diagnostics[0].message) from error
    curve.kept.append((curve.seconds[-1], state.proposals))
    return curve


def iteration_seconds(experiment: Experiment, setting: Setting, budget: float) -> float:
    """The median of an iteration's seconds, once warm. Raises CannotFitError, also where one takes as long as the budget."""
    seconds = trace(experiment, setting, budget, WARM + TIMED).seconds
    if len(seconds) < 2:
        raise CannotFitError(f"an iteration takes more than {budget:g} s")
    return median(after - before for before, after in pairwise(seconds[-TIMED - 1 :]))
