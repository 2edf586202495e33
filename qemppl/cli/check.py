"""qemppl check MODEL [DATA]: everything that is wrong, nothing computed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from qemppl.cli.console import emit, report
from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.ir.model import ModelIR
from qemppl.lang.frontend import compile_text, read_source

if TYPE_CHECKING:
    from qemppl.data.bound import BoundModel


@click.command(name="check")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path), required=False)
def command(model: Path, data: Path | None) -> None:
    """Check MODEL (.qem), and DATA (.json) against its declarations.

    Exits with 3 when the model is wrong, with 4 when the data are.
    """
    checked = compile_text(read_source(model))
    if checked.model is None:
        raise DiagnosticsError(checked.diagnostics, Stage.MODEL)
    report(checked.diagnostics)
    lines = [f"{model}: {_statements(checked.model)}"]
    if data is not None:
        # A model alone is checked without numpy, in two thirds of the time.
        from qemppl.data.bind import bind  # noqa: PLC0415
        from qemppl.data.read import read_data  # noqa: PLC0415

        bound = bind(checked.model, read_data(data))
        report(bound.remarks)
        lines.append(f"{data}: {_sizes(bound.model)}")
    emit(lambda console: _write(console, lines))


def _write(console: Console, lines: list[str]) -> None:
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
