"""Saving a fit and loading it again: a netCDF file that xarray and ArviZ open with no help."""

from __future__ import annotations

import io
from pathlib import Path

import xarray as xr

from qemppl.diagnostics.diagnostic import Stage
from qemppl.result.fit import FitResult
from qemppl.result.predictions import Predictions
from qemppl.result.record import fit_from_tree
from qemppl.result.target import check_target, file_error, replace_file
from qemppl.result.tree import FORMAT

SIGNATURE = b"\x89HDF\r\n\x1a\n"


def save(fit: FitResult | Predictions, path: str | Path, *, force: bool = False) -> None:
    """Write a fit or predictions; the file appears complete or not at all.

    Raises DiagnosticsError when the file exists (unless `force`), or cannot be written.
    """
    check_target(path, force=force)
    # HDF5 crashes the process when the disk is full, so it writes to memory only.
    replace_file(path, fit.to_datatree().to_netcdf(engine="h5netcdf"))


def load(path: str | Path) -> FitResult:
    """The fit of a file that `save` wrote, exactly as it was. Raises DiagnosticsError for any other file."""
    source = Path(path)
    try:
        content = source.read_bytes()
    except OSError as error:
        message = f"the file cannot be read: {error.strerror or error}"
        raise file_error(Stage.DATA, "QEM855", source, message, "give a file written by `qemppl fit -o`") from error
    if not content.startswith(SIGNATURE):
        raise file_error(Stage.DATA, "QEM856", source, "not a netCDF file", "give a file written by `qemppl fit -o`")
    try:
        with xr.open_datatree(io.BytesIO(content), engine="h5netcdf", phony_dims="sort") as tree:
            return _read(source, tree.load())
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
        message = f"the file is truncated or damaged ({type(error).__name__})"
        raise file_error(Stage.DATA, "QEM857", source, message, "fit again, or restore the file from a copy") from error


def _read(source: Path, tree: xr.DataTree) -> FitResult:
    if tree.attrs.get("inference_library") != "qemppl" or "qemppl_format" not in tree.attrs:
        raise file_error(
            Stage.DATA, "QEM858", source, "a netCDF file, but not of a fit", "give a file written by `qemppl fit -o`"
        )
    written = int(tree.attrs["qemppl_format"])
    if written > FORMAT:
        message = f"written by qemppl {tree.attrs.get('inference_library_version')} in a newer format ({written})"
        raise file_error(Stage.DATA, "QEM859", source, message, "update qemppl to read it")
    return fit_from_tree(tree)
