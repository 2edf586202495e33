"""Runs the command line in a process of its own, from this source tree."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def command_line(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "qemppl", *map(str, arguments)]


def child(*arguments: str | Path, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command_line(*arguments),
        cwd=ROOT,
        env={**os.environ, **(variables or {})},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def script(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a Python script that SIGINT interrupts, whatever it does to this process."""
    return subprocess.run(
        [sys.executable, "-c", text, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
