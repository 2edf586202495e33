"""Commands that only read text answer at once: no torch, numpy only for data, and less than half a second."""

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
heavy = set(sys.argv.pop(1).split())
code = run(sys.argv[1:])
sys.exit(f"imported {heavy & sys.modules.keys()}" if heavy & sys.modules.keys() else code)
"""
HEAVY = "torch pandas xarray scipy"
MODEL, DATA = "examples/eight_schools/model.qem", "examples/eight_schools/data.json"
TEXT_ONLY = [
    ("--help",),
    ("--version",),
    ("fit", "--help"),
    ("sbc", "--help"),
    ("check", "--help"),
    ("check", "--explain", "QEM201"),
    ("check", MODEL),
    ("check", MODEL, "--format", "json"),
    ("format", MODEL),
    ("explain", MODEL, "--stage", "ast"),
    ("explain", MODEL, "--stage", "ir"),
]


def imports(heavy: str, *arguments: str) -> None:
    """Fails if a command imports one of these modules."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, heavy, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [*TEXT_ONLY, ("check", MODEL, DATA)], ids=" ".join)
def test_nothing_heavy_is_imported(arguments: tuple[str, ...]) -> None:
    imports(HEAVY, *arguments)


@pytest.mark.parametrize("arguments", [a for a in TEXT_ONLY if a[0] in {"--help", "check", "format"}], ids=" ".join)
def test_a_model_alone_needs_no_arrays(arguments: tuple[str, ...]) -> None:
    imports(f"{HEAVY} numpy", *arguments)


def processor_seconds(arguments: tuple[str, ...]) -> float:
    process = subprocess.Popen(command_line(*arguments), cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize(
    "arguments", [("--help",), ("check", "--explain", "QEM201"), ("check", MODEL), ("check", MODEL, DATA)], ids=" ".join
)
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
