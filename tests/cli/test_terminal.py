"""On a terminal: a progress line on stderr, and an interruption that leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest

from qemppl.cli.progress import ProgressLine, progress_text
from qemppl.driver import Progress
from tests.cli.process import ROOT, child, command_line

EIGHT_SCHOOLS = ("examples/eight_schools/model.qem", "examples/eight_schools/data.json")
QUICK = ("--seed", "1", "--draws", "50", "--tolerance", "0.5", "--particles", "16", "--max-iterations", "5")
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
PATIENCE = 120.0


def on_terminal(*arguments: str, columns: int, **variables: str) -> tuple[int, bytes]:
    """Exit code, and everything that a terminal of so many columns was sent on stderr."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", **variables}
    process = subprocess.Popen(
        command_line(*arguments), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=theirs, env=environment
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    return process.wait(), seen


@pytest.mark.parametrize("columns", [20, 200])
def test_progress_is_shown_on_a_terminal(columns: int) -> None:
    code, seen = on_terminal("fit", *EIGHT_SCHOOLS, *QUICK, columns=columns)
    assert code == 0
    assert b"report" in ESCAPES.sub(b"", seen)


def test_no_colour_when_none_is_wanted() -> None:
    code, seen = on_terminal("check", "no-such-model.qem", columns=80, NO_COLOR="1")
    assert code == 3
    assert re.search(rb"\x1b\[[0-9;]*3[0-7]m", seen) is None


def test_quiet_and_files_see_no_progress() -> None:
    code, seen = on_terminal("fit", *EIGHT_SCHOOLS, *QUICK, "--quiet", columns=80)
    assert (code, seen) == (0, b"")
    assert "report" not in child("fit", *EIGHT_SCHOOLS, *QUICK).stderr


def test_progress_text_starts_with_what_matters() -> None:
    progress = Progress("adapt", 12, -31.25, 0.5, 0.83, 2.13, 0.041)
    assert progress_text(progress) == "adapt 12  ELBO -31.25  beta 0.5  ESS 83%  2.1 s  mcse 0.041 sd"
    with ProgressLine(quiet=True) as line:
        line(progress)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_fit_leaves_no_file(number: signal.Signals, tmp_path: Path) -> None:
    endless = (
        "--tolerance",
        "1e-9",
        "--max-iterations",
        "1000000",
        "--particles",
        "1000",
        "-o",
        str(tmp_path / "fit.nc"),
    )
    ours, theirs = pty.openpty()
    # a suite in the background ignores SIGINT, and so would its children
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        command_line("fit", *EIGHT_SCHOOLS, *endless), cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    seen, end = b"", time.monotonic() + PATIENCE
    while b"ELBO" not in seen:  # the fit is under way once it shows progress
        assert time.monotonic() < end
        if select.select([ours], [], [], 1.0)[0]:
            seen += os.read(ours, 4096)
    process.send_signal(number)
    output, _ = process.communicate(timeout=PATIENCE)
    os.close(ours)
    assert process.returncode == 130
    assert output == b""
    assert list(tmp_path.iterdir()) == []
