"""python -m benchmarks.paper [EXPERIMENT ...]: runs the published experiments, all or some anew, and writes results.json;
`python -m benchmarks.paper.report` makes docs/paper.md of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.paper.curves import CannotFitError, iteration_seconds, trace
from benchmarks.paper.experiments import EXPERIMENTS, PLAIN, QEM, RATES, RESCALED, SETTINGS, Experiment, Setting
from benchmarks.paper.judge import Judge
from benchmarks.performance.results import machine

PATH = Path(__file__).parent / "results.json"
THREADS = 1
KEPT = 400
"""Iterations of a curve that are stored, evenly spaced."""
PARTICLES = (3, 10, 30)
ITERATIONS = 100
"""Of the rescaled model."""
TIMING = 10.0
"""Seconds that a method gets to show how long its iterations take."""

Record = dict[str, Any]


def curves(experiment: Experiment) -> Iterator[Record]:
    """Every setting on one experiment."""
    judge = Judge.of(experiment)
    for setting in SETTINGS:
        found: Record = {"experiment": experiment.name, "setting": setting.name}
        try:
            curve = trace(experiment, setting, experiment.budget)
        except CannotFitError as error:
            yield found | {"failed": str(error)}
            continue
        every = range(0, len(curve.elbo), max(1, len(curve.elbo) // KEPT))
        looks = [{"seconds": s, **asdict(judge.worth(curve, q))} for s, q in curve.kept]
        points = [(i, curve.seconds[i], curve.elbo[i]) for i in every]
        yield found | {"iterations": len(curve.elbo), "points": points, "looks": looks}


def times(experiment: Experiment) -> Iterator[Record]:
    """Seconds of an iteration with the published groups."""
    for setting in (PLAIN, Setting("rws", RATES[1]), Setting("vi", RATES[1])):
        for particles in PARTICLES:
            found: Record = {"experiment": experiment.name, "method": setting.method, "particles": particles}
            try:
                yield found | {"seconds": iteration_seconds(experiment, replace(setting, particles=particles), TIMING)}
            except CannotFitError as error:
                yield found | {"failed": str(error)}
    yield {"experiment": experiment.name, "method": "qem", "seconds": iteration_seconds(experiment, QEM, TIMING)}


def rescaled() -> Iterator[Record]:
    """The bus model in two parameterisations, as many iterations of each."""
    for setting in (QEM, PLAIN, Setting("rws", RATES[1], "planned", None), Setting("vi", RATES[1], "planned", None)):
        pair = [
            trace(experiment, setting, sys.float_info.max, ITERATIONS).elbo for experiment in (EXPERIMENTS[0], RESCALED)
        ]
        yield {"setting": setting.name, "elbo": pair}


def main(names: list[str]) -> None:
    torch.set_num_threads(THREADS)
    found: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() and names else {}
    chosen = [experiment for experiment in EXPERIMENTS if not names or experiment.name in names]
    for kind, measure in (("curves", curves), ("times", times)):
        kept = [record for record in found.get(kind, ()) if record["experiment"] not in {e.name for e in chosen}]
        found[kind] = kept
        for record in (record for experiment in chosen for record in measure(experiment)):
            print({name: value for name, value in record.items() if name != "points"}, flush=True)
            kept.append(record)
            store(found)
    if not names or RESCALED.name in names:
        found["rescaled"] = list(rescaled())
    store(found)


def store(found: dict[str, Any]) -> None:
    """What has been measured so far, and on what."""
    PATH.write_text(json.dumps(found | {"machine": machine(THREADS)}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
