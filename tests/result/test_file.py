from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.result.file import load, save
from qemppl.result.fit import FitResult, PlateAxis
from tests.result.fits import estimate, nested_fit, plain_fit


def assert_same(left: Any, right: Any, where: str = "fit") -> None:
    """Bitwise equality of nested dataclasses, types and dtypes included."""
    assert type(left) is type(right), where
    if dataclasses.is_dataclass(left):
        for field in dataclasses.fields(left):
            assert_same(getattr(left, field.name), getattr(right, field.name), f"{where}.{field.name}")
    elif isinstance(left, np.ndarray):
        assert left.dtype == right.dtype, where
        np.testing.assert_array_equal(left, right, where)
    elif isinstance(left, dict):
        assert list(left) == list(right), where
        for key in left:
            assert_same(left[key], right[key], f"{where}[{key}]")
    elif isinstance(left, tuple):
        assert len(left) == len(right), where
        for index, pair in enumerate(zip(left, right, strict=True)):
            assert_same(*pair, f"{where}[{index}]")
    elif isinstance(left, float):
        assert np.array_equal(left, right, equal_nan=True), where
    else:
        assert left == right, where


def fits() -> dict[str, FitResult]:
    reserved = plain_fit(
        estimate("chain", None, (), 1),
        estimate("draw", "group", (2,), 2),
        estimate("x", None, (2,), 3),
        estimate("x_dim_0", "iteration", (3,), 4),
        estimate("iteration_group", "iteration", (3,), 5),
        plates=(
            PlateAxis("group", ("α", 'quo"te,\n'), labelled=True),
            PlateAxis("iteration", ("1", "1", "2"), "group", np.array([0, 1, 1])),
        ),
    )
    return {
        "nested": nested_fit(),
        "names that the file uses itself": reserved,
        "empty plate": plain_fit(estimate("a", "p", (0,), 1), plates=(PlateAxis("p", ()),)),
        "nothing": plain_fit(),
        "no evidence": dataclasses.replace(nested_fit(), log_evidence=None, log_evidence_mcse=None),
        "not finite": dataclasses.replace(nested_fit(), log_evidence=-np.inf, replicate_khat=np.nan),
        "long text": dataclasses.replace(nested_fit(), model_text="x" * 200_000 + "é"),
        "empty text": dataclasses.replace(nested_fit(), model_text="", stop_reason=""),
    }


@pytest.mark.parametrize("case", fits())
def test_a_saved_fit_loads_exactly(tmp_path: Path, case: str) -> None:
    fit = fits()[case]
    save(fit, tmp_path / "fit.nc")
    assert_same(load(tmp_path / "fit.nc"), fit)


def test_xarray_opens_the_file_with_labels(tmp_path: Path) -> None:
    fit = nested_fit()
    fit.save(tmp_path / "fit.nc")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as tree:
        posterior = tree["posterior"].to_dataset()
        assert posterior["a"].dims == ("chain", "draw", "county")
        assert posterior["b"].dims == ("chain", "draw", "house", "b_dim_0")
        assert posterior["m"].dims == ("chain", "draw", "m_dim_0", "m_dim_1")
        assert posterior["house"].values.tolist() == ["Hennepin,1", "2", "Lac qui Parle,1", "Anoka-Süd,1"]
        assert posterior["house_county"].values.tolist() == ["Hennepin", "Hennepin", "Lac qui Parle", "Anoka-Süd"]
        assert posterior["b_dim_0"].values.tolist() == [1, 2]
        np.testing.assert_array_equal(posterior["a"].sel(county="Hennepin").values[0], fit.draws("a")[:, 0])
        assert tree["log_likelihood"]["y"].dims == ("chain", "draw", "house")
        assert tree["constant_data"]["x"].dims == ("county", "x_dim_0")
        assert tree.attrs["seed"] == 2**62
        assert tree["qem_diagnostics"]["particle_ess"].dims == ("particle_group", "iteration")
        assert not any(array.dtype == object for node in tree.subtree for array in node.to_dataset().variables.values())


