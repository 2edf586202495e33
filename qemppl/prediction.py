"""Predictions from a fit: its own outcomes drawn again, later steps of its chains, further rows in the groups that it has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.layout import Target
from qemppl.compile.refusals import too_many_draws
from qemppl.data.bind import bind
from qemppl.data.bound import BoundModel, Members
from qemppl.data.extension import extend, growing, next_steps, rows_model
from qemppl.data.plates import FilePlate, in_parent_order
from qemppl.data.raw import RawData
from qemppl.data.read import raw_from_mapping, read_data
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.diagnostics.source import Source
from qemppl.engine.ancestral import Known, forecast
from qemppl.ir.model import RandomVariable, Statement
from qemppl.lang.frontend import compile_text
from qemppl.numerics.lazy import torch
from qemppl.result.assemble import from_draws, in_file_order
from qemppl.result.fit import Estimate, FitResult
from qemppl.result.predictions import Predictions
from qemppl.result.proposals import plate_axes

Data = Mapping[str, Any] | str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class Wish:
    """draws: how many of the fit's joint draws to go on from; None for all. seed: of what is drawn given them. memory: bytes."""

    draws: int | None
    seed: int
    memory: int


def predict_seen(fit: FitResult, wish: Wish) -> Predictions:
    """Every outcome of the model drawn anew for the members that the fit has seen, missing ones too: the posterior predictive."""
    bound = bound_of(fit)
    chosen = _chosen(fit, wish)
    drawn = _forecast(bound, bound.ir.observations, Known(len(chosen), _draws(fit, bound, chosen)), wish)
    estimates = tuple(_estimate(bound, s, drawn[s.name]) for s in bound.ir.observations)
    return Predictions(fit.plates, estimates, "posterior_predictive", wish.seed, fit.provenance)


def predict_new(fit: FitResult, new: Data | int, wish: Wish) -> Predictions:
    """Outcomes, and the latents and deterministic names behind them, of further members.

    new: data of later steps of chains, or of rows in groups that the fit has seen; or a number of steps that every chain goes on.
    Raises DiagnosticsError: USAGE, DATA where these do not fit the model, or RESOURCE.
    """
    old = bound_of(fit)
    extension = extend(old, next_steps(old, new) if isinstance(new, int) else _bind_rows(old, new))
    chosen, statements = _chosen(fit, wish), extension.statements
    draws = _draws(fit, old, chosen)
    first = {
        latent.name: (here, draws[latent.name][:, torch.as_tensor(there)])
        for chain, (here, there) in extension.last.items()
        for latent in old.ir.latents
        if latent.plate == chain
    }
    around = {name: x for name, x in draws.items() if name not in {s.name for s in statements}}
    drawn = _forecast(extension.bound, statements, Known(len(chosen), around, first), wish)
    estimates = tuple(
        _estimate(extension.added, s, drawn[s.name][:, torch.as_tensor(extension.fresh[s.type.plate or ""])])
        for s in statements
    )
    wrong = [_not_finite(s, e) for s, e in zip(statements, estimates, strict=True) if not np.isfinite(e.draws).all()]
    if wrong:
        raise DiagnosticsError(wrong, Stage.RESOURCE)
    return Predictions(plate_axes(extension.added), estimates, "predictions", wish.seed, fit.provenance)


def bound_of(fit: FitResult) -> BoundModel:
    """The model of a fit bound to its data, both as the fit has kept them."""
    ir = compile_text(Source("<fit>", fit.model_text)).model
    assert ir is not None, "a model that was fitted is right"
    members: dict[str, Members] = {}
    for plate in sorted(ir.plates, key=lambda p: len(ir.path(p.name))):
        axis = fit.plate(plate.name)
        found = FilePlate(len(axis.labels), axis.parent, list(axis.labels), axis.labelled)
        members[plate.name] = in_parent_order(found, members.get(plate.parent or ""))
    variables = {**fit.observed_data, **fit.constant_data}
    arrays = {name: v.values[members[v.plate].rows] if v.plate else v.values for name, v in variables.items()}
    return BoundModel(ir, fit.sizes, members, arrays, fit.provenance.data_hash)


