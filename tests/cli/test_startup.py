"""Commands that only read text answer at once: no torch, and less than half a second."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.process import ROOT, command_line

LIMIT = 1.0
"""Seconds of processor time: twice what is promised of the clock, since a busy processor gives every program less."""
PROBE = """
import sys
from qemppl.cli.main import run
code = run(sys.argv[1:])
heavy = {"torch", "pandas", "xarray", "scipy"} & sys.modules.keys()
sys.exit(f"imported {heavy}" if heavy else code)
"""
EIGHT_SCHOOLS = ("examples/eight_schools/model.qem", "examples/eight_schools/data.json")
LIGHT = [
    ("--help",),
    ("--version",),
    ("fit", "--help"),
    ("check", EIGHT_SCHOOLS[0]),
    ("check", *EIGHT_SCHOOLS),
    ("explain", EIGHT_SCHOOLS[0], "--stage", "ast"),
    ("explain", EIGHT_SCHOOLS[0], "--stage", "ir"),
]


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_nothing_heavy_is_imported(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def processor_seconds(arguments: tuple[str, ...]) -> float:
    process = subprocess.Popen(command_line(*arguments), cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize("arguments", [LIGHT[0], LIGHT[4]], ids=" ".join)
def test_the_answer_comes_at_once(arguments: tuple[str, ...]) -> None:
    processor_seconds(arguments)  # compiles the bytecode of a fresh checkout
    assert min(processor_seconds(arguments) for _ in range(3)) < LIMIT


def test_summary_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from tests.result.fits import nested_fit; nested_fit().save(sys.argv[1]);"
        "from qemppl.cli.main import run; code = run(['summary', sys.argv[1]]); sys.exit('torch' in sys.modules or code)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "fit.nc"], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0
