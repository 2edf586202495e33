"""FitResult: everything a fit found out, self-contained, so a saved fit loads without its model or data files.

Arrays are numpy. A variable on a plate has axes (member of its deepest plate in the order of the data file, *event); at the root
only (*event). Draws have the axis `draw` in front.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qemppl.diagnostics.diagnostic import Diagnostic

if TYPE_CHECKING:
    import xarray as xr

    from qemppl.result.predictions import Predictions
    from qemppl.result.summary import Summary

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PlateAxis:
    """A plate as a coordinate axis. parent: (member,) position of each member's parent, None at the root."""

    name: str
    labels: tuple[str, ...]
    parent_plate: str | None = None
    parent: NDArray[np.int64] | None = None
    labelled: bool = False


@dataclass(frozen=True)
class Variable:
    """Values of a data variable, with their plate."""

    plate: str | None
    values: NDArray[Any]


@dataclass(frozen=True)
class Estimate:
    """The posterior of a latent, of a deterministic name or of a generated quantity; of a generated draw (`predictive`) its law given
    the data.

    mean, sd: pooled over replicates. mcse: Monte Carlo standard error of the mean. ess: importance-sampling effective number of
    particles behind the mean. khat: Pareto shape of the importance weights (NaN where too few). ess and khat of an enumerated latent,
    and of an integrated state, are NaN: nothing is weighed. Axes ([member,] *event).
    draws: equal-weight joint draws, (draw, [member,] *event).
    """

    name: str
    plate: str | None
    mean: Array
    sd: Array
    mcse: Array
    ess: Array
    khat: Array
    draws: Array
    predictive: bool = False


@dataclass(frozen=True)
class Trace:
    """By iteration of the adapt phase: evidence lower bound (nats), trust-region exponent beta, particle ESS of each group as a
    fraction of its particles (group, iteration): the mean over members."""

    elbo: Array
    beta: Array
    ess: Array


@dataclass(frozen=True)
class GroupReport:
    """The fitted posterior Q of one group, and how well its particles did over the report phase.

    mean_parameters: mean coordinates of the family, (member, statistic); members and coordinates in the order of the data file.
    """

    name: str
    plate: str | None
    latents: tuple[str, ...]
    family: str
    particles: int
    ess_fraction: float
    khat: float
    mean_parameters: Array


@dataclass(frozen=True)
class StartReport:
    """One of several starts. log_evidence: of a short report, -inf where no particle was possible; its Monte Carlo error, NaN where
    unknown. reported: whether the fit is the one from here."""

    log_evidence: float
    log_evidence_mcse: float
    iterations: int
    stop_reason: str
    reported: bool


@dataclass(frozen=True)
class Provenance:
    """Where a fit comes from: enough to repeat it."""

    version: str
    created_at: str
    seed: int
    dtype: str
    device: str
    data_hash: str
    settings: Mapping[str, int | float | str | None]


@dataclass(frozen=True)
class Estimates:
    """Numbers with names, on plates: what tables and files are made of."""

    plates: tuple[PlateAxis, ...]
    estimates: tuple[Estimate, ...]

    def estimate(self, name: str) -> Estimate:
        """The posterior of one name; KeyError with the names there are."""
        for estimate in self.estimates:
            if estimate.name == name:
                return estimate
        raise KeyError(f"{name!r} is not in this result; it has {', '.join(e.name for e in self.estimates)}")

    def draws(self, name: str) -> Array:
        """Equal-weight joint draws of one name, (draw, [member,] *event); KeyError with the names there are."""
        return self.estimate(name).draws

    # What is made of a fit stands on this class, so these methods import it when they are called.

    def summary(self) -> Summary:
        """Mean, Monte Carlo error, sd, quantiles, effective particles and k-hat of every number; printed, it is a table."""
        from qemppl.result.summary import summarise  # noqa: PLC0415

        return summarise(self)

    def plate(self, name: str) -> PlateAxis:
        return next(axis for axis in self.plates if axis.name == name)


@dataclass(frozen=True)
class FitResult(Estimates):
    """A fitted posterior with its evidence, diagnostics and provenance.

    log_evidence: nats; None under an improper prior. elbo: mean of log Zhat over the report phase. log_likelihood: by observation,
    (draw, [member]). log_prior, lp, lp_approx: (draw,), where lp is the log joint density and lp_approx that of the fitted Q.
    starts: empty where there was only one. sizes: of event axes, by name.
    """

    model_text: str
    observed_data: Mapping[str, Variable]
    constant_data: Mapping[str, Variable]
    log_evidence: float | None
    log_evidence_mcse: float | None
    elbo: float
    replicate_khat: float
    replicates: int
    iterations: int
    stop_reason: str
    seconds: float
    trace: Trace
    groups: tuple[GroupReport, ...]
    warnings: tuple[Diagnostic, ...]
    log_likelihood: Mapping[str, Array]
    log_prior: Array
    lp: Array
    lp_approx: Array
    provenance: Provenance
    starts: tuple[StartReport, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)

    def to_datatree(self) -> xr.DataTree:
        """Everything, in ArviZ's schema: plates and event axes are named dimensions, labels are coordinates."""
        from qemppl.result.tree import to_datatree  # noqa: PLC0415

        return to_datatree(self)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write a netCDF file that xarray, ArviZ and `qemppl.load` open; an existing file is refused without `force`."""
        from qemppl.result.file import save  # noqa: PLC0415

        save(self, path, force=force)

    def predict(self, new_data: Any = None, **options: Any) -> Predictions:
        """Outcomes drawn from their law given the data: see `qemppl.driver.predict`, which this calls."""
        from qemppl.driver import predict  # noqa: PLC0415

        return predict(self, new_data, **options)
