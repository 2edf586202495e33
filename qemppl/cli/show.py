"""A fit on the screen, in the format that was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console

from qemppl.cli.console import emit, report
from qemppl.result.fit import Estimates, FitResult
from qemppl.result.predictions import Predictions
from qemppl.result.render import csv_text, headline, json_object, print_table, summary_json, summary_table

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
    emit(lambda console: _write(console, fit, style, headline(fit), json_object(fit)))
    if not quiet:
        report(fit.warnings)


def show_predictions(predictions: Predictions, style: str) -> None:
    """Print predictions on stdout."""
    count = predictions.summary().draws
    words = f"{count} draws, seed {predictions.seed}"
    content = {"draws": count, "seed": predictions.seed, "summary": summary_json(predictions)}
    emit(lambda console: _write(console, predictions, style, words, content))


def _write(console: Console, estimates: Estimates, style: str, words: str, content: dict[str, Any]) -> None:
    if style == "table":
        console.print(words, markup=False, emoji=False)
        console.print()
        print_table(console, summary_table(estimates.summary()))
    elif style == "json":
        console.file.write(json.dumps(content, allow_nan=False, indent=2) + "\n")
    else:
        console.file.write(csv_text(estimates.summary()))
