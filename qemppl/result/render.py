"""A fit as a table for people, as JSON and as CSV for programs."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import groupby
from typing import Any, Protocol, TypeVar

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from qemppl.diagnostics.diagnostic import Diagnostic
from qemppl.result.fit import Estimates, FitResult
from qemppl.result.summary import Row, Summary, summarise

COLUMNS = tuple(field.name for field in fields(Row) if field.name != "variable")
MEMBERS_SHOWN = 100
"""A table shows so many rows of one name; JSON and CSV have them all."""
FALLBACK_DIGITS = 4
"""Significant digits of a number whose Monte Carlo error is unknown or zero."""
WIDEST = 100_000
"""Columns of text; wider than any table."""


class Named(Protocol):
    """A row of a table. variable: what it belongs to."""

    @property
    def variable(self) -> str: ...
    @property
    def name(self) -> str: ...


NamedRow = TypeVar("NamedRow", bound=Named)


def decimals_supported(mcse: float) -> int | None:
    """Decimals up to the first digit that two Monte Carlo standard errors reach; negative left of the point.

    With mcse 0.034 a mean is known to about 0.07, so two decimals are shown. None where the error is zero or unknown.
    """
    if not math.isfinite(mcse) or mcse <= 0:
        return None
    return -math.floor(math.log10(2 * mcse))


def _is_rounding(size: float, value: float) -> bool:
    """Whether a difference of this size from a value is less than a double holds."""
    return size < sys.float_info.epsilon * abs(value)


def format_number(value: float, decimals: int | None) -> str:
    """A number with so many decimals; with four significant digits where that is not known, or beyond what a double holds."""
    if not math.isfinite(value):
        return str(value)
    if decimals is None or _is_rounding(10.0**-decimals, value):
        return f"{value:.{FALLBACK_DIGITS}g}"
    magnitude = max(abs(value), 10.0**-decimals)
    if not 1e-4 <= magnitude < 1e15:
        return f"{value:.{max(0, decimals + math.floor(math.log10(magnitude)))}e}"
    return f"{round(value, decimals):.{max(0, decimals)}f}"


def format_error(error: float) -> str:
    """An error with two significant digits; empty where it is unknown."""
    if math.isnan(error):
        return ""
    return format_number(error, 1 - math.floor(math.log10(error)) if 0 < error < math.inf else None)


def headline(fit: FitResult) -> str:
    """Evidence, iterations, time and why the fit stopped, in two lines."""
    if fit.log_evidence is None:
        evidence = "log evidence undefined (improper prior)"
    else:
        digits = decimals_supported(fit.log_evidence_mcse or math.nan)
        evidence = f"log evidence {format_number(fit.log_evidence, digits)}"
        if fit.log_evidence_mcse is not None:
            evidence += f" (mcse {format_error(fit.log_evidence_mcse)})"
    steps = f"{fit.iterations} iteration{'' if fit.iterations == 1 else 's'}"
    return (
        f"{evidence}, ELBO {fit.elbo:.6g} nats\n"
        f"{steps} in {fit.seconds:.3g} s, seed {fit.provenance.seed}; stopped: {fit.stop_reason}"
    )


def summary_table(summary: Summary) -> Table:
    """A table with as many digits as the Monte Carlo error of each mean supports."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for column in COLUMNS[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    add_rows(table, summary.rows, lambda row: _cells(row, summary.draws))
    return table


def add_rows(table: Table, rows: Iterable[NamedRow], cells: Callable[[NamedRow], Iterable[str]]) -> None:
    """Adds rows to a table, not more than MEMBERS_SHOWN of one variable."""
    for variable, group in groupby(rows, key=lambda row: row.variable):
        of_variable = list(group)
        for row in of_variable[:MEMBERS_SHOWN]:
            table.add_row(Text(row.name), *cells(row))
        if len(of_variable) > MEMBERS_SHOWN:
            table.add_row(Text(f"... {len(of_variable) - MEMBERS_SHOWN} more of {variable}"))


def _cells(row: Row, draws: int) -> Iterator[str]:
    decimals = decimals_supported(row.mcse)
    yield format_number(row.mean, decimals)
    yield format_error(row.mcse)
    # a component that is fixed, such as the first of a Cholesky factor, has an sd that is rounding
    yield "0" if _is_rounding(row.sd, row.mean) else format_number(row.sd, decimals)
    # A quantile comes from the draws alone: of a normal law, the error of the median is 1.3 and that of q5 is 2.1 sd / sqrt(draws).
    of_quantile = decimals_supported(max(row.mcse, row.sd / math.sqrt(draws)))
    for value in (row.q5, row.q50, row.q95):
        yield format_number(value, of_quantile)
    yield "" if math.isnan(row.ess) else f"{row.ess:.0f}"
    yield "" if math.isnan(row.khat) else f"{row.khat:.2f}"


def print_table(console: Console, table: Table) -> None:
    """A table at its full width: a narrow terminal wraps the lines itself, and no digit is lost."""
    needed = Measurement.get(console, console.options.update(width=WIDEST), table).maximum
    console.width = max(console.width, needed)
    console.print(table)


def table_text(summary: Summary) -> str:
    """The table as plain text."""
    return plain_text(summary_table(summary))


def plain_text(table: Table) -> str:
    """Any table as plain text."""
    console = Console(file=io.StringIO(), color_system=None, force_terminal=False)
    with console.capture() as capture:
        print_table(console, table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def json_object(fit: FitResult) -> dict[str, Any]:
    """A fit as one JSON object; a number that is not finite is null."""
    return {
        "log_evidence": _finite(fit.log_evidence),
        "elbo": _finite(fit.elbo),
        "iterations": fit.iterations,
        "stop_reason": fit.stop_reason,
        "seconds": _finite(fit.seconds),
        "warnings": [json_warning(warning) for warning in fit.warnings],
        "summary": summary_json(fit),
    }


def summary_json(estimates: Estimates) -> list[dict[str, Any]]:
    """The rows of the table; a number that is not finite is null."""
    return [{column: _finite(getattr(row, column)) for column in COLUMNS} for row in summarise(estimates)]


def _finite(value: float | str | None) -> float | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_warning(warning: Diagnostic) -> dict[str, Any]:
    """A warning as JSON."""
    return {
        "code": warning.code,
        "severity": warning.severity.value,
        "where": warning.where,
        "message": warning.message,
        "notes": list(warning.notes),
        "hint": warning.hint,
    }


def csv_text(summary: Summary) -> str:
    """The rows as CSV with full digits; a number that is not known is an empty field."""
    return csv_lines(COLUMNS, ([_finite(getattr(row, column)) for column in COLUMNS] for row in summary.rows))


def csv_lines(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Rows below a head; None is an empty field."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()
