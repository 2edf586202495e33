"""qemppl format MODEL...: the canonical layout of model texts."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from qemppl.cli.console import emit
from qemppl.cli.inputs import STANDARD_INPUT, source_name
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Stage
from qemppl.lang.format.format import format_source
from qemppl.lang.syntax.read import MAX_BYTES, decode_source, read_bytes
from qemppl.result.target import replace_file

WOULD_CHANGE = 1


@dataclass(frozen=True)
class Formatted:
    """A model text in its canonical layout, and whether its bytes are others."""

    name: str
    content: bytes
    is_changed: bool


@click.command(name="format")
@click.argument("models", metavar="MODEL...", type=click.Path(), nargs=-1, required=True)
@click.option("--write", is_flag=True, help="Replace the files, each at once, and name those that change.")
@click.option("--check", is_flag=True, help="Only name the files that would change, and exit with 1 if there are any.")
def command(models: tuple[str, ...], write: bool, check: bool) -> int:
    """Print MODEL (.qem, or - for standard input) in the canonical layout.

    Comments and meaning stay as they are. A file with a syntax error is not touched: exits with 3.
    """
    if write and check:
        raise click.UsageError("--write changes the files and --check does not: choose one")
    if len(models) > 1 and not (write or check):
        raise click.UsageError("several files need --write or --check")
    if write and str(STANDARD_INPUT) in models:
        raise click.UsageError("standard input cannot be replaced: leave out --write")
    formatted, mistakes = _format_all(models)
    changed = [model for model in formatted if model.is_changed]
    if write:
        for model in changed:
            replace_file(model.name, model.content)
    if write or check:
        verb = "formatted" if write else "would format"
        emit(lambda _: click.echo("".join(f"{verb} {model.name}\n" for model in changed), nl=False))
    else:
        # As bytes: a model is UTF-8 with `\n` whatever the locale says.
        emit(lambda _: click.echo(b"".join(model.content for model in formatted), nl=False))
    if mistakes:
        raise DiagnosticsError(mistakes, Stage.MODEL)
    return WOULD_CHANGE if check and changed else 0


def _format_all(models: tuple[str, ...]) -> tuple[list[Formatted], list[Diagnostic]]:
    """What could be formatted, and everything that is wrong with the other models."""
    formatted: list[Formatted] = []
    mistakes: list[Diagnostic] = []
    for name in models:
        try:
            formatted.append(_format(name))
        except DiagnosticsError as error:
            mistakes += error.diagnostics
    return formatted, mistakes


def _format(name: str) -> Formatted:
    is_stdin = name == str(STANDARD_INPUT)
    raw = sys.stdin.buffer.read(MAX_BYTES + 1) if is_stdin else read_bytes(name)
    source = decode_source(raw, source_name(Path(name)))
    content = format_source(source).encode()
    return Formatted(source.name, content, content != raw)
