"""qemppl sbc: what stands on stdout, what on stderr, which files, which exit code."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from qemppl.cli.main import run
from tests.cli.process import script

QUICK = ("--seed", "1", "--simulations", "3", "--draws", "9", "--tolerance", "0.9", "--particles", "8")
HEAD = ["name", "mean", "sd", "ecdf", "p", "alpha", "holds"]
NAMES = ["mu", "a[x]", "a[y]", "mean(a over g)", "log likelihood"]

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """`qemppl sbc MODEL DATA` of a small model, with few and rough fits."""
    model, data = tmp_path / "model.qem", tmp_path / "data.csv"
    model.write_text(
        "data { plate g; real y[g]; } model { real mu ~ normal(0, 1); plate g { real a ~ normal(mu, 1); y ~ normal(a, 1); } }"
    )
    data.write_text("g,y\nx,1\ny,2\n")
    return ["sbc", str(model), str(data), *QUICK]


def test_sbc_prints_a_table_and_writes_nothing(command: list[str], tmp_path: Path, capsys: Capture) -> None:
    before = sorted(tmp_path.iterdir())
    assert run(command) == 0
    captured = capsys.readouterr()
    first, second, _, header, *rows = captured.out.splitlines()
    assert first.startswith("3 simulations in ")
    assert "seed 1; 3 fitted, " in first
    assert second == "all 5 bands hold, at a joint level of 0.99; ranks among 9 draws"
    assert header.split() == ["mean", "sd", "ecdf", "p", "band"]
    assert [row.startswith(name) and row.endswith("  holds") for row, name in zip(rows, NAMES, strict=True)] == [
        True
    ] * 5
    assert sorted(tmp_path.iterdir()) == before


def test_the_formats_have_the_same_numbers(command: list[str], capsys: Capture) -> None:
    assert run([*command, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert run([*command, "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0]) == HEAD
    assert list(found) == [
        *("simulations", "failed", "warned", "codes", "seed", "draws", "level", "seconds", "warnings", "summary")
    ]  # fmt: skip
    assert [row["name"] for row in rows] == [row["name"] for row in found["summary"]] == NAMES
    assert [float(row["p"]) for row in rows] == [row["p"] for row in found["summary"]]


def test_ranks_and_a_picture_are_written_and_not_replaced(command: list[str], tmp_path: Path, capsys: Capture) -> None:
    ranks, picture = tmp_path / "ranks.csv", tmp_path / "sbc.svg"
    assert run([*command, "-o", str(ranks), "--plot", str(picture)]) == 0
    rows = list(csv.DictReader(io.StringIO(ranks.read_text())))
    assert [row["name"] for row in rows] == NAMES * 3
    assert [int(row["simulation"]) for row in rows] == [number for number in (1, 2, 3) for _ in NAMES]
    assert all(0 <= int(row["rank"]) <= int(row["draws"]) == 9 for row in rows)
    assert picture.read_text().startswith("<?xml")
    ranks.write_text("precious")
    for option in ("-o", str(ranks)), ("--plot", str(picture)):
        assert run([*command, *option]) == 2
        assert "exists" in capsys.readouterr().err
    assert ranks.read_text() == "precious"
    assert run([*command, "-o", str(ranks), "--force"]) == 0
    assert ranks.read_text().startswith("simulation,")


def test_a_broken_band_is_a_warning_and_exits_with_6_under_strict(command: list[str], capsys: Capture) -> None:
    """A level of nearly 0 asks for ranks that are uniform to the letter."""
    assert run([*command, "--level", "1e-9"]) == 0
    captured = capsys.readouterr()
    assert "bands are broken" in captured.out
    assert "warning[QEM961]" in captured.err
    assert run([*command, "--level", "1e-9", "--strict", "--quiet"]) == 6
    assert capsys.readouterr().err == ""
    assert run([*command, "--strict"]) == 0


def test_fits_that_warn_are_left_out_when_asked(command: list[str], capsys: Capture) -> None:
    noisy = [*command, "--simulations", "1", "--tolerance", "1e-6"]
    assert run(noisy) == 0
    assert "1 fitted, 1 of them with a warning (QEM904 in 1)" in capsys.readouterr().out
    assert run([*noisy, "--unwarned"]) == 0
    assert "there is no fit to judge by" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--simulations", "0"),
        ("--level", "1"),
        ("--level", "0"),
        ("--draws", "0"),
        ("--seed", "-1"),
        ("--plot", "sbc.bmp"),
        ("--plot", "no/such/folder/sbc.png"),
        ("-o", "."),
    ],
    ids=" ".join,
)
def test_a_bad_option_is_a_usage_error(arguments: tuple[str, ...], command: list[str], capsys: Capture) -> None:
    assert run([*command, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert arguments[0] in captured.err or arguments[1] in captured.err


def test_a_model_that_cannot_be_drawn_from_is_the_models_mistake(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "model.qem"
    path.write_text("data { real y; } model { real mu ~ flat(); y ~ normal(mu, 1); }")
    (tmp_path / "data.json").write_text('{"y": 1}')
    assert run(["sbc", str(path), str(tmp_path / "data.json")]) == 3
    errors = capsys.readouterr().err
    assert "error[QEM521]: `mu` cannot be drawn from its prior" in errors
    assert "model.qem:1:" in errors


INTERRUPTED = """
import os, signal, sys
from qemppl.cli.main import main
from qemppl.cli.progress import ProgressLine
when = sys.argv.pop(1)
def show(self, text):
    if text.startswith(f"simulation {when} "):
        os.kill(os.getpid(), signal.SIGINT)
ProgressLine.show = show
if when == "0":
    import qemppl.calibration
    qemppl.calibration.simulate = lambda *_: os.kill(os.getpid(), signal.SIGINT)
main()
"""


@pytest.mark.parametrize("when", [0, 2])
def test_an_interrupted_calibration_shows_what_is_complete(when: int, command: list[str], tmp_path: Path) -> None:
    ranks = tmp_path / "ranks.csv"
    done = script(INTERRUPTED, str(when), *command, "-o", str(ranks))
    assert done.returncode == 130
    assert done.stderr.strip().startswith("interrupted")
    assert done.stdout.startswith("2 simulations in ") == (when == 2)
    assert ranks.exists() == (when == 2)
