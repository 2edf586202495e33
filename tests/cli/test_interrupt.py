"""Ctrl-C and SIGTERM: exit 130, one line, and a file from which the same command continues if one was asked for."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from qemppl.cli.main import run
from tests.cli.process import ROOT, script

EIGHT_SCHOOLS = ROOT / "examples" / "eight_schools"
FIT = ("fit", str(EIGHT_SCHOOLS / "model.qem"), str(EIGHT_SCHOOLS / "data.json"), "--format", "json", "--quiet")
QUICK = ("--seed", "1", "--draws", "50", "--tolerance", "0.9", "--particles", "16", "--max-iterations", "12")

SIGNALLED = """
import os, sys
from qemppl.cli.main import main
from qemppl.cli.progress import ProgressLine
from qemppl.result import checkpoint
when, number, second = sys.argv.pop(1), int(sys.argv.pop(1)), sys.argv.pop(1) == "twice"
def watch(self, progress):
    if f"{progress.phase} {progress.iteration}" == when:
        os.kill(os.getpid(), number)
ProgressLine.__call__ = watch
if when == "start":
    from qemppl.engine import qem
    qem._trust_region = lambda *_: os.kill(os.getpid(), number)
if second:
    checkpoint.to_numbers = lambda _: os.kill(os.getpid(), number)
main()
"""


def signalled(when: str, number: signal.Signals, *arguments: str, second: bool = False) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a fit that gets a signal at `adapt 3` or the like, and another while it answers."""
    done = script(SIGNALLED, when, str(int(number)), "twice" if second else "once", *arguments)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", ["adapt 4", "report 20"])
def test_an_interrupted_fit_says_how_to_continue(
    when: str, number: signal.Signals, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, output = tmp_path / "run.checkpoint", tmp_path / "fit.nc"
    resumed = (*FIT, *QUICK, "--resume", str(path))
    code, out, errors = signalled(when, number, *resumed, "-o", str(output))
    assert (code, out) == (130, "")
    assert errors == f"interrupted; the same command continues from {path}\n"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert run([*resumed, "-o", str(output)]) == 0
    continued = json.loads(capsys.readouterr().out)
    assert [entry.name for entry in tmp_path.iterdir()] == [output.name]
    assert run([*FIT, *QUICK]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert {**continued, "seconds": 0} == {**whole, "seconds": 0}


@pytest.mark.parametrize(("when", "extra"), [("adapt 4", ()), ("start", ()), ("start", ("--resume", "run.checkpoint"))])
def test_otherwise_an_interrupted_fit_leaves_nothing(when: str, extra: tuple[str, ...], tmp_path: Path) -> None:
    extra = tuple(str(tmp_path / word) if "." in word else word for word in extra)
    code, out, errors = signalled(when, signal.SIGINT, *FIT, *QUICK, *extra, "-o", str(tmp_path / "fit.nc"))
    assert (code, out, errors.strip()) == (130, "", "interrupted")
    assert list(tmp_path.iterdir()) == []


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    resume = ("--resume", str(tmp_path / "run.checkpoint"))
    code, out, errors = signalled("adapt 4", signal.SIGINT, *FIT, *QUICK, *resume, second=True)
    assert (code, out, errors.strip()) == (130, "", "interrupted")
    assert list(tmp_path.iterdir()) == []


def test_the_result_never_replaces_its_own_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    same = str(tmp_path / "fit.nc")
    assert run([*FIT, *QUICK, "-o", same, "--resume", same]) == 2
    assert "-o and --resume name the same file" in capsys.readouterr().err


def test_a_fit_that_cannot_be_written_keeps_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, output = tmp_path / "run.checkpoint", tmp_path / "fit.nc"
    command = [*FIT, *QUICK, "--resume", str(path), "-o", str(output)]
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == output.name:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        assert run(command) == 5
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert run(command) == 0
    assert [entry.name for entry in tmp_path.iterdir()] == [output.name]