def test_every_ancestor_is_a_coordinate() -> None:
    fit = plain_fit(
        estimate("x", "room", (3,), 1),
        plates=(
            PlateAxis("county", ("N", "S"), labelled=True),
            PlateAxis("house", ("1", "1"), "county", np.array([0, 1])),
            PlateAxis("room", ("1", "2", "1"), "house", np.array([0, 0, 1])),
        ),
    )
    posterior = fit.to_datatree()["posterior"].to_dataset()
    assert posterior["room_house"].values.tolist() == ["N,1", "N,1", "S,1"]
    assert posterior["room_county"].values.tolist() == ["N", "N", "S"]
    assert posterior["room"].values.tolist() == ["N,1,1", "2", "S,1,1"]


def test_an_existing_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    path.write_text("precious")
    with pytest.raises(DiagnosticsError, match="QEM853") as caught:
        save(nested_fit(), path)
    assert caught.value.stage is Stage.USAGE
    assert path.read_text() == "precious"
    save(nested_fit(), path, force=True)
    assert_same(load(path), nested_fit())
    assert [entry.name for entry in tmp_path.iterdir()] == ["fit.nc"]


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_file_is_never_replaced(tmp_path: Path, force: bool) -> None:
    with pytest.raises(DiagnosticsError, match="QEM852") as caught:
        save(nested_fit(), tmp_path, force=force)
    assert caught.value.stage is Stage.USAGE
    with pytest.raises(DiagnosticsError):
        save(nested_fit(), "/dev/null", force=force)


def test_a_missing_folder_is_a_diagnostic(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError, match="QEM851") as caught:
        save(nested_fit(), tmp_path / "missing" / "fit.nc")
    assert caught.value.stage is Stage.USAGE


FULL_DISK = """
import resource, sys
from qemppl.diagnostics.diagnostic import DiagnosticsError
from tests.result.fits import nested_fit
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    nested_fit().save(sys.argv[1], force=True)
except DiagnosticsError as error:
    print(error)
    sys.exit(error.stage.value)
"""


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    path.write_text("precious")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, path],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == Stage.RESOURCE.value
    assert "QEM854" in done.stdout
    assert path.read_text() == "precious"
    assert [entry.name for entry in tmp_path.iterdir()] == ["fit.nc"]


def contents(tmp_path: Path) -> bytes:
    save(nested_fit(), tmp_path / "whole.nc")
    return (tmp_path / "whole.nc").read_bytes()


def foreign() -> bytes:
    return bytes(xr.DataTree.from_dict({"/posterior": xr.Dataset({"x": ("d", [1.0])})}).to_netcdf(engine="h5netcdf"))


def plain_hdf5() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as hdf5:
        hdf5["x"] = [1.0]
    return file.getvalue()


def newer() -> bytes:
    tree = nested_fit().to_datatree()
    tree.attrs["qemppl_format"] = 99
    return bytes(tree.to_netcdf(engine="h5netcdf"))


def without_record() -> bytes:
    tree = nested_fit().to_datatree()
    del tree["qem_diagnostics"]
    return bytes(tree.to_netcdf(engine="h5netcdf"))


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "QEM856", "not a netCDF file"),
        (b"{}", "QEM856", "not a netCDF file"),
        (b"\x80\x04N.", "QEM856", "not a netCDF file"),
        (b"\x89HDF\r\n\x1a\n", "QEM857", "damaged"),
        (foreign(), "QEM858", "not of a fit"),
        (plain_hdf5(), "QEM858", "not of a fit"),
        (newer(), "QEM859", "newer format"),
        (without_record(), "QEM857", "damaged"),
    ],
)
def test_a_foreign_file_is_refused_in_words(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    (tmp_path / "other.nc").write_bytes(content)
    with pytest.raises(DiagnosticsError, match=f"{code}: .*{words}") as caught:
        load(tmp_path / "other.nc")
    assert caught.value.stage is Stage.DATA


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, fraction: float) -> None:
    whole = contents(tmp_path)
    (tmp_path / "part.nc").write_bytes(whole[: int(len(whole) * fraction)])
    with pytest.raises(DiagnosticsError, match="truncated"):
        load(tmp_path / "part.nc")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError, match=r"QEM855: .*No such file"):
        load(tmp_path / "absent.nc")
