"""Fits made by hand from given joint draws, to predict from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from qemppl.driver import compile_model
from qemppl.numerics.lazy import torch
from qemppl.result.assemble import from_draws
from qemppl.result.fit import Array, FitResult, Provenance, Trace, Variable
from qemppl.result.proposals import plate_axes


def fit_of(text: str, data: Mapping[str, object], draws: Mapping[str, Array]) -> FitResult:
    """The fit of a model whose posterior has these joint draws: by name, (draw, [member in file order,] *event)."""
    bound, _ = compile_model(text=text).bind(data)
    plates = {statement.name: statement.type.plate for statement in bound.ir.statements}
    outcomes = {variable.name for variable in bound.ir.observations}
    homes = {v.name: v.type.plate for v in bound.ir.data} | {d.name: d.type.plate for d in bound.ir.transformed}
    variables = {}
    for name, values in bound.arrays.items():
        plate, in_file = homes[name], np.array(values)
        if plate is not None:
            in_file[bound.members[plate].rows] = values
        variables[name] = Variable(plate, in_file)
    count = len(next(iter(draws.values())))
    nothing, none = np.zeros(0), np.zeros(count)
    return FitResult(
        model_text=text,
        plates=plate_axes(bound),
        estimates=tuple(from_draws(name, plates[name], x) for name, x in draws.items()),
        observed_data={name: v for name, v in variables.items() if name in outcomes},
        constant_data={name: v for name, v in variables.items() if name not in outcomes},
        log_evidence=None,
        log_evidence_mcse=None,
        elbo=0.0,
        replicate_khat=0.0,
        replicates=1,
        iterations=0,
        stop_reason="made by hand",
        seconds=0.0,
        trace=Trace(nothing, nothing, np.zeros((0, 0))),
        groups=(),
        warnings=(),
        log_likelihood={},
        log_prior=none,
        lp=none,
        lp_approx=none,
        provenance=Provenance("0", "2000-01-01", 1, "float64", "cpu", bound.data_hash, {}),
        sizes=dict(bound.sizes),
    )


__all__ = ["fit_of", "torch"]
