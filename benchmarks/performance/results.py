"""What was measured: benchmarks/performance/results.json, one object with the machine and a list of measurements."""

from __future__ import annotations

import json
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
