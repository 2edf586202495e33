"""A calibration as a table for people, as JSON and as CSV for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.table import Table

from qemppl.result.calibration import LEAST_P, Calibration, CalibrationRow, CalibrationSummary, codes_in_words
from qemppl.result.render import add_rows, csv_lines, json_warning, plain_text

COLUMNS = ("name", "mean", "sd", "ecdf", "p", "alpha", "holds")


def headline(calibration: Calibration) -> str:
    """How many simulations, what their fits said, and whether the bands hold, in a few lines."""
    total, fitted, warned = len(calibration.simulations), len(calibration.succeeded), len(calibration.warned)
    codes = codes_in_words(calibration.warned)
    said = f" ({codes})" if codes else ""
    broken, rows = sum(not row.holds for row in calibration.summary()), len(calibration.summary())
    verdict = f"{broken} of {rows} bands are broken" if broken else f"all {rows} bands hold"
    verdict = verdict if rows else "there is no fit to judge by"
    return (
        f"{total} simulation{'' if total == 1 else 's'} in {calibration.seconds:.3g} s, seed {calibration.seed}; "
        f"{fitted} fitted, {warned} of them with a warning{said}\n"
        f"{verdict}, at a joint level of {calibration.level:g}; ranks among {calibration.draws} draws"
    )


def summary_table(summary: CalibrationSummary) -> Table:
    """Means, sds and differences as shares of the draws; a band that is broken is named in the last column."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for column in ("mean", "sd", "ecdf", "p", "band"):
        table.add_column(column, justify="right", no_wrap=True)
    add_rows(table, summary, _cells)
    return table


def _cells(row: CalibrationRow) -> Iterator[str]:
    yield f"{row.mean:.3f}"
    yield f"{row.sd:.3f}"
    yield f"{row.ecdf:+.3f}"
    yield f"{row.p:.2g}" if row.p > LEAST_P else f"<{LEAST_P:g}"
    yield "holds" if row.holds else "broken"


def table_text(summary: CalibrationSummary) -> str:
    """The table as plain text."""
    return plain_text(summary_table(summary))


def json_object(calibration: Calibration) -> dict[str, Any]:
    """A calibration as one JSON object. codes: of warnings and of failures, with the number of fits that had them."""
    return {
        "simulations": len(calibration.simulations),
        "failed": len(calibration.failed),
        "warned": len(calibration.warned),
        "codes": dict(sorted(Counter(code for s in calibration.simulations for code in s.codes).items())),
        "seed": calibration.seed,
        "draws": calibration.draws,
        "level": calibration.level,
        "seconds": calibration.seconds,
        "warnings": [json_warning(warning) for warning in calibration.warnings],
        "summary": [{column: getattr(row, column) for column in COLUMNS} for row in calibration.summary()],
    }


def csv_text(summary: CalibrationSummary) -> str:
    """The rows as CSV with full digits."""
    return csv_lines(COLUMNS, ([getattr(row, column) for column in COLUMNS] for row in summary))


def ranks_csv(calibration: Calibration) -> str:
    """Every rank: simulation, name, rank, draws."""
    rows = (
        (simulation.number, quantity.name, int(rank), calibration.draws)
        for simulation in calibration.succeeded
        for quantity, rank in zip(simulation.quantities, simulation.ranks, strict=True)
    )
    return csv_lines(("simulation", "name", "rank", "draws"), rows)