def _chosen(fit: FitResult, wish: Wish) -> NDArray[np.int64]:
    """The joint draws to go on from: all, or as many as are wished, spread over them."""
    total = len(fit.lp)
    count = min(wish.draws or total, total)
    return np.arange(count) * total // count


def _draws(fit: FitResult, bound: BoundModel, chosen: NDArray[np.int64]) -> dict[str, torch.Tensor]:
    """Joint draws of latents and deterministic names, (draw, member, *event), members in the order of the model."""
    names, draws = {s.name for s in bound.ir.statements}, {}
    for estimate in fit.estimates:
        if estimate.name in names:
            x = estimate.draws[chosen]
            by_member = x[:, None] if estimate.plate is None else x[:, bound.members[estimate.plate].rows]
            draws[estimate.name] = torch.as_tensor(np.ascontiguousarray(by_member), dtype=torch.float64)
    return draws


def _bind_rows(old: BoundModel, data: Data) -> BoundModel:
    """Data of further members by themselves. Names of plates that do not grow are known, and not read again."""
    everything = rows_model(old)
    raw = raw_from_mapping(data) if isinstance(data, Mapping) else read_data(data, everything)
    ir = rows_model(old, raw.values.keys())
    if not any(plate.name in growing(old.ir) for plate in ir.plates):
        raise DiagnosticsError([_nothing_new(old)], Stage.DATA)
    passed_over = {v.name for v in old.ir.data} - {v.name for v in ir.data} - {plate.index for plate in ir.plates}
    passed_over |= {p.name for p in old.ir.plates} - {p.name for p in ir.plates}
    values = {name: value for name, value in raw.values.items() if name not in passed_over}
    return bind(ir, RawData(raw.name, values, raw.origins)).model


def _forecast(bound: BoundModel, statements: Sequence[Statement], known: Known, wish: Wish) -> dict[str, torch.Tensor]:
    """Raises DiagnosticsError (RESOURCE) where the draws do not fit into the memory."""
    numbers = sum(bound.count(s.type.plate) * prod(map(bound.size, s.type.event)) for s in statements)
    needed = 8 * known.count * numbers
    if needed > wish.memory:
        raise DiagnosticsError([too_many_draws(known.count, numbers, needed, wish.memory)], Stage.RESOURCE)
    target = Target(torch.float64, "cpu", wish.memory)
    return forecast(bound, statements, known, torch.Generator().manual_seed(wish.seed), target)


def _estimate(bound: BoundModel, statement: Statement, drawn: torch.Tensor) -> Estimate:
    """drawn: (draw, member, *event)."""
    plate = statement.type.plate
    estimate = from_draws(statement.name, plate, in_file_order(bound, plate, drawn.numpy(), 1))
    return replace(estimate, predictive=isinstance(statement, RandomVariable))


def _not_finite(statement: Statement, estimate: Estimate) -> Diagnostic:
    count, all_of_them = int((~np.isfinite(estimate.draws)).sum()), estimate.draws.size
    return Diagnostic(
        code="QEM765",
        severity=Severity.ERROR,
        message=f"`{statement.name}` is not a finite number in {count} of {all_of_them} predictions",
        span=statement.span,
        hint="check the new data that it stands on, or predict fewer steps",
    )


def _nothing_new(old: BoundModel) -> Diagnostic:
    plates = ", ".join(f"`{name}`" for name in growing(old.ir))
    return Diagnostic(
        code="QEM764",
        severity=Severity.ERROR,
        message="the new data have no rows to predict",
        notes=(
            f"plates that can have further members: {plates}" if plates else "every plate of the model has latents",
        ),
        hint="give their columns, with the outcomes left out or missing",
    )
