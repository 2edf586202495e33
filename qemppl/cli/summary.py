"""qemppl summary FIT: the table of a saved fit again."""

from __future__ import annotations

from pathlib import Path

import click

from qemppl.cli.show import format_option, show_fit
from qemppl.result.file import load


@click.command(name="summary")
@click.argument("fit", type=click.Path(path_type=Path))
@format_option
def command(fit: Path, style: str) -> None:
    """Print the posterior of FIT, a file written by `qemppl fit -o`."""
    show_fit(load(fit), style)
