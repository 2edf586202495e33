"""A fit from several starts: which one is reported, and whether they agree.

The first start is the usual one, as wide as the prior; it may cover all modes of a posterior, or settle on one. The others are narrow,
each at a prior draw, and end in the mode whose basin that draw lies in. E[Zhat] is the evidence of the whole posterior wherever Q is,
and what Q misses is missing from nearly every Zhat. So the start with the largest evidence has missed least and is the one reported.
Its errors are subtracted first: of starts that agree, the largest estimate is the noisiest, not the best. Pooling all of them would
count a mode twice that two starts have found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import hypot, inf

from qemppl.compile.plan import Plan
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity
from qemppl.engine.monitor import element
from qemppl.engine.pool import Moments, Report, log_evidence, report
from qemppl.engine.qem import Adaptation, Sampler
from qemppl.engine.start import narrow_starts
from qemppl.numerics.lazy import torch

AGREE = 0.1
"""Posterior sd between two means, or two sds, that agree: twice what a fit without a warning promises. Also nats between two log
evidences: a start that misses a tenth of the posterior's mass is that much lower."""
ERRORS = 5.0
"""Monte Carlo standard errors that two numbers may differ by besides; the largest of a million is hardly larger."""

DIGITS = 2
"""Of a log evidence: less of it makes no start better."""


@dataclass(frozen=True)
class Trial:
    """Where one start ended. brief: a short report of it; None where it is not needed, or where no particle was possible."""

    adaptation: Adaptation
    brief: Report | None = None

    @property
    def evidence(self) -> tuple[float, float | None]:
        """log evidence and its Monte Carlo error."""
        return (-inf, None) if self.brief is None else log_evidence(self.brief)


@dataclass(frozen=True)
class Trials:
    """All starts, in order. best: the position of the one to report."""

    all: tuple[Trial, ...]
    best: int = 0

    @property
    def adaptation(self) -> Adaptation:
        """That of the best."""
        return self.all[self.best].adaptation


@dataclass(frozen=True)
class _Gap:
    """How far one number of the posterior is from that of the reported start, in posterior sd, and how far it may be.

    number: its name. of: `mean` or `sd`.
    """

    start: int
    number: str
    of: str
    here: float
    there: float
    distance: float
    limit: float


def try_starts(sampler: Sampler, first: Adaptation, starts: int, adapt: Callable[[Adaptation], Adaptation]) -> Trials:
    """Adapts from every start, the first one given, and reports briefly on each where there are several.

    Raises DiagnosticsError where no start leads anywhere.
    """
    if starts == 1 or not sampler.plan.groups:  # without proposals, all starts are one
        return Trials((Trial(adapt(first)),))
    trials, errors = [], []
    others = narrow_starts(sampler.plan, sampler.generator, starts - 1)
    for state in (first, *map(Adaptation, others)):
        try:
            adapt(state)
            grown = sampler.with_particles(state.particles)
            trials.append(Trial(state, report(grown, state.proposals, 1, inf, lambda *_: None)))
        except DiagnosticsError as error:
            errors.append(error)
            state.stop_reason = error.diagnostics[0].message
            trials.append(Trial(state))
    if len(errors) == starts:
        raise errors[0]
    return Trials(tuple(trials), max(range(starts), key=lambda number: _rank(trials[number])))


def _rank(trial: Trial) -> tuple[bool, float]:
    """What the best start has most of; the first of equals. Evidence without an error comes last: its replicates differ too much."""
    value, error = trial.evidence
    return error is not None, round(value - ERRORS * (error or 0.0), DIGITS)


def disagreement(plan: Plan, trials: Trials) -> list[Diagnostic]:
    """What to say where starts do not end at the same posterior; empty where they do."""
    best = trials.all[trials.best]
    if best.brief is None:
        return []
    gaps, apart = [], set()
    for number, trial in enumerate(trials.all):
        if trial.brief is not None and number != trials.best:
            gap = _widest(plan, number, best.brief, trial.brief)
            gaps.append(gap)
            if gap.distance > gap.limit or _evidence_differs(best, trial):
                apart.add(number)
    if not apart:
        return []
    worst = max((gap for gap in gaps if gap.start in apart), key=lambda gap: gap.distance / gap.limit)
    other = trials.all[worst.start].brief
    assert other is not None, "it has been compared"
    return [_in_words(trials, worst, sorted(apart), _swapped(best.brief, other))]


