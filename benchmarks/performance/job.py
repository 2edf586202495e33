"""python -m benchmarks.performance.job ENGINE[:K] CASE: one measurement in a process of its own, printed as one line of JSON."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.performance.cases import CASES

ENGINES = {
    "fit": ("ours", "fit"),
    "iteration": ("ours", "iterations"),
    "chosen": ("ours", "chosen"),
    "plain": ("plain", "iterations"),
    "kernel": ("kernel", "iterations"),
    "nuts": ("peers", "nuts"),
    "svi_mean_field": ("peers", "svi_mean_field"),
    "svi_full_rank": ("peers", "svi_full_rank"),
}
"""Module and function that measure; those of peers need NumPyro."""


def main(engine: str, name: str) -> None:
    kind, _, particles = engine.partition(":")
    module, function = ENGINES[kind]
    measure: Callable[..., dict[str, Any]] = getattr(import_module(f"benchmarks.performance.{module}"), function)
    case = next(case for case in CASES if case.name == name)
    found = measure(case, int(particles)) if particles else measure(case)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"engine": engine, "case": name, "peak_bytes": peak, **found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
