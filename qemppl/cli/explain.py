"""qemppl explain MODEL [DATA...]: what the compiler makes of a model."""

from __future__ import annotations

from pathlib import Path

import click

from qemppl.cli.console import emit
from qemppl.cli.inputs import PATH, data_argument
from qemppl.cli.numbers import size
from qemppl.compile.passes import PASSES
from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.driver import Settings, compile_model, explain_plan
from qemppl.ir.show import show
from qemppl.lang.frontend import parse, read_source
from qemppl.lang.syntax.show_ast import show_ast


@click.command(name="explain")
@click.argument("model", type=PATH)
@data_argument(required=False)
@click.option(
    "--stage",
    type=click.Choice(["ast", "ir", "plan"]),
    default="ir",
    help="ast: what was read. ir: what it means. plan: how it is computed, with DATA.  [default: ir]",
)
@click.option(
    "--without",
    type=click.Choice(list(PASSES)),
    multiple=True,
    help="Leave out a pass of the compiler, to see what it saves; may be given several times.",
)
@click.option("--memory", type=size, metavar="SIZE", help="Memory that a fit may use, such as 1GiB.")
def command(model: Path, data: tuple[Path, ...], stage: str, without: tuple[str, ...], memory: int | None) -> None:
    """Show what the compiler makes of MODEL (.qem)."""
    if stage == "plan" and not data:
        raise click.UsageError("--stage plan needs DATA: sizes decide how a model is computed")
    if stage == "plan":
        _print(explain_plan(compile_model(model), data, Settings(memory=memory, without=without)))
    elif stage == "ir":
        _print(show(compile_model(model).ir))
    else:
        parsed = parse(read_source(model))
        _print(show_ast(parsed.program))
        if parsed.diagnostics:
            raise DiagnosticsError(parsed.diagnostics, Stage.MODEL)


def _print(text: str) -> None:
    emit(lambda console: console.file.write(text.rstrip("\n") + "\n"))
