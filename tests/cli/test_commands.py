"""The commands from end to end: what stands on stdout, what on stderr, which file, which exit code."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields
from pathlib import Path

import pytest

from qemppl.cli.fit import command as fit_command
from qemppl.cli.main import run
from qemppl.driver import Settings
from qemppl.result.file import load

EIGHT_SCHOOLS = Path(__file__).parents[2] / "examples" / "eight_schools"
MODEL, DATA = str(EIGHT_SCHOOLS / "model.qem"), str(EIGHT_SCHOOLS / "data.json")
QUICK = ("--seed", "1", "--draws", "50", "--tolerance", "0.5", "--particles", "16", "--max-iterations", "5")
COLUMNS = ["name", "mean", "mcse", "sd", "q5", "q50", "q95", "ess", "khat"]

Capture = pytest.CaptureFixture[str]


def test_fit_prints_a_table_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["fit", MODEL, DATA, *QUICK]) == 0
    captured = capsys.readouterr()
    headline, run_line, _, header, mu, *_ = captured.out.splitlines()
    assert headline.startswith("log evidence -")
    assert "seed 1" in run_line
    assert header.split() == COLUMNS[1:]
    assert mu.split()[0] == "mu"
    assert "theta[A]" in captured.out
    assert "\x1b" not in captured.out
    assert list(tmp_path.iterdir()) == []


def test_fit_writes_what_summary_prints_again(tmp_path: Path, capsys: Capture) -> None:
    path = str(tmp_path / "fit.nc")
    assert run(["fit", MODEL, DATA, *QUICK, "-o", path, "--format", "json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert run(["summary", path, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert run(["summary", path, "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0]) == COLUMNS
    assert [row["name"] for row in rows] == [row["name"] for row in first["summary"]]
    assert [float(row["mean"]) for row in rows] == [row["mean"] for row in first["summary"]]


def test_settings_are_recorded(tmp_path: Path) -> None:
    path = str(tmp_path / "fit.nc")
    chosen = ("--particles", "20", "--max-iterations", "9", "--memory", "1GiB", "--dtype", "float32")
    assert run(["fit", MODEL, DATA, *QUICK, *chosen, "--quiet", "-o", path]) == 0
    provenance = load(path).provenance
    expected = {"particles": 20, "max_iterations": 9, "memory": 2**30, "draws": 50, "tolerance": 0.5, "method": "qem"}
    assert provenance.settings.items() >= expected.items()
    assert (provenance.seed, provenance.dtype) == (1, "float32")


def test_the_same_seed_gives_the_same_numbers(capsys: Capture) -> None:
    outputs = []
    for _ in range(2):
        assert run(["fit", MODEL, DATA, *QUICK, "--format", "csv"]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]


def test_help_states_the_defaults_of_the_engine() -> None:
    options = {parameter.name: getattr(parameter, "help", None) or "" for parameter in fit_command.params}
    for field in fields(Settings):
        if field.default not in (None, ()):
            assert f"[default: {field.default}]" in options[field.name]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--seed", "-1"),
        ("--seed", "1.5"),
        ("--seed", str(2**63)),
        ("--particles", "0"),
        ("--draws", "0"),
        ("--max-iterations", "0"),
        ("--tolerance", "nan"),
        ("--tolerance", "0"),
        ("--memory", "much"),
        ("--method", "advi"),
        ("--device", "tpu"),
        ("--format", "xml"),
        ("-o", "no/such/folder/fit.nc"),
        ("-o", "."),
    ],
    ids=" ".join,
)
def test_a_bad_option_is_a_usage_error(arguments: tuple[str, ...], capsys: Capture) -> None:
    assert run(["fit", MODEL, DATA, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert arguments[0] in captured.err or arguments[1] in captured.err


def test_an_existing_output_is_refused_before_anything_is_read(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "fit.nc"
    path.write_text("precious")
    assert run(["fit", "no-such-model.qem", "no-such-data.json", "-o", str(path)]) == 2
    assert "exists" in capsys.readouterr().err
    assert path.read_text() == "precious"
    assert run(["fit", MODEL, DATA, *QUICK, "-o", str(path), "--force"]) == 0
    assert load(path).provenance.seed == 1


def test_a_wrong_model_or_data_writes_no_file(tmp_path: Path, capsys: Capture) -> None:
    model, data, output = tmp_path / "model.qem", tmp_path / "data.json", tmp_path / "fit.nc"
    model.write_text("model { real mu ~ normal(0, sigm); real tau ~ normal(0, thta); }")
    data.write_text('{"y": [1]}')
    assert run(["fit", str(model), DATA, "-o", str(output)]) == 3
    errors = capsys.readouterr().err
    assert "sigm" in errors
    assert "thta" in errors
    assert run(["fit", MODEL, str(data), "-o", str(output)]) == 4
    assert not output.exists()


def test_strict_exits_with_6(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "fit.nc"
    hopeless = (*QUICK, "--max-iterations", "1", "--particles", "2", "-o", str(path))
    assert run(["fit", MODEL, DATA, *hopeless, "--strict"]) == 6
    assert "warning" in capsys.readouterr().err
    assert run(["fit", MODEL, DATA, *hopeless, "--force"]) == 0
    assert path.exists()


def test_check_says_what_the_model_has(capsys: Capture) -> None:
    assert run(["check", MODEL, DATA]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("no mistakes; latents mu, tau, theta; observations y")
    assert second.endswith("no mistakes; 8 school")


def test_check_exits_with_whose_mistake_it_is(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "data.json").write_text('{"y": [1, 2], "sigma": [1, -1]}')
    assert run(["check", MODEL, str(tmp_path / "data.json")]) == 4
    assert "sigma[2]" in capsys.readouterr().err
    (tmp_path / "model.qem").write_text("model { real mu ~ normal(0, 1) }")
    assert run(["check", str(tmp_path / "model.qem"), DATA]) == 3
    assert run(["check", str(tmp_path / "absent.qem")]) == 3


@pytest.mark.parametrize(("stage", "words"), [("ast", "Latent"), ("ir", "latent real mu"), ("plan", "theta")])
def test_explain_prints_a_stage(stage: str, words: str, capsys: Capture) -> None:
    assert run(["explain", MODEL, DATA, "--stage", stage]) == 0
    assert words in capsys.readouterr().out


def test_explain_plan_needs_data(capsys: Capture) -> None:
    assert run(["explain", MODEL, "--stage", "plan"]) == 2
    assert "DATA" in capsys.readouterr().err


def test_explain_ast_shows_what_could_be_read(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "model.qem").write_text("model { real mu ~ normal(0, 1); real tau normal(0, 1); }")
    assert run(["explain", str(tmp_path / "model.qem"), "--stage", "ast"]) == 3
    captured = capsys.readouterr()
    assert "mu" in captured.out
    assert "error" in captured.err


def test_summary_of_another_file_is_refused(tmp_path: Path, capsys: Capture) -> None:
    assert run(["summary", DATA]) == 4
    assert run(["summary", str(tmp_path / "absent.nc")]) == 4
    assert "Traceback" not in capsys.readouterr().err
