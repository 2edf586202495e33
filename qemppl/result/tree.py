"""A fit as an xarray.DataTree in ArviZ's schema, and back.

Groups: posterior (equal-weight joint draws), posterior_predictive (draws of `generated quantities`), sample_stats, log_prior,
log_likelihood, observed_data, constant_data, and our own qem_diagnostics, from which alone, with the draws, the fit is rebuilt
exactly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from qemppl.result.fit import FitResult, Variable
from qemppl.result.naming import Column, Schema, variable_names
from qemppl.result.predictions import Predictions
from qemppl.result.record import record_tree
from qemppl.version import __version__

FORMAT = 2
"""Of the file; raised when an older reader would misread it."""


def to_datatree(fit: FitResult) -> xr.DataTree:
    """Every number of a fit, with plates and event axes as named dimensions and labels as coordinates."""
    schema = Schema(fit, variable_names(fit))
    library = {
        "created_at": fit.provenance.created_at,
        "inference_library": "qemppl",
        "inference_library_version": fit.provenance.version,
    }
    draws = {"chain": np.arange(1), "draw": np.arange(fit.lp.shape[0])}
    sample_stats = {"lp": fit.lp, "lp_approx": fit.lp_approx}
    groups = {
        "posterior": schema.dataset(_draws(fit, predictive=False), draws, library | {"sampling_time": fit.seconds}),
        "posterior_predictive": schema.dataset(_draws(fit, predictive=True), draws, library),
        "sample_stats": _by_draw(sample_stats, draws, library),
        "log_prior": _by_draw({"log_prior": fit.log_prior}, draws, library),
        "log_likelihood": schema.dataset(_log_likelihood(fit), draws, library),
        "observed_data": schema.dataset(_data(fit.observed_data), {}, library),
        "constant_data": schema.dataset(_data(fit.constant_data), {}, library),
        **record_tree(fit, schema),
    }
    if not any(estimate.predictive for estimate in fit.estimates):
        del groups["posterior_predictive"]
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=library | _provenance(fit)), **groups})


def predictions_tree(predictions: Predictions) -> xr.DataTree:
    """The draws of predictions in one group, `predictions` or `posterior_predictive`."""
    count = max((len(estimate.draws) for estimate in predictions.estimates), default=0)
    attributes = {
        "inference_library": "qemppl",
        "inference_library_version": __version__,
        "seed": predictions.seed,
        "data_hash": predictions.fit.data_hash,
    }
    schema = Schema(predictions, tuple(estimate.name for estimate in predictions.estimates))
    columns = (Column(estimate.name, estimate.plate, estimate.draws[None]) for estimate in predictions.estimates)
    draws = {"chain": np.arange(1), "draw": np.arange(count)}
    drawn = schema.dataset(columns, draws, attributes)
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=attributes), predictions.group: drawn})


def _draws(fit: FitResult, *, predictive: bool) -> Iterator[Column]:
    for estimate in fit.estimates:
        if estimate.predictive == predictive:
            yield Column(estimate.name, estimate.plate, estimate.draws[None])


def _log_likelihood(fit: FitResult) -> Iterator[Column]:
    for name, values in fit.log_likelihood.items():
        yield Column(name, fit.observed_data[name].plate, values[None])


def _data(variables: Mapping[str, Variable]) -> Iterator[Column]:
    for name, variable in variables.items():
        yield Column(name, variable.plate, np.asarray(variable.values))


def _by_draw(
    values: Mapping[str, NDArray[Any]], coordinates: Mapping[str, NDArray[Any]], attributes: Mapping[str, Any]
) -> xr.Dataset:
    return xr.Dataset(
        {name: (tuple(coordinates), value[None]) for name, value in values.items()}, coordinates, attributes
    )


def _provenance(fit: FitResult) -> dict[str, Any]:
    provenance = fit.provenance
    return {
        "qemppl_format": FORMAT,
        "seed": provenance.seed,
        "dtype": provenance.dtype,
        "device": provenance.device,
        "data_hash": provenance.data_hash,
        "settings": json.dumps(dict(provenance.settings)),
    }
