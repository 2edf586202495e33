"""Every way a command can end has its exit code, its words on stderr, and no traceback."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path

import pytest

import qemppl.cli.check
from qemppl.cli.main import COMMANDS, run
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.version import __version__
from tests.cli.process import ROOT, child, command_line
from tests.result.fits import nested_fit


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(qemppl.cli.check, "read_model", fail)


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"qemppl {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert f"qemppl {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["no-such-command"], ["--no-such-option"], ["check"], ["fit", "model.qem"], ["explain"]]
)
def test_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert "Usage: qemppl" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("stage", Stage)
def test_a_diagnostic_exits_with_its_stage(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = Diagnostic("QEM999", Severity.ERROR, "two [bold] and [/] brackets", where="y[3]", hint="a fix")
    raising(monkeypatch, DiagnosticsError([fault], stage))
    assert run(["check", "model.qem"]) == stage.value
    captured = capsys.readouterr()
    assert captured.out == ""
    for words in ("QEM999", "two [bold] and [/] brackets", "y[3]", "a fix"):
        assert words in captured.err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 5, "not enough memory"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, ""),
        (RuntimeError("[/] odd"), 70, "internal error: RuntimeError: [/] odd"),
        (RecursionError("deep"), 70, "report"),
        (AssertionError("no such plate"), 70, f"qemppl {__version__}, Python"),
    ],
)
def test_other_ends(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, error)
    assert run(["check", "model.qem"]) == code
    captured = capfd.readouterr()
    assert words in captured.err
    assert "Traceback" not in captured.err


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    raising(monkeypatch, RuntimeError("odd"))
    assert run(["--debug", "check", "model.qem"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_an_internal_error_leaves_no_half_written_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, RuntimeError("odd"))
    assert run(["check", "model.qem", "--format", "json"]) == 70
    assert capsys.readouterr().out == ""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "fit.nc"
    nested_fit().save(path)
    return path


def test_a_reader_that_leaves_early_is_no_error(saved: Path) -> None:
    process = subprocess.Popen(command_line("summary", saved), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate()
    assert process.returncode == 1
    assert b"Traceback" not in errors
    assert b"Exception" not in errors


def test_a_full_disk_behind_stdout_is_said(saved: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command_line("summary", saved), cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 5
    assert "QEM860" in done.stderr
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "label"),
    [
        ({"NO_COLOR": "1"}, "a[Anoka-Süd]"),
        ({"COLUMNS": "20"}, "a[Anoka-Süd]"),
        ({"TERM": "dumb"}, "a[Anoka-Süd]"),
        ({"PYTHONIOENCODING": "ascii"}, "a[Anoka-S\\xfcd]"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "a[Anoka-S\\xfcd]"),
    ],
)
def test_any_terminal_will_do(saved: Path, variables: dict[str, str], label: str) -> None:
    done = child("summary", saved, variables=variables)
    assert done.returncode == 0, done.stderr
    assert label in done.stdout
    assert "\x1b" not in done.stdout


def test_python_module_entry() -> None:
    assert child("--version").stdout == f"qemppl {__version__}\n"
