"""What commands read: a model file or standard input, and the files of the data."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from qemppl.diagnostics.source import Source
from qemppl.lang.frontend import read_source
from qemppl.lang.syntax.read import MAX_BYTES, decode_source

PATH = click.Path(path_type=Path)
STANDARD_INPUT = Path("-")


def data_argument(*, required: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The argument DATA: the files of one data set."""
    return click.argument("data", type=PATH, nargs=-1, required=required)


def source_name(path: Path) -> str:
    """What messages call a model."""
    return "<stdin>" if path == STANDARD_INPUT else str(path)


def read_model(path: Path) -> Source:
    """The text of a model file, or of standard input for `-`. Raises DiagnosticsError (MODEL)."""
    if path != STANDARD_INPUT:
        return read_source(path)
    return decode_source(sys.stdin.buffer.read(MAX_BYTES + 1), source_name(path))
