"""What was measured: benchmarks/performance/results.json, one object with the machine and a list of measurements."""

from __future__ import annotations

import importlib.util
import json
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

PATH = Path(__file__).parent / "results.json"
Result = dict[str, Any]
"""engine, case, and what the engine's function found; or `failed`, why; or `stopped`: seconds is the time after which it was."""


def store(results: list[Result], machine: Result) -> None:
    text = json.dumps({"machine": machine, "results": results}, indent=1)
    PATH.write_text(text + "\n", encoding="utf-8")


def load() -> tuple[list[Result], Result]:
    """Measurements, and the machine."""
    stored = json.loads(PATH.read_text(encoding="utf-8"))
    return stored["results"], stored["machine"]


def machine(threads: int) -> Result:
    """The day, the processor, the threads that were used, the versions of what was measured."""
    packages = ("torch", "numpyro", "jax")
    cpu = next(
        (line.split(":")[1].strip() for line in _cpu_info() if line.startswith("model name")), platform.machine()
    )
    known = {name: version(name) for name in packages if importlib.util.find_spec(name)}
    return {"date": date.today().isoformat(), "cpu": cpu, "threads": threads, **known}


def _cpu_info() -> list[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError:
        return []
