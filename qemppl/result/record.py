"""The group qem_diagnostics: how the fit went, and what ArviZ's groups cannot say of it.

qem_diagnostics                 trace by iteration, particle groups, evidence, model text, warnings
qem_diagnostics/proposals       mean parameters of the fitted Q of every particle group, by its number
qem_diagnostics/estimates       mean, sd, mcse, ess and khat of every name, by `statistic`
qem_diagnostics/starts          evidence, iterations and stop reason of every start, where there were several
qem_diagnostics/plates/<plate>  labels and the position of each member's parent
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from qemppl.result.fit import Estimate, FitResult, GroupReport, PlateAxis, Provenance, StartReport, Trace, Variable
from qemppl.result.naming import Column, Naming, Schema, strings
from qemppl.result.warnings_json import warnings_from_json, warnings_to_json

GROUP = "qem_diagnostics"
STATISTICS = ("mean", "sd", "mcse", "ess", "khat")
START_COLUMNS = ("log_evidence", "log_evidence_mcse", "iterations", "stop_reason", "reported")
NUMBERS = ("log_evidence", "log_evidence_mcse", "elbo", "replicate_khat", "replicates", "iterations", "seconds")


def record_tree(fit: FitResult, schema: Schema) -> dict[str, xr.Dataset]:
    """The datasets of the group by their path in the file."""
    statistics = {"statistic": strings(STATISTICS)}
    return {
        GROUP: _run(fit),
        f"{GROUP}/proposals": _proposals(fit),
        f"{GROUP}/estimates": schema.dataset(_estimates(fit), statistics, {}),
        **({f"{GROUP}/starts": _starts(fit.starts)} if fit.starts else {}),
        **{f"{GROUP}/plates/{schema.naming.plate(plate.name)}": _plate(plate) for plate in fit.plates},
    }


def fit_from_tree(tree: xr.DataTree) -> FitResult:
    """The fit that `to_datatree` was given. A tree of another origin raises KeyError, ValueError, TypeError or AttributeError."""
    run = tree[GROUP].to_dataset()
    layout = json.loads(_text(run, "layout"))
    naming = Naming(
        tuple(layout["plates"]),
        (*layout["estimates"], *layout["observed_data"], *layout["constant_data"]),
    )
    numbers = {name: value.item() for name in NUMBERS if (value := run.attrs.get(name)) is not None}
    return FitResult(
        model_text=_text(run, "model_text"),
        plates=tuple(_read_plate(tree, naming, name) for name in layout["plates"]),
        estimates=tuple(
            _read_estimate(tree, naming, (name, plate), predictive=name in layout.get("predictive", ()))
            for name, plate in layout["estimates"].items()
        ),
        observed_data=_read_data(tree, naming, "observed_data", layout["observed_data"]),
        constant_data=_read_data(tree, naming, "constant_data", layout["constant_data"]),
        log_evidence=numbers.get("log_evidence"),
        log_evidence_mcse=numbers.get("log_evidence_mcse"),
        elbo=numbers["elbo"],
        replicate_khat=numbers["replicate_khat"],
        replicates=numbers["replicates"],
        iterations=numbers["iterations"],
        stop_reason=str(run.attrs["stop_reason"]),
        seconds=numbers["seconds"],
        trace=Trace(run["elbo"].values, run["beta"].values, run["particle_ess"].values),
        groups=tuple(_read_groups(run, tree[f"{GROUP}/proposals"].to_dataset())),
        warnings=warnings_from_json(_text(run, "warnings")),
        log_likelihood={
            name: _values(tree, "log_likelihood", naming.variable(name))[0] for name in layout["log_likelihood"]
        },
        log_prior=_values(tree, "log_prior", "log_prior")[0],
        lp=_values(tree, "sample_stats", "lp")[0],
        lp_approx=_values(tree, "sample_stats", "lp_approx")[0],
        provenance=_read_provenance(tree.attrs),
        sizes=layout.get("sizes", {}),
        starts=tuple(_read_starts(tree[f"{GROUP}/starts"].to_dataset())) if "starts" in tree[GROUP].children else (),
    )


def _run(fit: FitResult) -> xr.Dataset:
    groups = fit.groups
    layout = {
        "plates": [plate.name for plate in fit.plates],
        "estimates": {estimate.name: estimate.plate for estimate in fit.estimates},
        "predictive": [estimate.name for estimate in fit.estimates if estimate.predictive],
        "observed_data": {name: variable.plate for name, variable in fit.observed_data.items()},
        "constant_data": {name: variable.plate for name, variable in fit.constant_data.items()},
        "log_likelihood": list(fit.log_likelihood),
        "sizes": dict(fit.sizes),
    }
    by_group = {
        "plate": strings(tuple(group.plate or "" for group in groups)),
        "latents": strings(tuple(",".join(group.latents) for group in groups)),
        "family": strings(tuple(group.family for group in groups)),
        "particles": np.array([group.particles for group in groups], dtype=np.int64),
        "ess_fraction": np.array([group.ess_fraction for group in groups], dtype=np.float64),
        "khat": np.array([group.khat for group in groups], dtype=np.float64),
    }
    numbers = {name: getattr(fit, name) for name in NUMBERS}
    return xr.Dataset(
        {
            "elbo": ("iteration", fit.trace.elbo),
            "beta": ("iteration", fit.trace.beta),
            "particle_ess": (("particle_group", "iteration"), fit.trace.ess),
            **{name: ("particle_group", values) for name, values in by_group.items()},
            "model_text": ((), fit.model_text),
            "warnings": ((), warnings_to_json(fit.warnings)),
            "layout": ((), json.dumps(layout)),
        },
        {
            "iteration": np.arange(1, fit.trace.elbo.shape[0] + 1),
            "particle_group": strings(tuple(group.name for group in groups)),
        },
        {"stop_reason": fit.stop_reason, **{name: value for name, value in numbers.items() if value is not None}},
    )


def _estimates(fit: FitResult) -> Iterator[Column]:
    for estimate in fit.estimates:
        values = np.stack([getattr(estimate, statistic) for statistic in STATISTICS])
        yield Column(estimate.name, estimate.plate, values)


def _proposals(fit: FitResult) -> xr.Dataset:
    return xr.Dataset(
        {
            f"mean_parameters_{number}": ((f"member_{number}", f"mean_parameter_{number}"), group.mean_parameters)
            for number, group in enumerate(fit.groups)
        }
    )


def _starts(starts: tuple[StartReport, ...]) -> xr.Dataset:
    columns = {
        "log_evidence": np.array([start.log_evidence for start in starts]),
        "log_evidence_mcse": np.array([start.log_evidence_mcse for start in starts]),
        "iterations": np.array([start.iterations for start in starts], dtype=np.int64),
        "stop_reason": strings(tuple(start.stop_reason for start in starts)),
        "reported": np.array([start.reported for start in starts], dtype=np.int64),
    }
    return xr.Dataset(
        {name: ("start", values) for name, values in columns.items()}, {"start": np.arange(1, len(starts) + 1)}
    )


def _plate(plate: PlateAxis) -> xr.Dataset:
    variables: dict[str, Any] = {"label": ("member", strings(plate.labels))}
    if plate.parent is not None:
        variables["parent"] = ("member", plate.parent)
    parent_plate = {} if plate.parent_plate is None else {"parent_plate": plate.parent_plate}
    return xr.Dataset(variables, attrs={"labelled": int(plate.labelled), **parent_plate})


def _text(dataset: xr.Dataset, name: str) -> str:
    return str(dataset[name].values.item())


def _values(tree: xr.DataTree, group: str, variable: str) -> NDArray[Any]:
    return tree[group].to_dataset()[variable].values


def _read_plate(tree: xr.DataTree, naming: Naming, name: str) -> PlateAxis:
    dataset = tree[f"{GROUP}/plates/{naming.plate(name)}"].to_dataset()
    parent_plate = dataset.attrs.get("parent_plate")
    return PlateAxis(
        name,
        labels=tuple(str(label) for label in dataset["label"].values.tolist()),
        parent_plate=None if parent_plate is None else str(parent_plate),
        parent=dataset["parent"].values if "parent" in dataset else None,
        labelled=bool(dataset.attrs["labelled"]),
    )


def _read_estimate(tree: xr.DataTree, naming: Naming, placed: tuple[str, str | None], *, predictive: bool) -> Estimate:
    name, plate = placed
    variable = naming.variable(name)
    values = _values(tree, f"{GROUP}/estimates", variable)
    statistics = {statistic: np.asarray(values[index]) for index, statistic in enumerate(STATISTICS)}
    draws = _values(tree, "posterior_predictive" if predictive else "posterior", variable)[0]
    return Estimate(name, plate, draws=draws, predictive=predictive, **statistics)


def _read_data(tree: xr.DataTree, naming: Naming, group: str, plates: Mapping[str, str | None]) -> dict[str, Variable]:
    return {name: Variable(plate, _values(tree, group, naming.variable(name))) for name, plate in plates.items()}


def _read_groups(run: xr.Dataset, proposals: xr.Dataset) -> Iterator[GroupReport]:
    for index, name in enumerate(run["particle_group"].values.tolist()):
        row = {key: run[key].values[index].item() for key in ("plate", "latents", "family", "particles")}
        yield GroupReport(
            name,
            plate=row["plate"] or None,
            latents=tuple(row["latents"].split(",")),
            family=row["family"],
            particles=row["particles"],
            ess_fraction=float(run["ess_fraction"].values[index]),
            khat=float(run["khat"].values[index]),
            mean_parameters=proposals[f"mean_parameters_{index}"].values,
        )


def _read_starts(starts: xr.Dataset) -> Iterator[StartReport]:
    for index in range(starts.sizes["start"]):
        row = {name: starts[name].values[index].item() for name in START_COLUMNS}
        yield StartReport(**row | {"reported": bool(row["reported"])})


def _read_provenance(attributes: Mapping[Any, Any]) -> Provenance:
    return Provenance(
        version=str(attributes["inference_library_version"]),
        created_at=str(attributes["created_at"]),
        seed=int(attributes["seed"]),
        dtype=str(attributes["dtype"]),
        device=str(attributes["device"]),
        data_hash=str(attributes["data_hash"]),
        settings=json.loads(attributes["settings"]),
    )
