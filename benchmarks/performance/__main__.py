"""python -m benchmarks.performance [CASE | ENGINE ...]: measures every benchmark model, or some of them anew, or with some engines only,
each measurement in a process of its own, one after another.

Results go to benchmarks/performance/results.json as they come; `python -m benchmarks.performance.report` makes tables and pictures of them.
A peer that is not accurate after PATIENCE times the seconds of our fit is stopped: its ratio is then at least that.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.performance.cases import CASES, ROOT, Case
from benchmarks.performance.job import ENGINES
from benchmarks.performance.results import PATH, Result, load, machine, store
from benchmarks.performance.truth import main as find_truth

THREADS = 2
PATIENCE = {"nuts": 20.5, "svi_mean_field": 2, "svi_full_rank": 2}
"""Times the seconds of our fit that a peer gets."""
SHORTEST, LONGEST = 30, 1300
"""Seconds that every peer gets, and that none gets more than; where it would be more, it gets FEWER times the seconds of our fit."""
FEWER = 1.5
STARTING = 90
"""Seconds to import packages, make the data, and look whether means are accurate."""
OWN_LIMIT = 3600
SWEEP = {
    "preferences": (3, 10, 60),
    "contraception": (3, 10, 100),
    "logistic 1,000 x 10,000": (3, 10, 100),
    **dict.fromkeys(("linear 1,000 x 10,000", "linear 10,000 x 100,000", "linear 100,000 x 1,000,000"), (64,)),
}
"""Particles of every group, beside 30, with which iterations are timed, by case."""
PLAIN_SWEEP = 30
"""The largest of them that a plain engine gets."""


def jobs(case: Case) -> Iterator[str]:
    """What is measured of a case."""
    yield from ("fit", "iteration", "chosen", "kernel")
    if case.plain:
        yield "plain"
    for particles in SWEEP.get(case.name, ()):
        yield f"iteration:{particles}"
        if case.plain and particles <= PLAIN_SWEEP:
            yield f"plain:{particles}"
    if case.peer and importlib.util.find_spec("numpyro"):
        yield from PATIENCE


def measure(case: Case, engine: str, limit: float) -> Result:
    """One job. limit: seconds that it may take, beside those to start."""
    command = [sys.executable, "-m", "benchmarks.performance.job", engine, case.name]
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS), "JAX_PLATFORMS": "cpu", "KINETO_LOG_LEVEL": "99"}
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit + STARTING, check=False
        )
    except subprocess.TimeoutExpired:
        return {"engine": engine, "case": case.name, "seconds": limit, "stopped": True}
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        return {"engine": engine, "case": case.name, "failed": last}
    result: Result = json.loads(done.stdout.strip().splitlines()[-1])
    return result | {"wall": time.perf_counter() - start}


def limit_of(engine: str, own: Result) -> float:
    """Seconds that an engine gets. own: our fit."""
    if engine not in PATIENCE:
        return OWN_LIMIT
    seconds = own.get("seconds", SHORTEST)
    wanted = max(PATIENCE[engine] * seconds, SHORTEST)
    return float(wanted if wanted <= LONGEST else FEWER * seconds)


def main(names: list[str]) -> None:
    """names: of cases, and of engines without their particle numbers."""
    cases = [case for case in CASES if case.name in names] or list(CASES)
    engines = set(names) & set(ENGINES) or set(ENGINES)
    find_truth([case.name for case in cases])
    wanted = {(case.name, engine): case for case in cases for engine in jobs(case) if engine.split(":")[0] in engines}
    kept = load()[0] if names and PATH.exists() else []
    found = {(result["case"], result["engine"]): result for result in kept}
    order = [(case.name, engine) for case in CASES for engine in jobs(case)]
    for (name, engine), case in wanted.items():
        result = measure(case, engine, limit_of(engine, found.get((name, "fit"), {})))
        found[(name, engine)] = result
        print(f"{name:30} {engine:16} {_brief(result)}", flush=True)
        store([found[key] for key in order if key in found], machine(THREADS))


def _brief(result: Result) -> str:
    if "failed" in result:
        return str(result["failed"])
    error = result.get("error")
    accuracy = "" if error is None else f", error {error:.3f} sd"
    return f"{'more than ' if result.get('stopped') else ''}{result['seconds']:.4g} s{accuracy}"


if __name__ == "__main__":
    main(sys.argv[1:])
