"""The whole pipeline on one page: text -> ModelIR -> bound to data -> plan -> QEM -> report -> FitResult."""

from __future__ import annotations

import datetime
import operator
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, SupportsIndex

from qemppl.calibration import Design, Study
from qemppl.compile.layout import Target
from qemppl.compile.passes import ALL_PASSES, PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.compile.refusals import choose_draws
from qemppl.compile.show import show_plan
from qemppl.data.bind import bind
from qemppl.data.bound import BoundModel
from qemppl.data.read import raw_from_mapping, read_data
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.diagnostics.source import Source
from qemppl.engine import joint, monitor
from qemppl.engine.ancestral import generate
from qemppl.engine.baselines import Schedule
from qemppl.engine.integrated import draws_around, with_states
from qemppl.engine.methods import METHODS, PARTICLES, Method, adapt_by, make_sampler, not_resumable, refusals
from qemppl.engine.particles import Proposal
from qemppl.engine.pool import log_evidence, report
from qemppl.engine.qem import Adaptation, Iteration, Sampler
from qemppl.engine.reach import beyond_reach
from qemppl.engine.resolution import resolution_warnings
from qemppl.engine.start import proposals_at, starting_proposals
from qemppl.engine.starts import disagreement, try_starts
from qemppl.ir.model import ModelIR
from qemppl.lang.frontend import compile_text, read_source
from qemppl.numerics.lazy import torch
from qemppl.prediction import Wish, predict_new, predict_seen
from qemppl.result.assemble import Findings, assemble_result
from qemppl.result.calibration import Calibration, Simulation
from qemppl.result.checkpoint import CheckpointFile
from qemppl.result.fit import FitResult, Provenance
from qemppl.result.predictions import Predictions
from qemppl.result.proposals import digest, starting_means
from qemppl.version import __version__

MEMORY_SHARE = 0.25
"""Part of the machine's memory that a fit may use unless it is told."""
LARGEST_SEED = 2**63 - 1
RANKED_DRAWS = 99
"""Draws of each fit of a calibration, unless it is told: true values have 100 ranks among them."""


