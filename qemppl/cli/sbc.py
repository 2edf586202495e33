"""qemppl sbc MODEL DATA...: simulation-based calibration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from qemppl.calibration import Study
from qemppl.cli.console import complain, emit, report
from qemppl.cli.inputs import PATH, data_argument
from qemppl.cli.main import DIAGNOSTICS_FAILED, INTERRUPTED
from qemppl.cli.numbers import COUNT, SEED, positive, size
from qemppl.cli.progress import ProgressLine
from qemppl.cli.show import format_option
from qemppl.driver import Settings, compile_model, make_study
from qemppl.result.calibration import Calibration
from qemppl.result.calibration_plot import KINDS, require_matplotlib
from qemppl.result.calibration_text import csv_text, headline, json_object, ranks_csv, summary_table
from qemppl.result.render import print_table
from qemppl.result.target import check_target, replace_file


@dataclass(frozen=True)
class Request:
    """What the command line asked for, besides the settings of the fits."""

    model: Path
    data: tuple[Path, ...]
    simulations: int
    level: float
    seed: int | None
    unwarned: bool
    output: Path | None
    plot: Path | None
    style: str
    quiet: bool
    force: bool
    strict: bool


@click.command(name="sbc")
@click.argument("model", type=PATH)
@data_argument(required=True)
@click.option("--simulations", type=COUNT, default=200, help="Data sets to draw and fit.  [default: 200]")
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="NUMBER",
    default=0.99,
    help="Chance that all bands hold if the fits are right.  [default: 0.99]",
)
@click.option("--draws", type=COUNT, help="Joint draws of each fit, which true values rank among.  [default: 99]")
@click.option("--unwarned", is_flag=True, help="Judge only by the fits that gave no warning.")
@click.option("--method", type=click.Choice(["qem", "rws", "vi", "is"]), help="The inference engine.  [default: qem]")
@click.option("--particles", type=COUNT, help="Particles of each group.  [default: chosen by the compiler]")
@click.option("--tolerance", type=positive, metavar="NUMBER", help="As of `qemppl fit`.  [default: 0.02]")
@click.option("--memory", type=size, metavar="SIZE", help="As of `qemppl fit`.  [default: a quarter of the machine's]")
@click.option("--seed", type=SEED, help="Each simulation has its own, derived from it.  [default: drawn, and shown]")
@click.option("-o", "--output", type=PATH, help="Write all ranks to this CSV file.")
@click.option("--plot", type=PATH, metavar="FILE", help="Draw the bands into this file (.png, .svg, .pdf).")
@format_option
@click.option("--quiet", is_flag=True, help="No progress and no warnings.")
@click.option("--force", is_flag=True, help="Replace output files that exist.")
@click.option("--strict", is_flag=True, help="Exit with 6 when a band is broken or a fit failed.")
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Calibrate fits of MODEL (.qem) on outcomes drawn from it, in the shape of DATA (.json, .csv).

    Latents are drawn from their priors and outcomes given them; each data set is fitted, and the true values are ranked among the draws.
    Ranks are uniform if the fits are right.
    """
    names = Settings.__dataclass_fields__.keys()
    settings = Settings(**{name: options[name] for name in names & options.keys() if options[name] is not None})
    request = Request(**{name: value for name, value in options.items() if name not in names})
    _check_files(request)
    study = _study(request, settings)
    is_complete = _run(study, request)
    calibration = study.so_far.unwarned() if request.unwarned else study.so_far
    _write(calibration, request)
    emit(lambda console: _show(console, calibration, request.style))
    if not request.quiet:
        report(calibration.warnings)
    if not is_complete:
        complain("interrupted; these are the simulations that were complete")
        context.exit(INTERRUPTED)
    if request.strict and calibration.warnings:
        context.exit(DIAGNOSTICS_FAILED)


def _check_files(request: Request) -> None:
    """Refuses what could not be written, before anything is computed."""
    for path in (request.output, request.plot):
        if path is not None:
            check_target(path, force=request.force)
    if request.plot is not None:
        if request.plot.suffix not in KINDS:
            raise click.UsageError(f"--plot {request.plot} is no kind of picture: {', '.join(KINDS)}")
        require_matplotlib()


def _study(request: Request, settings: Settings) -> Study:
    model = compile_model(request.model)
    bound, remarks = model.bind(request.data)
    if not request.quiet:
        report((*model.warnings, *remarks))
    return make_study(bound, settings, request.simulations, request.level, request.seed)


def _run(study: Study, request: Request) -> bool:
    """Runs the simulations; False where Ctrl-C cut them short. Raises KeyboardInterrupt where there is none yet."""
    failed = warned = 0
    with ProgressLine(quiet=request.quiet) as progress:
        try:
            for simulation in study:
                failed += simulation.failed
                warned += bool(simulation.codes) and not simulation.failed
                progress.show(
                    f"simulation {simulation.number} of {request.simulations}  {warned} warned  {failed} failed"
                )
        except KeyboardInterrupt:
            if not study.so_far.succeeded:
                raise
            return False
    return True


def _write(calibration: Calibration, request: Request) -> None:
    if request.output is not None:
        replace_file(request.output, ranks_csv(calibration).encode())
    if request.plot is not None:
        calibration.plot(request.plot)


def _show(console: Console, calibration: Calibration, style: str) -> None:
    if style == "table":
        console.print(headline(calibration), markup=False, emoji=False)
        console.print()
        print_table(console, summary_table(calibration.summary()))
    elif style == "json":
        console.file.write(json.dumps(json_object(calibration), allow_nan=False, indent=2) + "\n")
    else:
        console.file.write(csv_text(calibration.summary()))
