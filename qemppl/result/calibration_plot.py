"""The picture of a calibration: ECDF differences with simultaneous bands."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.numerics.rank_law import Counts
from qemppl.result.calibration import Calibration, CalibrationRow, ecdf_difference
from qemppl.result.target import replace_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase

KINDS = (".png", ".svg", ".pdf")
BAND, HELD, BROKEN = "#d5e4ee", "#2a6f97", "#c1440e"
COLUMNS = 4
PANEL = (2.6, 2.0)
"""Inches."""


def require_matplotlib() -> None:
    """Raises DiagnosticsError (USAGE), with what to install, where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401, PLC0415 (an extra)
    except ImportError as error:
        diagnostic = Diagnostic(
            code="QEM871",
            severity=Severity.ERROR,
            message="pictures need matplotlib, which is not installed",
            hint="pip install 'qemppl[plot]'",
        )
        raise DiagnosticsError([diagnostic], Stage.USAGE) from error


def draw(calibration: Calibration, path: str | Path | None = None) -> Figure:
    """A panel for each name: a line for each of its quantities, red where it leaves the band."""
    require_matplotlib()
    from matplotlib.figure import Figure  # noqa: PLC0415 (an extra; a Figure of its own needs no display)

    panels = len(names(calibration))
    rows, across = math.ceil(panels / COLUMNS), min(panels, COLUMNS)
    figure = Figure(figsize=(PANEL[0] * max(across, 1), PANEL[1] * max(rows, 1)), layout="constrained")
    draw_panels(figure, calibration, across)
    if path is not None:
        save(figure, Path(path))
    return figure


def names(calibration: Calibration) -> tuple[str, ...]:
    """The names that have a panel."""
    return tuple(dict.fromkeys(quantity.variable for quantity in calibration.quantities))


def draw_panels(canvas: FigureBase, calibration: Calibration, across: int) -> None:
    """The panels of a calibration on a figure or a part of one, so many side by side."""
    columns = zip(calibration.summary(), calibration.ranks.T, strict=True)
    rows = math.ceil(len(names(calibration)) / max(across, 1))
    for number, (_, panel) in enumerate(groupby(columns, key=lambda column: column[0].variable), 1):
        _panel(canvas.add_subplot(rows, across, number), calibration, list(panel))


def save(figure: Figure, path: Path) -> None:
    """Writes a picture that appears complete or not at all."""
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix.removeprefix("."), dpi=110)
    replace_file(path, content.getvalue())


def _panel(axes: Axes, calibration: Calibration, panel: Sequence[tuple[CalibrationRow, Counts]]) -> None:
    law = calibration.law
    at = np.arange(1, law.draws + 1) / (law.draws + 1)
    least, most = (counts / law.simulations - at for counts in law.band(panel[0][0].alpha))
    axes.fill_between(at, least, most, color=BAND, lw=0)
    axes.axhline(0, color="white", lw=1)
    for row, ranks in sorted(panel, key=lambda column: not column[0].holds):
        axes.plot(
            at, ecdf_difference(law, ranks), color=HELD if row.holds else BROKEN, lw=1, alpha=0.35 + 0.65 / len(panel)
        )
    title = panel[0][0].variable
    axes.set_title(title if len(panel) == 1 else f"{title}, {len(panel)} numbers", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
