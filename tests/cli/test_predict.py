"""qemppl predict: what stands on stdout, which file, which exit code."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from qemppl.cli.main import run
from tests.predicting import fit_of

TEXT = """
data { chain t; real y[t]; }
model { real b ~ normal(0, 1); chain t { real x ~ normal(prev(x), 1) init normal(0, 1); y ~ normal(x + b, 1); } }
"""
NAMES = ["x[3]", "x[4]", "y[3]", "y[4]"]

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def fit(tmp_path: Path) -> str:
    """A saved fit."""
    draws = {"b": np.zeros(50), "x": np.zeros((50, 2))}
    fit_of(TEXT, {"y": [1, 2]}, draws).save(tmp_path / "fit.nc")
    return str(tmp_path / "fit.nc")


def test_predict_prints_a_table_and_writes_only_what_is_asked_for(fit: str, tmp_path: Path, capsys: Capture) -> None:
    assert run(["predict", fit, "--steps", "2", "--seed", "1"]) == 0
    first, _, header, *rows = capsys.readouterr().out.splitlines()
    assert first == "50 draws, seed 1"
    assert header.split() == ["mean", "mcse", "sd", "q5", "q50", "q95", "ess", "khat"]
    assert [row.split()[0] for row in rows] == NAMES
    assert [path.name for path in tmp_path.iterdir()] == ["fit.nc"]
    out = str(tmp_path / "p.nc")
    assert run(["predict", fit, "--steps", "2", "--draws", "10", "-o", out]) == 0
    with xr.open_datatree(out, engine="h5netcdf") as tree:
        assert tree["predictions"]["y"].shape == (1, 10, 2)
    assert run(["predict", fit, "--steps", "2", "-o", out]) == 2
    assert run(["predict", fit, "--steps", "2", "-o", out, "--force"]) == 0


def test_the_formats_have_the_same_numbers(fit: str, capsys: Capture) -> None:
    asked = ["predict", fit, "--steps", "2", "--seed", "1", "--format"]
    assert run([*asked, "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["draws"], found["seed"]) == (50, 1)
    assert run([*asked, "csv"]) == 0
    rows = [*csv.DictReader(io.StringIO(capsys.readouterr().out))]
    assert [row["name"] for row in rows] == NAMES
    assert [float(row["mean"]) for row in rows] == [row["mean"] for row in found["summary"]]


def test_new_data_and_what_is_wrong_with_them(fit: str, tmp_path: Path, capsys: Capture) -> None:
    new = tmp_path / "new.json"
    new.write_text('{"y": [null, null]}')
    assert run(["predict", fit, str(new), "--seed", "1", "--format", "csv"]) == 0
    assert [line.partition(",")[0] for line in capsys.readouterr().out.splitlines()[1:]] == NAMES
    new.write_text('{"z": [1]}')
    assert run(["predict", fit, str(new)]) == 4
    assert "QEM764" in capsys.readouterr().err
    assert run(["predict", fit, str(new), "--steps", "2"]) == 2
    assert run(["predict", str(new)]) == 4
