"""python -m benchmarks.paper.report: results.json as the tables of docs/paper.md and its two pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np

from benchmarks.paper.__main__ import PARTICLES, PATH, Record
from benchmarks.performance.cases import ROOT
from benchmarks.performance.report import Row, markdown, number, put

PAGE = ROOT / "docs" / "paper.md"
CURVES, RESCALED = ROOT / "docs" / "paper.png", ROOT / "docs" / "paper_rescaled.png"
SMOOTH = 5
"""Iterations of which an ELBO is the median: single ones are noisy."""
SECONDS = (0.25, 0.5, 1, 2, 5, 10)
LAST = 20
"""Stored points of a curve whose median is its end."""
COLOURS = {"qem": "#c1440e", "plain": "#2a6f97", "rws": "#7a9e3b", "vi": "#8a6bb0"}


def smoothed(record: Record) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Iterations, seconds, and running medians of the ELBO."""
    iteration, seconds, elbo = np.array(record["points"]).T
    return iteration, seconds, np.array([median(elbo[max(0, i - SMOOTH + 1) : i + 1]) for i in range(len(elbo))])


def end(record: Record) -> float:
    return median(elbo for _, _, elbo in record["points"][-LAST:])


def shown(results: dict[str, Any], experiment: str) -> list[Record]:
    """The curves of an experiment, of a gradient method and a grouping that with the best rate: by its end."""
    best: dict[tuple[str, bool], Record] = {}
    for record in results["curves"]:
        if record["experiment"] != experiment or "failed" in record:
            continue
        method, *_ = name = record["setting"].split()
        key = (record["setting"] if method in ("qem", "plain") else method, "groups" in name)
        if key not in best or end(record) > end(best[key]):
            best[key] = record
    return list(best.values())


def experiments(results: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(record["experiment"] for record in results["curves"]))


def ends(results: dict[str, Any]) -> tuple[Row, list[Row]]:
    """What every method came to."""
    head = ("experiment", "method", "iterations", "seconds", "ELBO", "predictive", "error, sd")
    rows = []
    for experiment in experiments(results):
        for record in shown(results, experiment):
            look = record["looks"][-1]
            numbers = (f"{end(record):.1f}", f"{look['predictive']:.1f}", f"{look['error'] ** 0.5:.3f}")
            seconds = number(record["points"][-1][1])
            rows.append((experiment, record["setting"], str(record["iterations"]), seconds, *numbers))
    return head, rows


def bus(results: dict[str, Any]) -> tuple[Row, list[Row]]:
    """The ELBO of the bus model by time."""
    head = ("method", *(f"{mark:g} s" for mark in SECONDS))
    rows = []
    for record in shown(results, "bus breakdown"):
        _, seconds, elbo = smoothed(record)
        at = [elbo[seconds <= mark] for mark in SECONDS]
        rows.append((record["setting"], *(f"{values[-1]:.1f}" if len(values) else "" for values in at)))
    return head, rows


def times(results: dict[str, Any]) -> tuple[Row, list[Row]]:
    """Milliseconds of an iteration."""
    head = ("experiment", "method", *(f"K = {k}" for k in PARTICLES), "as planned")
    by_key = {(r["experiment"], r["method"], r.get("particles")): r for r in results["times"]}
    rows = []
    for experiment in experiments(results):
        for method in ("plain", "rws", "vi", "qem"):
            found = [by_key.get((experiment, method, k), {}).get("seconds") for k in (*PARTICLES, None)]
            if any(found):
                rows.append((experiment, method, *("" if s is None else number(1e3 * s) for s in found)))
    return head, rows


def rescaled(results: dict[str, Any]) -> tuple[Row, list[Row]]:
    """How far the ELBOs of two parameterisations are apart."""
    rows = []
    for record in results["rescaled"]:
        first, second = (np.array(elbo) for elbo in record["elbo"])
        shorter = min(len(first), len(second))
        apart = np.abs(first[:shorter] - second[:shorter]).max()
        ends = (f"{np.median(elbo[-LAST:]):.1f}" for elbo in (first, second))
        rows.append((record["setting"], *ends, f"{apart:.1e}" if apart < 0.01 else f"{apart:.1f}"))
    return ("method", "ELBO", "ELBO, rescaled", "largest difference in an iteration"), rows


