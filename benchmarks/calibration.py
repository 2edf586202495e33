"""python -m benchmarks.calibration [NAME ...]: calibrates examples, keeps their ranks in benchmarks/calibrations/NAME.json, and writes the
table and the picture of docs/calibration.md from all that are there; with --page that alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.performance.report import markdown, put
from benchmarks.posteriors import ROOT
from qemppl.driver import compile_model
from qemppl.result.calibration import Calibration, Quantity, Simulation, codes_in_words
from qemppl.result.calibration_plot import PANEL, draw_panels, names

EXAMPLES = ("eight_schools", "sleepstudy", "surgical", "radon", "contraception")
SIMULATIONS, LEVEL, SEED = 200, 0.99, 1
KEPT = Path(__file__).parent / "calibrations"
PAGE, PICTURE = ROOT / "docs" / "calibration.md", ROOT / "docs" / "calibration.png"
HEAD = ("model", "numbers", "fitted", "warned", "bands broken", "among fits that did not warn", "nearest to its band")


def calibrate(name: str) -> Calibration:
    """An example at default settings."""
    folder = ROOT / "examples" / name
    model = compile_model(folder / "model.qem")
    return model.calibrate(folder / "data.json", simulations=SIMULATIONS, level=LEVEL, seed=SEED)


def keep(name: str, calibration: Calibration) -> None:
    """Writes what the simulations found, a line for each."""
    lines = [
        json.dumps({"draws": calibration.draws, "level": calibration.level, "seed": calibration.seed}),
        json.dumps({"seconds": calibration.seconds}),
        json.dumps([[quantity.variable, quantity.name] for quantity in calibration.quantities]),
        *(json.dumps([s.number, s.failed, s.codes, s.ranks.tolist()]) for s in calibration.simulations),
    ]
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{name}.json").write_text("[" + ",\n".join(lines) + "]\n", encoding="utf-8")


def kept(name: str) -> Calibration:
    """What `keep` wrote."""
    design, took, quantities, *simulations = json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8"))
    ranked = tuple(Quantity(*words) for words in quantities)
    return Calibration(
        tuple(
            Simulation(number, () if failed else ranked, np.array(ranks, np.int64), tuple(codes), failed)
            for number, failed, codes, ranks in simulations
        ),
        **design,
        **took,
    )


def row(name: str, calibration: Calibration) -> Sequence[str]:
    """A model in the table."""
    summary = calibration.summary()
    said = codes_in_words(calibration.warned)
    nearest = min(summary, key=lambda row: row.p / row.alpha)
    return (
        name,
        str(len(summary)),
        f"{len(calibration.succeeded)} of {len(calibration.simulations)}",
        f"{len(calibration.warned)} ({said})" if said else "0",
        broken(calibration),
        broken(calibration.unwarned()),
        f"`{nearest.name}`: p {nearest.p:.2g}, limit {nearest.alpha:.2g}",
    )


def broken(calibration: Calibration) -> str:
    """How many bands do not hold, and which."""
    rows = [row.name for row in calibration.summary() if not row.holds]
    return (
        f"{len(rows)} ({', '.join(f'`{name}`' for name in rows[:3])}{', ...' if len(rows) > 3 else ''})"
        if rows
        else "0"
    )


def draw(found: Sequence[tuple[str, Calibration]]) -> None:
    """A row of panels for each model."""
    across = max(len(names(calibration)) for _, calibration in found)
    figure = Figure(figsize=(0.62 * PANEL[0] * across, PANEL[1] * len(found)), layout="constrained")
    for part, (name, calibration) in zip(figure.subfigures(len(found), 1, squeeze=False)[:, 0], found, strict=True):
        part.suptitle(name, fontsize=10, x=0.01, ha="left")
        draw_panels(part, calibration, across)
    figure.savefig(PICTURE, dpi=110)


def main(arguments: Sequence[str]) -> int:
    """The number of models with a broken band among fits that did not warn."""
    for name in () if "--page" in arguments else arguments or EXAMPLES:
        keep(name, calibrate(name))
    found = [(name, kept(name)) for name in EXAMPLES if (KEPT / f"{name}.json").exists()]
    rows = [row(name, calibration) for name, calibration in found]
    for line in rows:
        print(*line, sep="  ")
    PAGE.write_text(put(PAGE.read_text(encoding="utf-8"), "table", f"\n{markdown(HEAD, rows)}\n"), encoding="utf-8")
    draw(found)
    return sum(broken(calibration.unwarned()) != "0" for _, calibration in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
