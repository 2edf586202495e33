"""Predictions: draws of what a fit says of outcomes, as a table and as a file in ArviZ's schema."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from qemppl.result.fit import Estimates, Provenance

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Predictions(Estimates):
    """Joint draws given the data of a fit. plates: those of the fit; where members are new, these alone.

    group: in a file, `posterior_predictive` for members that the fit has seen and `predictions` for new ones. seed: of the draws.
    fit: where the fit comes from.
    """

    group: Literal["posterior_predictive", "predictions"]
    seed: int
    fit: Provenance

    def to_datatree(self) -> xr.DataTree:
        """One group in ArviZ's schema: plates and event axes are named dimensions, labels are coordinates."""
        from qemppl.result.tree import predictions_tree  # noqa: PLC0415

        return predictions_tree(self)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write a netCDF file that xarray and ArviZ open; an existing file is refused without `force`."""
        from qemppl.result.file import save  # noqa: PLC0415

        save(self, path, force=force)