def _swapped(best: Report, other: Report) -> list[str]:
    """The vectors whose components have the same means as those of another start in another order, or the mean of these means, as the
    average over all orders has: the labels of a mixture."""
    found = []
    for name, moments in best.moments.items():
        here, there = moments.mean, other.moments[name].mean
        if here.dim() != 2 or here.shape[1] == 1:
            continue
        error = torch.hypot(moments.mcse, other.moments[name].mcse)
        limit = AGREE * torch.maximum(moments.sd, other.moments[name].sd) + ERRORS * error.nan_to_num(0.0)
        limit = limit.amax(1, keepdim=True)
        likes = [(here.sort(1)[0], there.sort(1)[0]), (here, there.mean(1, keepdim=True))]
        if any(_within(limit, a, b) for a, b in likes) and not _within(limit, here, there):
            found.append(name)
    return found


def _within(limit: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> bool:
    return bool(((a - b).abs() <= limit).all())


def _evidence_differs(best: Trial, other: Trial) -> bool:
    """Beyond its noise; where that is not known, the moments tell."""
    (here, here_error), (there, there_error) = best.evidence, other.evidence
    if here_error is None or there_error is None:
        return False
    return abs(here - there) > AGREE + ERRORS * hypot(here_error, there_error)


def _widest(plan: Plan, start: int, best: Report, other: Report) -> _Gap:
    """The mean or sd that most exceeds what it may differ by. An enumerated latent has no sd to compare: next to nothing where
    its value is nearly certain."""
    sampled = {part.variable.name for group in plan.groups for part in group.parts}
    gaps = []
    for name, moments in best.moments.items():
        for of in ("mean", "sd") if name in sampled else ("mean",):
            gaps.append(_gap(plan, (start, name, of), moments, other.moments[name]))
    return max(gaps, key=lambda gap: gap.distance / gap.limit)


def _gap(plan: Plan, place: tuple[int, str, str], best: Moments, other: Moments) -> _Gap:
    """Of the member and coordinate that differs most. place: start, latent, mean or sd."""
    start, name, of = place
    error = "mcse" if of == "mean" else "sd_mcse"
    scale = torch.maximum(best.sd, other.sd).clamp_min(torch.finfo(best.sd.dtype).tiny)
    here, there = getattr(best, of), getattr(other, of)
    distance = ((here - there).abs() / scale).nan_to_num(0.0)
    limit = AGREE + ERRORS * torch.hypot(getattr(best, error), getattr(other, error)) / scale
    worst = (distance / limit).argmax()
    numbers = [float(values.flatten()[worst]) for values in (here, there, distance, limit)]
    return _Gap(start, element(plan.bound, name, worst, here.shape), of, *numbers)


def _in_words(trials: Trials, worst: _Gap, apart: list[int], swapped: list[str]) -> Diagnostic:
    reported = trials.best + 1
    lines = []
    for number, trial in enumerate(trials.all):
        value, error = trial.evidence
        words = f"log evidence {value:.2f}" + ("" if error is None else f" +- {error:.2f}")
        mark = ", reported" if number == trials.best else ", disagrees" if number in apart else ""
        lines.append(
            f"start {number + 1}: {words if trial.brief else 'no result'}, {trial.adaptation.stop_reason}{mark}"
        )
    cause = "the posterior has several modes, labels of a mixture are swapped, or a start has not arrived"
    hint = "rule all modes but one out by the prior or an `ordered` latent, or allow more with --max-iterations or --particles"
    if swapped:
        names = ", ".join(f"`{name}`" for name in swapped)
        cause = f"labels are switched: the components of {names} are the same in another order, or all orders are mixed"
        hint = f"declare one of them as `ordered[..] {swapped[0]}`, so that the labels have one order"
    return Diagnostic(
        code="QEM907",
        severity=Severity.WARNING,
        message=f"{len(apart)} of {len(trials.all)} starts disagree with the reported one: the {worst.of} of {worst.number} is "
        f"{worst.there:.4g} from start {worst.start + 1} and {worst.here:.4g} from start {reported}, {worst.distance:.3g} posterior "
        f"sd apart; up to {worst.limit:.2g} is agreement",
        notes=(
            *lines,
            cause,
        ),
        hint=hint,
    )
