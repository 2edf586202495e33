"""qemppl predict FIT [NEWDATA...]: outcomes drawn from their law given the data of a fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qemppl.cli.inputs import PATH
from qemppl.cli.numbers import COUNT, SEED, size
from qemppl.cli.show import format_option, show_predictions
from qemppl.driver import predict
from qemppl.result.file import load
from qemppl.result.target import check_target


@click.command(name="predict")
@click.argument("fit", type=PATH)
@click.argument("newdata", type=PATH, nargs=-1)
@click.option("--steps", type=COUNT, help="Predict so many further steps of every chain.")
@click.option("--draws", type=COUNT, help="Go on from so many joint draws of the fit.  [default: all]")
@click.option("--seed", type=SEED, help="Of what is drawn given them.  [default: drawn, and shown]")
@click.option("--memory", type=size, metavar="SIZE", help="As of `qemppl fit`.  [default: a quarter of the machine's]")
@click.option("-o", "--output", type=PATH, help="Write the draws to this netCDF file.")
@format_option
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
def command(fit: Path, newdata: tuple[Path, ...], **options: Any) -> None:
    """Predict from FIT, a file written by `qemppl fit -o`.

    Without NEWDATA and --steps every outcome that the fit has seen is drawn anew. NEWDATA (.json, .csv) hold later steps of chains,
    or rows in groups that the fit has seen, without their outcomes.
    """
    if newdata and options["steps"] is not None:
        raise click.UsageError("give NEWDATA or --steps, not both")
    output, force, style = (options.pop(name) for name in ("output", "force", "style"))
    if output is not None:
        check_target(output, force=force)
    predictions = predict(load(fit), newdata or None, **options)
    if output is not None:
        predictions.save(output, force=force)
    show_predictions(predictions, style)
