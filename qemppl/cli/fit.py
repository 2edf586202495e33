"""qemppl fit MODEL DATA...: the main job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from qemppl.cli.console import complain, report
from qemppl.cli.inputs import PATH, data_argument
from qemppl.cli.main import DIAGNOSTICS_FAILED, INTERRUPTED
from qemppl.cli.numbers import COUNT, SEED, positive, size
from qemppl.cli.progress import ProgressLine
from qemppl.cli.show import format_option, show_fit
from qemppl.diagnostics.diagnostic import Severity
from qemppl.driver import Settings, Start, compile_model, fit_bound
from qemppl.engine.methods import not_resumable
from qemppl.result.target import check_target


@dataclass(frozen=True)
class Request:
    """What the command line asked for, besides the settings of the fit."""

    model: Path
    data: tuple[Path, ...]
    output: Path | None
    resume: Path | None
    init_from: Path | None
    seed: int | None
    style: str
    quiet: bool
    force: bool
    strict: bool


@click.command(name="fit")
@click.argument("model", type=PATH)
@data_argument(required=True)
@click.option("-o", "--output", type=PATH, help="Write the fit to this netCDF file.")
@click.option(
    "--method",
    type=click.Choice(["qem", "rws", "vi", "is"]),
    help="The inference engine; the others are to compare with.  [default: qem]",
)
@click.option(
    "--plain", is_flag=True, help="QEM as published: no trust region, independent particles, one E-step reported."
)
@click.option(
    "--step",
    type=positive,
    metavar="NUMBER",
    help="A constant step of --plain; the learning rate of rws and vi.  [default: t^-0.7; 0.05]",
)
@click.option("--starts", type=COUNT, help="Fit from so many starts, and compare where they end.  [default: 1]")
@click.option("--particles", type=COUNT, help="Particles of each group.  [default: chosen by the compiler]")
@click.option(
    "--tolerance",
    type=positive,
    metavar="NUMBER",
    help="Monte Carlo error allowed in every mean, in posterior sd.  [default: 0.02]",
)
@click.option("--max-iterations", type=COUNT, help="Iterations of the fit at most.  [default: 500]")
@click.option("--draws", type=COUNT, help="Joint posterior draws.  [default: 4000, or as many as the memory holds]")
@click.option(
    "--seed", type=SEED, help="Of the random numbers: same seed, same result.  [default: drawn, and recorded]"
)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), help="Where to compute.  [default: cpu]")
@click.option("--dtype", type=click.Choice(["float64", "float32"]), help="Precision.  [default: float64]")
@click.option(
    "--memory", type=size, metavar="SIZE", help="Memory to use, such as 1GiB.  [default: a quarter of the machine's]"
)
@click.option(
    "--resume",
    type=PATH,
    metavar="FILE",
    help="Keep the unfinished fit in FILE, and continue from it if it exists.",
)
@click.option("--init-from", type=PATH, metavar="FIT", help="Start from a saved fit instead of the prior.")
@format_option
@click.option("--quiet", is_flag=True, help="No progress and no warnings.")
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
@click.option("--strict", is_flag=True, help="Exit with 6 when a diagnostic of the fit fails.")
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Fit MODEL (.qem) to DATA (.json, .csv) and print the posterior.

    Nothing is written without -o.
    """
    names = Settings.__dataclass_fields__.keys()
    if options.pop("plain"):
        if options["method"] not in (None, "qem"):
            raise click.UsageError("--plain is a form of qem, and no other method has it")
        options["method"] = "plain"
    try:
        settings = Settings(**{name: options[name] for name in names & options.keys() if options[name] is not None})
    except ValueError as error:
        raise click.UsageError(f"--{error}") from error
    request = Request(**{name: value for name, value in options.items() if name not in names})
    if (
        request.resume is not None
        and request.output is not None
        and request.resume.resolve() == request.output.resolve()
    ):
        raise click.UsageError("-o and --resume name the same file")
    if request.resume is not None and (refusal := not_resumable(settings.method, settings.starts)):
        raise click.UsageError(f"{refusal}; leave out --resume")
    try:
        fine = _fit(request, settings)
    except KeyboardInterrupt:
        if request.resume is None or not request.resume.exists():
            raise
        complain(f"interrupted; the same command continues from {request.resume}")
        context.exit(INTERRUPTED)
    if not fine:
        context.exit(DIAGNOSTICS_FAILED)


def _fit(request: Request, settings: Settings) -> bool:
    """Fit, write and show; whether the result is good enough for what was asked."""
    if request.output is not None:
        check_target(request.output, force=request.force)
    model = compile_model(request.model)
    if not request.quiet:
        report(model.warnings)
    bound, remarks = model.bind(request.data)
    if not request.quiet:
        report(remarks)
    with ProgressLine(quiet=request.quiet) as progress:
        fit = fit_bound(bound, settings, Start(request.seed, request.init_from, request.resume), progress)
    if request.output is not None:
        fit.save(request.output, force=request.force)
    show_fit(fit, request.style, quiet=request.quiet)
    if request.resume is not None:
        request.resume.unlink(missing_ok=True)
    return not request.strict or all(warning.severity is Severity.NOTE for warning in fit.warnings)
