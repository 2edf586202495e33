"""A fit on the screen, in the format that was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console

from qemppl.cli.console import emit, report
from qemppl.result.fit import FitResult
from qemppl.result.render import csv_text, headline, json_object, print_table, summary_table
from qemppl.result.summary import summarise

FORMATS = ("table", "json", "csv")


def format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --format."""
    return click.option(
        "--format",
        "style",
        type=click.Choice(FORMATS),
        default="table",
        help="Of the result on stdout.  [default: table]",
    )(command)


def show_fit(fit: FitResult, style: str, *, quiet: bool = False) -> None:
    """Print the posterior on stdout and its warnings on stderr."""
    emit(lambda console: _write(console, fit, style))
    if not quiet:
        report(fit.warnings)


def _write(console: Console, fit: FitResult, style: str) -> None:
    if style == "table":
        console.print(headline(fit), markup=False, emoji=False)
        console.print()
        print_table(console, summary_table(summarise(fit)))
    elif style == "json":
        console.file.write(json.dumps(json_object(fit), allow_nan=False, indent=2) + "\n")
    else:
        console.file.write(csv_text(summarise(fit)))
