"""qemppl check MODEL [DATA...]: everything that is wrong, nothing computed; and what a code means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from qemppl.cli.codes import code, complete_code, explain
from qemppl.cli.console import emit, report
from qemppl.cli.inputs import PATH, data_argument, read_model, source_name
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Stage
from qemppl.diagnostics.lsp import lsp_object
from qemppl.ir.model import ModelIR
from qemppl.lang.frontend import compile_text

if TYPE_CHECKING:
    from qemppl.data.bound import BoundModel


@dataclass(frozen=True)
class Findings:
    """What a check found. name: of the model text. lines: what is right, for people. stage: whose mistake it is, None for no mistake."""

    name: str
    diagnostics: tuple[Diagnostic, ...]
    lines: tuple[str, ...] = ()
    stage: Stage | None = None


@click.command(name="check")
@click.argument("model", type=PATH, required=False)
@data_argument(required=False)
@click.option(
    "--explain",
    "explained",
    type=code,
    shell_complete=complete_code,
    metavar="CODE",
    help="Say what a code such as QEM201 means, and stop.",
)
@click.option("--pedantic", is_flag=True, help="Warn of what is right, but often not meant.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["rich", "plain", "json"]),
    help="rich and plain: for people, on stderr. json: as the Language Server Protocol has it, on stdout.  "
    "[default: rich on a terminal, plain otherwise]",
)
@click.pass_context
def command(
    context: click.Context,
    model: Path | None,
    data: tuple[Path, ...],
    explained: str | None,
    pedantic: bool,
    style: str | None,
) -> None:
    """Check MODEL (.qem, or - for standard input), and DATA (.json, .csv) against its declarations.

    Exits with 3 when the model is wrong, with 4 when the data are.
    """
    if explained is not None:
        emit(partial(explain, explained))
        return
    if model is None:
        raise click.MissingParameter(ctx=context, param_hint="MODEL", param_type="argument")
    findings = _check(model, data, pedantic)
    if style == "json":
        text = json.dumps(lsp_object(findings.name, findings.diagnostics), indent=2)
        emit(lambda console: console.file.write(text + "\n"))
    else:
        report(findings.diagnostics, style)
        emit(lambda console: _write(console, findings.lines))
    if findings.stage is not None:
        context.exit(findings.stage.value)


def _check(path: Path, data: tuple[Path, ...], pedantic: bool) -> Findings:
    name, lines = source_name(path), []
    found: list[Diagnostic] = []
    try:
        checked = compile_text(read_model(path), pedantic=pedantic)
        found += checked.diagnostics
        if checked.model is None:
            return Findings(name, tuple(found), stage=Stage.MODEL)
        lines.append(f"{name}: {_statements(checked.model)}")
        if data:
            # A model alone is checked without the data floor, in two thirds of the time.
            from qemppl.data.bind import bind  # noqa: PLC0415
            from qemppl.data.read import read_data  # noqa: PLC0415

            bound = bind(checked.model, read_data(data, checked.model))
            found += bound.remarks
            lines.append(f"{', '.join(map(str, data))}: {_sizes(bound.model)}")
    except DiagnosticsError as error:
        return Findings(name, (*found, *error.diagnostics), stage=error.stage)
    return Findings(name, tuple(found), tuple(lines))


def _write(console: Console, lines: tuple[str, ...]) -> None:
    for line in lines:
        console.print(line, markup=False, emoji=False)


def _statements(ir: ModelIR) -> str:
    """`no mistakes; latents mu, tau, theta; observations y`."""
    parts = ["no mistakes"]
    for what, statements in (("latents", ir.latents), ("observations", ir.observations)):
        if statements:
            parts.append(f"{what} {', '.join(statement.name for statement in statements)}")
    return "; ".join(parts)


def _sizes(bound: BoundModel) -> str:
    """`no mistakes; 85 county, 919 house`."""
    counts = ", ".join(f"{members.size} {plate}" for plate, members in bound.members.items())
    return "; ".join(filter(None, ("no mistakes", counts)))
