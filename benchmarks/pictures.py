"""python -m benchmarks.pictures [NAME ...]: draws the posterior of every example that can be fitted, or of those named. Writes
examples/*/posterior.png and docs/eight_schools.png.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

import qemppl
from benchmarks.examples import EXAMPLES, REFERENCED
from qemppl.result.fit import Estimate, FitResult
from qemppl.result.names import member_labels

ROOT = Path(__file__).parents[1]
INK, ACCENT, PALE, REFERENCE = "#222222", "#2a6f97", "#a9c9dd", "#c1440e"
MOST_MEMBERS = 40
"""Members drawn of one plate; of more, evenly spaced ones by posterior mean."""


def draw(folder: Path, target: Path) -> None:
    """Fits one example and draws it: members of its plates on the left, global latents on the right."""
    fit = qemppl.compile_model(folder / "model.qem").fit(folder / "data.json", seed=1)
    reference = json.loads((folder / "reference.json").read_text())
    members = [estimate for estimate in fit.estimates if estimate.plate is not None]
    shared = [estimate for estimate in fit.estimates if estimate.plate is None]
    numbers = sum(estimate.mean.size for estimate in shared)
    rows = max(min(MOST_MEMBERS, estimate.mean.size) for estimate in members)
    figure = plt.figure(figsize=(3.4 * len(members) + 3.2, max(1.1 * numbers, 0.19 * rows) + 1), layout="constrained")
    grid = figure.add_gridspec(numbers, len(members) + 1)
    for column, estimate in enumerate(members):
        _forest(figure.add_subplot(grid[:, column]), fit, estimate, reference)
    panels = ((estimate, i) for estimate in shared for i in np.ndindex(estimate.mean.shape))
    for row, (estimate, index) in enumerate(panels):
        _histogram(figure.add_subplot(grid[row, len(members)]), estimate, index, reference)
    figure.savefig(target, dpi=110)
    plt.close(figure)


def _forest(axes: Axes, fit: FitResult, estimate: Estimate, reference: dict[str, dict[str, float]]) -> None:
    """90 % and 50 % intervals of the members of a plate, and the mean of the reference."""
    labels = member_labels(fit, estimate.plate or "")
    total, shown = len(labels), min(len(labels), MOST_MEMBERS)
    order = np.argsort(estimate.mean)
    order = order[np.linspace(0, total - 1, shown).astype(int)]
    height = np.arange(len(order))
    if (estimate.draws % 1).any():  # of a discrete latent the mean says it all
        q5, q25, q75, q95 = np.quantile(estimate.draws[:, order], [0.05, 0.25, 0.75, 0.95], axis=0)
        axes.hlines(height, q5, q95, color=PALE, lw=2)
        axes.hlines(height, q25, q75, color=ACCENT, lw=3)
    axes.plot(estimate.mean[order], height, "o", color=INK, ms=3.5, label="mean")
    truth = [reference[f"{estimate.name}[{labels[i]}]"]["mean"] for i in order]
    axes.plot(truth, height, "x", color=REFERENCE, ms=5.5, mew=1.2, label="NUTS")
    axes.set_yticks(height, [labels[i] for i in order], fontsize=7)
    title = f"{estimate.name}[{estimate.plate}]"
    axes.set_title(title if shown == total else f"{title}, {shown} of {total}", fontsize=10)
    axes.tick_params(axis="x", labelsize=7)
    axes.legend(fontsize=7, frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(-0.7, shown - 0.3)


def _histogram(axes: Axes, estimate: Estimate, index: tuple[int, ...], reference: dict[str, dict[str, float]]) -> None:
    """The draws of one number, and the mean of the reference."""
    name = estimate.name + (f"[{','.join(str(i + 1) for i in index)}]" if index else "")
    draws = estimate.draws[(slice(None), *index)]
    axes.hist(draws, bins=40, range=tuple(np.quantile(draws, [0.002, 0.998])), color=PALE)
    axes.axvline(float(estimate.mean[index]), color=INK, lw=1.5)
    axes.plot(reference[name]["mean"], 0, "x", color=REFERENCE, ms=7, mew=1.5, clip_on=False, zorder=5)
    axes.set_title(name, fontsize=9, loc="left", pad=2)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right", "left"]].set_visible(False)


if __name__ == "__main__":
    for name in sys.argv[1:] or REFERENCED:
        draw(EXAMPLES / name, EXAMPLES / name / "posterior.png")
        print(name)
    (ROOT / "docs" / "eight_schools.png").write_bytes((ROOT / "examples/eight_schools/posterior.png").read_bytes())
