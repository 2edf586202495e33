"""Simulation-based calibration (Talts et al. 2018): data drawn from the model, fits of them, and ranks of what they were drawn from.

If theta is drawn from the prior and y given theta, then theta is also a draw from the posterior given y. So the rank of f(theta, y) among
f of draws of a right fit is uniform on 0..draws, for every f.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from qemppl.compile.layout import Target
from qemppl.compile.refusals import check_model
from qemppl.data.bound import BoundModel
from qemppl.data.checks import expressions
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Label, Severity, Stage
from qemppl.distributions.registry import LAWS
from qemppl.engine.ancestral import simulate
from qemppl.engine.joint import log_likelihood
from qemppl.ir.model import DataRef, Expr, ModelIR, RandomVariable, walk
from qemppl.numerics.lazy import torch
from qemppl.numerics.rank_law import Counts, rank
from qemppl.result.assemble import in_file_order
from qemppl.result.calibration import Calibration, Quantity, Simulation
from qemppl.result.fit import Array, Estimate, FitResult
from qemppl.result.names import element_names

LOG_LIKELIHOOD = "log likelihood"
"""Of all outcomes; no name of a model has a space."""
ROUNDING = 1e-9
"""Relative, of a log-likelihood: values that differ by less are ties, as those of discrete latents are."""

Fit = Callable[[BoundModel, int], FitResult]
"""Fits a bound model with a seed."""


@dataclass(frozen=True)
class Design:
    """simulations: how many. draws: of every fit. level: that all bands hold if the fits are right. seed: of simulation `number` comes
    from it and the number alone."""

    simulations: int
    draws: int
    level: float
    seed: int

    def __post_init__(self) -> None:
        """Raises ValueError for a number that means nothing."""
        if self.simulations < 1:
            raise ValueError(f"simulations is a whole number of at least 1, not {self.simulations!r}")
        if not 0 < self.level < 1:
            raise ValueError(f"level is a number between 0 and 1, not {self.level!r}")


class Study:
    """Simulations of a model, one after another: of its data it takes the sizes, the covariates and which outcomes are missing.

    fit: with as many draws as the design says. Raises DiagnosticsError (MODEL, DATA) where the model cannot be drawn from.
    """

    def __init__(self, bound: BoundModel, fit: Fit, design: Design, target: Target) -> None:
        _check(bound)
        self._bound = replace(bound, ir=replace(bound.ir, generated=()))
        self._fit, self._design, self._target = fit, design, target
        self._done: list[Simulation] = []
        self._error: DiagnosticsError | None = None
        self._began = time.perf_counter()

    def __iter__(self) -> Iterator[Simulation]:
        """Runs the simulations. Raises DiagnosticsError: that of the first fit, where every one failed."""
        for number in range(1, self._design.simulations + 1):
            self._done.append(self._simulation(number))
            yield self._done[-1]
        if self._error is not None and all(simulation.failed for simulation in self._done):
            raise self._error

    @property
    def so_far(self) -> Calibration:
        """What the simulations say that have been run."""
        seconds, design = time.perf_counter() - self._began, self._design
        return Calibration(tuple(self._done), design.draws, design.level, design.seed, seconds)

    def _simulation(self, number: int) -> Simulation:
        """A failed fit is one that numbers or resources do not suffice for; that of a wrong model would fail for all data."""
        sequence = np.random.SeedSequence(self._design.seed, spawn_key=(number,))
        of_data, of_fit, of_ties = (int(word) >> 1 for word in sequence.generate_state(3, np.uint64))
        try:
            truth = simulate(self._bound, torch.Generator(self._target.device).manual_seed(of_data), self._target)
            bound = with_outcomes(self._bound, truth)
            fit = self._fit(bound, of_fit)
            quantities, ranks = ranked(bound, self._target, truth, fit, np.random.default_rng(of_ties))
        except DiagnosticsError as error:
            if error.stage is not Stage.RESOURCE:
                raise
            self._error = self._error or error
            return Simulation(number, (), np.zeros(0, np.int64), _codes(error.diagnostics), failed=True)
        same = self._done[-1].quantities if self._done and self._done[-1].quantities == quantities else quantities
        return Simulation(number, same, ranks, _codes(w for w in fit.warnings if w.severity is not Severity.NOTE))


def with_outcomes(bound: BoundModel, drawn: Mapping[str, torch.Tensor]) -> BoundModel:
    """The same data with other outcomes. drawn: by name, (draw, member, *event), one draw."""
    arrays = dict(bound.arrays)
    for observation in bound.ir.observations:
        old = arrays[observation.name]
        new: Array = drawn[observation.name].cpu().double().numpy().reshape(old.shape)
        arrays[observation.name] = new.astype(np.int64) if old.dtype == np.int64 else new
    return replace(bound, arrays=arrays)


def ranked(
    bound: BoundModel, target: Target, truth: Mapping[str, torch.Tensor], fit: FitResult, ties: np.random.Generator
) -> tuple[tuple[Quantity, ...], Counts]:
    """The quantities of a model and the ranks of their true values among the draws of a fit: every element of its names, the mean of each
    name over its plate, and the log-likelihood of the outcomes.

    The members of a plate are not pooled: their ranks depend on each other within a simulation. A mean has a rank of its own.
    """
    quantities: list[Quantity] = []
    ranks: list[Counts] = []
    for estimate in fit.estimates:
        values = in_file_order(bound, estimate.plate, truth[estimate.name][0].cpu().double().numpy(), 0)
        quantities += [Quantity(estimate.name, name) for name in element_names(fit, estimate)]
        ranks.append(rank(values, estimate.draws, ties).ravel())
        if estimate.plate is not None and len(values) > 1:
            name = f"mean({estimate.name} over {estimate.plate})"
            quantities += [Quantity(name, element) for element in _mean_names(name, estimate)]
            ranks.append(rank(values.mean(0), estimate.draws.mean(1), ties).ravel())
    latents = {variable.name: truth[variable.name] for variable in bound.ir.latents}
    true_fit = log_likelihood(bound, target, latents).double().numpy()[0]
    quantities.append(Quantity(LOG_LIKELIHOOD, LOG_LIKELIHOOD))
    ranks.append(rank(true_fit, fit.lp - fit.log_prior, ties, ROUNDING * abs(true_fit)).ravel())
    return tuple(quantities), np.concatenate(ranks)


def _mean_names(name: str, estimate: Estimate) -> Iterator[str]:
    event = estimate.mean.shape[1:]
    for index in np.ndindex(*event):
        yield f"{name}[{','.join(str(i + 1) for i in index)}]" if event else name


def _codes(diagnostics: Iterable[Diagnostic]) -> tuple[str, ...]:
    return tuple(sorted({diagnostic.code for diagnostic in diagnostics}))


# What cannot be simulated.


def _check(bound: BoundModel) -> None:
    """Raises DiagnosticsError: (MODEL) where latents or outcomes cannot be drawn, (DATA) where a plate is empty."""
    ir = bound.ir
    check_model(bound)
    if not ir.observations:
        raise DiagnosticsError([_nothing_observed()], Stage.MODEL)
    found = [_improper(variable) for variable in ir.latents if not LAWS[variable.law].samples]
    found += [d for variable in ir.observations if (d := _not_drawable(ir, variable)) is not None]
    if found:
        raise DiagnosticsError(found, Stage.MODEL)


def _nothing_observed() -> Diagnostic:
    return Diagnostic(
        code="QEM522",
        severity=Severity.ERROR,
        message="the model observes nothing, so there are no data to simulate",
        hint="state the law of an outcome, such as `y ~ normal(mu, 1);`",
    )


def _improper(latent: RandomVariable) -> Diagnostic:
    return Diagnostic(
        code="QEM521",
        severity=Severity.ERROR,
        message=f"`{latent.name}` cannot be drawn from its prior, which is improper",
        span=latent.span,
        hint="give it a proper prior, such as `normal(0, 10)`",
    )


def _not_drawable(ir: ModelIR, observation: RandomVariable) -> Diagnostic | None:
    reader = _reader(ir, observation.name)
    if observation.censoring is not None:
        reason, hint = "it is censored", "leave out the censoring, to calibrate the rest of the model"
    elif not LAWS[observation.law].samples:
        reason, hint = f"{observation.law} has no draws", "take another law, to calibrate the rest of the model"
    elif reader is not None:
        reason, hint = "the model also reads it", "read a copy of it under another name in the data"
    else:
        return None
    return Diagnostic(
        code="QEM523",
        severity=Severity.ERROR,
        message=f"the outcome `{observation.name}` cannot be drawn: {reason}",
        span=observation.span,
        labels=() if reader is None else (Label(reader.span, "read here"),),
        hint=hint,
    )


def _reader(ir: ModelIR, name: str) -> Expr | None:
    """The first place where an expression reads a name of the data."""
    nodes = (node for expr in expressions(replace(ir, generated=())) for node in walk(expr))
    return next((node for node in nodes if isinstance(node, DataRef) and node.name == name), None)