TABLES: dict[str, Callable[[dict[str, Any]], tuple[Row, list[Row]]]] = {
    "ends": ends,
    "bus": bus,
    "times": times,
    "rescaled": rescaled,
}


def draw_curves(results: dict[str, Any]) -> None:
    """By experiment: ELBO by iteration and by time; predictive log-likelihood and error by time."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 (tables need no pictures)

    names = experiments(results)
    figure, grid = plt.subplots(len(names), 4, figsize=(14, 3 * len(names)), layout="constrained", squeeze=False)
    for row, experiment in zip(grid, names, strict=True):
        records = shown(results, experiment)
        for record in records:
            iteration, seconds, elbo = smoothed(record)
            _, *rest = record["setting"].split()
            style = {"color": COLOURS[record["setting"].split()[0]], "ls": "--" if rest[1:] or rest == ["0.1"] else "-"}
            looks = np.array([[look["seconds"], look["predictive"], look["error"]] for look in record["looks"]])
            row[0].plot(iteration + 1, elbo, label=record["setting"], lw=1.2, **style)
            row[1].plot(seconds, elbo, lw=1.2, **style)
            row[2].plot(looks[:, 0], looks[:, 1], marker="o", ms=3, **style)
            row[3].plot(looks[:, 0], looks[:, 2], marker="o", ms=3, **style)
        _finish(row, experiment, [end(record) for record in records])
    figure.savefig(CURVES, dpi=100)
    plt.close(figure)


def _finish(row: Sequence[Any], experiment: str, ends: Sequence[float]) -> None:
    """Labels; what matters of the ELBO is near its end."""
    labels = (("iteration", "ELBO"), ("seconds", "ELBO"), ("seconds", "predictive"), ("seconds", "squared error"))
    for axes, (x, y) in zip(row, labels, strict=True):
        axes.set(xscale="log", xlabel=x, ylabel=y)
        axes.spines[["top", "right"]].set_visible(False)
    span = max(max(ends) - min(ends), 5)
    for axes in row[:2]:
        axes.set_ylim(min(ends) - span, max(ends) + 0.2 * span)
    row[0].set_title(experiment, loc="left", fontsize=10)
    row[0].legend(fontsize=7, frameon=False, loc="lower right")
    row[3].set_yscale("log")


def draw_rescaled(results: dict[str, Any]) -> None:
    """ELBO by iteration, in both parameterisations."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 (tables need no pictures)

    records = results["rescaled"]
    figure, panels = plt.subplots(1, len(records), figsize=(3.2 * len(records), 3), layout="constrained", sharey=True)
    for axes, record in zip(panels, records, strict=True):
        for elbo, style, label in zip(record["elbo"], ("-", ":"), ("as published", "rescaled"), strict=True):
            axes.plot(elbo, style, color=COLOURS[record["setting"].split()[0]], lw=2, label=label)
        axes.set(title=record["setting"], xlabel="iteration", ylim=(-620, -395))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=7, frameon=False, loc="lower right")
    panels[0].set_ylabel("ELBO")
    figure.savefig(RESCALED, dpi=100)
    plt.close(figure)


def main() -> None:
    results = json.loads(PATH.read_text(encoding="utf-8"))
    page, found = PAGE.read_text(encoding="utf-8"), results["machine"]
    for name, table in TABLES.items():
        page = put(page, f"table: {name}", f"\n{markdown(*table(results))}\n")
    line = f"Measured on {found['date']}, {found['cpu']}, {found['threads']} cores; torch {found['torch']}."
    PAGE.write_text(put(page, "machine", line), encoding="utf-8")
    draw_curves(results)
    draw_rescaled(results)


if __name__ == "__main__":
    main()
