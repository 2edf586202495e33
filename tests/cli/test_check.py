"""qemppl check: its three outputs, standard input, several data files, and the meaning of codes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import qemppl.cli.check
from qemppl.cli.codes import entries, near
from qemppl.cli.main import run
from qemppl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qemppl.diagnostics.examples import EXAMPLES
from qemppl.diagnostics.source import Source, Span
from qemppl.lang.frontend import Checked
from tests.cli.process import ROOT, command_line

EIGHT_SCHOOLS = ROOT / "examples" / "eight_schools"
MODEL, DATA = str(EIGHT_SCHOOLS / "model.qem"), str(EIGHT_SCHOOLS / "data.json")

Capture = pytest.CaptureFixture[str]


def checked(monkeypatch: pytest.MonkeyPatch, *severities: Severity) -> list[dict[str, Any]]:
    """Let a check of any text find these, and record what it was asked."""
    asked: list[dict[str, Any]] = []

    def compile_text(source: Source, **options: Any) -> Checked:
        asked.append({"source": source, **options})
        label = Label(Span(source, 0, 5), "here too")
        found = [Diagnostic("QEM999", s, f"a {s.value}", Span(source, 6, 7), labels=(label,)) for s in severities]
        return Checked(None, tuple(found))

    monkeypatch.setattr(qemppl.cli.check, "compile_text", compile_text)
    return asked


def test_people_read_stderr(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    checked(monkeypatch, Severity.ERROR, Severity.WARNING)
    for style in ((), ("--format", "plain"), ("--format", "rich")):
        assert run(["check", MODEL, *style]) == 3
        captured = capsys.readouterr()
        assert captured.out == ""
        assert ("\x1b[" in captured.err) == (style[-1:] == ("rich",))
        for words in ("QEM999", "a warning", "here too"):
            assert words in captured.err
        assert ("qemppl check --explain QEM999" in captured.err) == (style[-1:] == ("rich",))


def test_no_colours_if_none_are_wanted(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    checked(monkeypatch, Severity.ERROR)
    assert run(["check", MODEL, "--format", "rich"]) == 3
    styles = {code for part in capsys.readouterr().err.split("\x1b[")[1:] for code in part.split("m")[0].split(";")}
    assert styles <= {"0", "1", "2"}  # bold and dim, no colour


def test_programs_read_one_object_on_stdout(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    checked(monkeypatch, Severity.WARNING, Severity.ERROR)
    assert run(["check", MODEL, "--format", "json"]) == 3
    captured = capsys.readouterr()
    assert captured.err == ""
    found = json.loads(captured.out)
    assert found["uri"] == Path(MODEL).as_uri()
    assert [d["severity"] for d in found["diagnostics"]] == [2, 1]
    assert found["diagnostics"][0]["relatedInformation"][0]["message"] == "here too"


def test_the_object_has_what_is_wrong_with_files_and_data(tmp_path: Path, capsys: Capture) -> None:
    assert run(["check", MODEL, DATA, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["diagnostics"] == []
    assert run(["check", str(tmp_path / "absent.qem"), "--format", "json"]) == 3
    assert json.loads(capsys.readouterr().out)["diagnostics"][0]["code"] == "QEM133"
    assert run(["check", MODEL, str(tmp_path / "absent.json"), "--format", "json"]) == 4
    assert json.loads(capsys.readouterr().out)["diagnostics"][0]["code"] == "QEM601"
    data = json.loads(Path(DATA).read_text())
    (tmp_path / "data.json").write_text(json.dumps({**data, "sigma": [-1.0, *data["sigma"][1:]]}))
    assert run(["check", MODEL, str(tmp_path / "data.json"), "--format", "json"]) == 4
    (fault,) = json.loads(capsys.readouterr().out)["diagnostics"]
    assert "sigma" in fault["data"]["where"]
    declared = fault["relatedInformation"][0]["location"]
    assert declared["range"] == fault["range"]
    line = Path(MODEL).read_text().splitlines()[declared["range"]["start"]["line"]]
    assert "sigma" in line


def test_warnings_of_the_model_and_mistakes_in_the_data_are_reported_together(tmp_path: Path, capsys: Capture) -> None:
    model, data = tmp_path / "model.qem", tmp_path / "data.json"
    model.write_text("data { real y; real z; }\nmodel { real mu ~ normal(0, 1); y ~ normal(mu, 1); }")
    data.write_text('{"y": "x", "z": 1}')
    assert run(["check", str(model), str(data)]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("1 error, 1 warning\n")


def test_a_model_comes_from_standard_input(tmp_path: Path) -> None:
    def check(text: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command_line("check", "-", *arguments), cwd=ROOT, input=text, capture_output=True, check=False
        )

    done = check(Path(MODEL).read_bytes(), DATA)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"<stdin>: no mistakes")
    done = check(b"model { \0 }", "--format", "json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["uri"] == "untitled:stdin"
    assert json.loads(done.stdout)["diagnostics"][0]["code"] == "QEM130"


@pytest.fixture
def halves(tmp_path: Path) -> list[str]:
    """The data of eight schools in two files."""
    data = json.loads(Path(DATA).read_text())
    names = sorted(data)
    parts = [{name: data[name] for name in names[:1]}, {name: data[name] for name in names[1:]}]
    for number, part in enumerate(parts):
        (tmp_path / f"{number}.json").write_text(json.dumps(part))
    return [str(tmp_path / f"{number}.json") for number in range(2)]


def test_data_may_be_several_files(halves: list[str], capsys: Capture) -> None:
    assert run(["check", MODEL, *halves]) == 0
    assert capsys.readouterr().out.splitlines()[1] == f"{', '.join(halves)}: no mistakes; 8 school"
    assert run(["explain", MODEL, *halves, "--stage", "plan"]) == 0
    plan = capsys.readouterr().out
    assert run(["explain", MODEL, DATA, "--stage", "plan"]) == 0
    assert capsys.readouterr().out == plan
    assert run(["check", MODEL, halves[0]]) == 4


def test_a_fit_takes_several_files(halves: list[str], capsys: Capture) -> None:
    quick = ("--seed", "1", "--draws", "50", "--particles", "16", "--max-iterations", "2", "--format", "csv", "--quiet")
    outputs = []
    for files in (halves, [DATA]):
        assert run(["fit", MODEL, *files, *quick]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]


def test_pedantic_asks_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = checked(monkeypatch, Severity.WARNING)
    run(["check", MODEL])
    run(["check", MODEL, "--pedantic"])
    assert [call["pedantic"] for call in asked] == [False, True]


@pytest.mark.parametrize("text", ["QEM403", "qem403", "403", " Qem403 "])
def test_a_code_is_explained_without_a_model(text: str, capsys: Capture) -> None:
    assert run(["check", "--explain", text]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(f"QEM403: {entries()['QEM403'].title}\n")
    assert f"\nwrong:\n  {EXAMPLES['QEM403'].wrong.splitlines()[0]}\n" in captured.out
    assert f"\nright:\n  {EXAMPLES['QEM403'].right.splitlines()[0]}\n" in captured.out
    assert captured.err == ""


@pytest.mark.parametrize("columns", [20, 80])
def test_explanations_fit_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for code, entry in entries().items():
        assert run(["check", "--explain", code]) == 0
        text = capsys.readouterr().out.split("\n\n")[1]
        assert all(len(line) <= columns or " " not in line for line in text.splitlines())
        assert text.split() == entry.explanation.split()


@pytest.mark.parametrize(
    ("text", "suggestions"), [("QEM216x", ["QEM216"]), ("299", ["QEM301"]), ("plate", ["QEM301"]), ("zzz", [])]
)
def test_an_unknown_code_is_a_usage_error_with_what_is_near(text: str, suggestions: list[str], capsys: Capture) -> None:
    assert run(["check", "--explain", text]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"there is no code '{text}'" in captured.err
    assert set(suggestions) <= set(near(text))
    assert all(f"{code} ({entries()[code].title})" in captured.err for code in near(text))


def test_all_floors_have_their_codes_explained() -> None:
    floors = sorted(path.parent.name for path in (ROOT / "qemppl").glob("*/catalogue.py"))
    assert {code[:4] for code in entries()} >= {"QEM1", "QEM5", "QEM6", "QEM8", "QEM9"}
    modules = [__import__(f"qemppl.{floor}.catalogue", fromlist=["CATALOGUE"]) for floor in floors]
    assert set(entries()) == {code for module in modules for code in module.CATALOGUE}