@dataclass(frozen=True)
class Settings:
    """How to fit. particles: K for every group, None for the planner's choice. tolerance: Monte Carlo standard error of every mean,
    in posterior sd. draws: joint draws to keep, None for 4000, or as many as fit. memory: bytes, None for a quarter of the machine's.
    without: passes of the compiler to leave out (compile/passes.py), which changes what an iteration costs and not what it finds.
    method: qem, or one to compare with (engine/baselines.py). step: a constant step of `plain`, or the learning rate of rws and vi.
    starts: how many to fit from, of which the best is reported (engine/starts.py).
    """

    method: Method = "qem"
    step: float | None = None
    starts: int = 1
    particles: int | None = None
    tolerance: float = 0.02
    max_iterations: int = 500
    draws: int | None = None
    device: Literal["cpu", "cuda"] = "cpu"
    dtype: Literal["float64", "float32"] = "float64"
    memory: int | None = None
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for a number that means nothing."""
        for name in ("starts", "particles", "max_iterations", "draws", "memory"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is a whole number of at least 1, not {value!r}")
        if unknown := set(self.without) - ALL_PASSES:
            raise ValueError(f"there is no pass {', '.join(sorted(unknown))}; those that exist are {', '.join(PASSES)}")
        for name in ("tolerance", "step"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} is a positive number, not {value!r}")
        if self.method not in METHODS:
            raise ValueError(f"there is no method {self.method!r}; those that exist are {', '.join(METHODS)}")
        if self.step is not None and (self.method in ("qem", "is") or (self.method == "plain" and self.step > 1)):
            raise ValueError("step is of plain, up to 1, or of rws and vi")
        if self.starts > 1 and self.method == "plain":
            raise ValueError("starts cannot be compared by plain, whose report has no Monte Carlo errors")


@dataclass(frozen=True)
class Start:
    """Where to start a fit. seed: 0 .. 2^63 - 1; None for that of the checkpoint, or a drawn one. init_from: an earlier fit, or its
    file, whose fitted proposals replace the prior's. resume: the file where the fit is kept until it is finished; where it exists,
    the fit continues from it."""

    seed: int | None = None
    init_from: FitResult | str | Path | None = None
    resume: str | Path | None = None


@dataclass(frozen=True)
class Progress:
    """Where a fit is. iteration: of the adapt phase, or replicate of the report phase. ess: the least of the groups, as a fraction.
    mcse: worst so far, in posterior sd, None before it is known."""

    phase: Literal["adapt", "report"]
    iteration: int
    elbo: float
    beta: float
    ess: float
    elapsed: float
    mcse: float | None = None


Watch = Callable[[Progress], None]
Data = Mapping[str, Any] | str | Path | Sequence[str | Path]
"""Values by name, or the paths of data files."""


@dataclass(frozen=True)
class Model:
    """A checked model, ready for data. warnings: what the checker noticed."""

    ir: ModelIR
    warnings: tuple[Diagnostic, ...]

    def bind(self, data: Data) -> tuple[BoundModel, tuple[Diagnostic, ...]]:
        """The model with checked data, and what the data check noticed. Raises DiagnosticsError (DATA)."""
        bound = bind(self.ir, raw_from_mapping(data) if isinstance(data, Mapping) else read_data(data, self.ir))
        return bound.model, bound.remarks

    def plan(self, data: Data, settings: Settings | None = None) -> Plan:
        """What a fit would do: groups, particles, elimination order, cost."""
        settings = settings or Settings()
        return _plan(self.bind(data)[0], settings)

    def fit(
        self,
        data: Data,
        *,
        seed: int | None = None,
        settings: Settings | None = None,
        progress: Watch | None = None,
        init_from: FitResult | str | Path | None = None,
        resume: str | Path | None = None,
        **changes: Any,
    ) -> FitResult:
        """Fits the model to data: a mapping by name, or the path of a JSON or CSV file, or of several.

        seed: 0 .. 2^63 - 1; drawn and recorded where it is None. init_from: an earlier fit, or its file, to start from instead of the
        prior. resume: a file that keeps the unfinished fit, and from which, if it exists, the fit continues; removed in the end.
        Keyword arguments replace single settings: fit(data, draws=1000).
        Raises DiagnosticsError: MODEL, DATA, USAGE where a file does not fit, or RESOURCE where memory or numerics do not suffice.
        """
        settings = replace(settings or Settings(), **changes)
        bound, remarks = self.bind(data)
        fit = fit_bound(bound, settings, Start(seed, init_from, resume), progress or (lambda _: None))
        if resume is not None:
            Path(resume).unlink(missing_ok=True)
        return replace(fit, warnings=(*remarks, *fit.warnings))

    def calibrate(
        self,
        data: Data,
        *,
        simulations: int = 200,
        level: float = 0.99,
        seed: int | None = None,
        settings: Settings | None = None,
        progress: Callable[[Simulation], object] = lambda _: None,
        **changes: Any,
    ) -> Calibration:
        """Simulation-based calibration: data drawn from the model, each fitted, and the ranks of the true values among the draws.

        data: give sizes, covariates and which outcomes are missing. level: the chance that all bands hold if the fits are right.
        seed: 0 .. 2^63 - 1; that of each simulation comes from it and the simulation's number. progress: called with each simulation.
        Keyword arguments replace single settings of the fits; true values are ranked among 99 draws of each, or among `draws`.
        Raises DiagnosticsError: MODEL where the model cannot be drawn from, DATA, or that of the first fit where every one failed.
        """
        study = make_study(self.bind(data)[0], replace(settings or Settings(), **changes), simulations, level, seed)
        for simulation in study:
            progress(simulation)
        return study.so_far


def compile_model(path: str | Path | None = None, *, text: str | None = None) -> Model:
    """A model from a `.qem` file or from text. Raises DiagnosticsError (MODEL) with every mistake found."""
    if (path is None) == (text is None):
        raise TypeError("compile_model takes either a path or text=")
    source = Source("<text>", text) if text is not None else read_source(Path(path or ""))
    checked = compile_text(source)
    if checked.model is None:
        raise DiagnosticsError(checked.diagnostics, Stage.MODEL)
    return Model(checked.model, checked.diagnostics)


def predict(
    fit: FitResult,
    new_data: Data | None = None,
    *,
    steps: int | None = None,
    draws: int | None = None,
    seed: int | None = None,
    memory: int | None = None,
) -> Predictions:
    """What a fit says of outcomes: of those that it has seen, of `steps` further steps of its chains, or of the members of new data.

    new_data: later steps of chains, and rows in groups that the fit has seen, without their outcomes. draws: of the fit's joint draws to go
    on from, all by default. memory: bytes. Raises DiagnosticsError: USAGE, DATA, or RESOURCE.
    """
    if new_data is not None and steps is not None:
        raise ValueError("new data or steps are predicted, not both")
    for name, value in (("steps", steps), ("draws", draws), ("memory", memory)):
        if value is not None and value < 1:
            raise ValueError(f"{name} is a whole number of at least 1, not {value!r}")
    wish = Wish(draws, _checked_seed(seed), _target(Settings(memory=memory)).memory)
    with torch.inference_mode():
        new = steps if new_data is None else new_data
        return predict_seen(fit, wish) if new is None else predict_new(fit, new, wish)


def fit_bound(bound: BoundModel, settings: Settings, start: Start, progress: Watch) -> FitResult:
    """Adapts the posterior, then reports on it. The file `start.resume` is left for the caller to remove once the result is safe."""
    began = time.perf_counter()
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    if not bound.ir.latents:
        raise DiagnosticsError([_nothing_to_fit()], Stage.MODEL)
    checkpoint = None if start.resume is None else CheckpointFile(start.resume)
    seed = _checked_seed(checkpoint.seed if checkpoint and start.seed is None else start.seed)
    if start.resume is not None and (refusal := not_resumable(settings.method, settings.starts)):
        raise ValueError(refusal)
    plan = _plan(bound, settings)
    if refused := refusals(settings.method, plan):
        raise DiagnosticsError(refused, Stage.USAGE)
    draws = choose_draws(bound, settings.draws, plan.target.memory, plan.target.dtype.itemsize)
    means = None if start.init_from is None else starting_means(_loaded(start.init_from), plan)
    provenance = _provenance(bound, settings, seed, created, means)
    if checkpoint:
        checkpoint.identify(bound.ir.text, provenance)
    sampler = make_sampler(settings.method, plan, torch.Generator(device=settings.device).manual_seed(seed))
    watching = _Watching(progress, began, checkpoint, sampler.generator)
    with torch.inference_mode(), checkpoint or nullcontext():
        state = checkpoint.restore(plan, sampler.generator) if checkpoint else None
        state = state or Adaptation(_first_proposals(sampler, means))
        schedule = Schedule(settings.max_iterations, settings.step)
        adapt = partial(adapt_by, settings.method, sampler, schedule=schedule, watch=watching.adapting)
        trials = try_starts(sampler, state, settings.starts, adapt)
        adaptation = trials.adaptation
        sampler = sampler.with_particles(adaptation.particles)
        plan = sampler.plan
        around = draws_around(plan, draws)
        pooled = report(sampler, adaptation.proposals, around, settings.tolerance, watching.reporting(adaptation))
        pooled, given = with_states(plan, pooled, draws, sampler.generator)
        evaluated = joint.evaluate(plan, adaptation.proposals, pooled.draws, given)
        known = {**pooled.draws, **evaluated.definitions}
        generated = generate(bound, known, torch.Generator().manual_seed(seed), replace(plan.target, device="cpu"))
        doubts = [*disagreement(plan, trials), *beyond_reach(sampler, adaptation.proposals, pooled.moments)]
        doubts += resolution_warnings(plan, adaptation.unresolved(), settings.tolerance)
    computed = {**evaluated.definitions, **generated}
    findings = Findings(
        plan=plan,
        trials=trials,
        report=pooled,
        joint=evaluated,
        generated=generated,
        log_evidence=None if monitor.is_improper(bound.ir) else log_evidence(pooled),
        warnings=(*doubts, *monitor.warnings(plan, adaptation, pooled, computed, settings.tolerance)),
        seconds=time.perf_counter() - began,
    )
    return assemble_result(findings, provenance)


@dataclass(frozen=True)
class _Watching:
    """Tells how a fit goes on, and keeps it. began: the clock then, seconds."""

    tell: Watch
    began: float
    checkpoint: CheckpointFile | None
    generator: torch.Generator

    def adapting(self, state: Adaptation) -> None:
        """After an iteration."""
        if self.checkpoint:
            self.checkpoint.keep(state, self.generator)
        self._tell("adapt", len(state.history), state.history[-1], state.history[-1].elbo)

    def reporting(self, adaptation: Adaptation) -> Callable[[int, float, float], None]:
        """After a replicate: its number, its log Zhat, the worst error so far."""
        last = adaptation.history[-1]
        return lambda number, elbo, mcse: self._tell("report", number, last, elbo, mcse if mcse < torch.inf else None)

    def _tell(
        self, phase: Literal["adapt", "report"], number: int, line: Iteration, elbo: float, mcse: float | None = None
    ) -> None:
        ess, elapsed = min(line.ess, default=1.0), time.perf_counter() - self.began
        self.tell(Progress(phase, number, elbo, line.beta, ess, elapsed, mcse))


def make_study(bound: BoundModel, settings: Settings, simulations: int, level: float, seed: int | None) -> Study:
    """Simulations of a model that are fitted with these settings, ready to run."""
    draws = settings.draws or RANKED_DRAWS
    settings = replace(settings, draws=draws)

    def fit(simulated: BoundModel, seed: int) -> FitResult:
        return fit_bound(simulated, settings, Start(seed), lambda _: None)

    return Study(bound, fit, Design(simulations, draws, level, _checked_seed(seed)), _target(settings))


def explain_plan(model: Model, data: Data, settings: Settings | None = None) -> str:
    """The plan of a fit as text."""
    return show_plan(model.plan(data, settings))


def _plan(bound: BoundModel, settings: Settings) -> Plan:
    """Only qem integrates states in closed form, and only `plain` gives every latent a group of its own: both as published."""
    if settings.method != "qem":
        settings = replace(settings, without=(*settings.without, "integrate"))
    particles = settings.particles or PARTICLES.get(settings.method)
    return make_plan(bound, _target(settings), particles, separate=settings.method == "plain")


def _target(settings: Settings) -> Target:
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise DiagnosticsError([_no_cuda()], Stage.RESOURCE)
    memory = settings.memory or int(MEMORY_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return Target(getattr(torch, settings.dtype), settings.device, memory, ALL_PASSES - set(settings.without))


def _checked_seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbits(31)
    if isinstance(seed, bool) or not isinstance(seed, SupportsIndex) or not 0 <= operator.index(seed) <= LARGEST_SEED:
        raise ValueError(f"a seed is a whole number from 0 to 2^63 - 1, not {seed!r}")
    return operator.index(seed)


def _loaded(fit: FitResult | str | Path) -> FitResult:
    if isinstance(fit, FitResult):
        return fit
    from qemppl.result.file import load  # noqa: PLC0415 (a fit from the prior need not wait for xarray)

    return load(fit)


def _first_proposals(sampler: Sampler, means: Mapping[str, torch.Tensor] | None) -> tuple[Proposal, ...]:
    return starting_proposals(sampler.plan, sampler.generator) if means is None else proposals_at(sampler.plan, means)


def _provenance(
    bound: BoundModel, settings: Settings, seed: int, created: str, means: Mapping[str, torch.Tensor] | None
) -> Provenance:
    return Provenance(
        version=__version__,
        created_at=created,
        seed=seed,
        dtype=settings.dtype,
        device=settings.device,
        data_hash=bound.data_hash,
        settings={
            "method": settings.method,
            "step": settings.step,
            "starts": settings.starts,
            "particles": settings.particles,
            "tolerance": settings.tolerance,
            "max_iterations": settings.max_iterations,
            "draws": settings.draws,
            "memory": settings.memory,
            "threads": torch.get_num_threads(),
            "init_from": None if means is None else digest(means),
        },
    )


def _nothing_to_fit() -> Diagnostic:
    return Diagnostic(
        code="QEM502",
        severity=Severity.ERROR,
        message="the model has no latents, so there is nothing to fit",
        hint="declare one, such as `real mu ~ normal(0, 10);`",
    )


def _no_cuda() -> Diagnostic:
    return Diagnostic(
        code="QEM503",
        severity=Severity.ERROR,
        message="--device cuda was asked for, and this machine has no CUDA device that torch can use",
        hint="leave out --device, or install a CUDA build of torch",
    )
