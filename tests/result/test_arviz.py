"""ArviZ, an independent reader, opens a saved fit with nothing but its path."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import numpy as np
import pytest

from tests.result.fits import nested_fit


@pytest.fixture(scope="module")
def az() -> ModuleType:
    mpl.use("agg")
    return importlib.import_module("arviz")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    nested_fit().save(tmp_path / "fit.nc")
    return tmp_path / "fit.nc"


def test_groups_and_draws(az: ModuleType, path: Path) -> None:
    data = az.from_netcdf(path)
    schema = {"posterior", "sample_stats", "log_prior", "log_likelihood", "observed_data", "constant_data"}
    assert set(data.groups()) == schema | {"qem_diagnostics"}
    assert data.attrs["inference_library"] == "qemppl"
    np.testing.assert_array_equal(data.posterior["b"].values[0], nested_fit().draws("b"))


def test_summary_names_rows_by_label(az: ModuleType, path: Path) -> None:
    table = az.summary(az.from_netcdf(path), kind="stats", round_to="none")
    assert "a[Lac qui Parle]" in table.index
    assert "b[Hennepin,1, 2]" in table.index
    np.testing.assert_allclose(table.loc["a[Hennepin]", "mean"], nested_fit().estimate("a").mean[0])


def test_forest_plot_shows_county_names(az: ModuleType, path: Path) -> None:
    (axes,) = az.plot_forest(az.from_netcdf(path), var_names=["a"], combined=True)
    labels = " ".join(label.get_text() for label in axes.get_yticklabels())
    for county in ("Hennepin", "Lac qui Parle", "Anoka-Süd"):
        assert county in labels
