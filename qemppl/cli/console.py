"""Where words go: results to stdout, everything else to stderr."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.diagnostics.render import print_diagnostics

_TERMINAL = {"rich": True, "plain": False}


def messages(style: str | None = None) -> Console:
    """For people, on stderr. style: `rich`, `plain`, or None for rich on a terminal only. NO_COLOR is respected."""
    return Console(stderr=True, highlight=False, soft_wrap=True, force_terminal=_TERMINAL.get(style or ""))


def report(diagnostics: Sequence[Diagnostic], style: str | None = None) -> None:
    """Show diagnostics, each with its place, its reason and a fix; on a terminal also where to read more."""
    console = messages(style)
    print_diagnostics(diagnostics, console)
    error = next((d.code for d in diagnostics if d.is_error), None)
    if error and console.is_terminal:
        console.print(f"More about a code: qemppl check --explain {error}", style="dim", markup=False)


def complain(message: str) -> None:
    """One line, as it is."""
    messages().print(message, markup=False, emoji=False)


def emit(write: Callable[[Console], object]) -> None:
    """Print a result on stdout, to the end; an output that takes no more, such as a full disk, is a diagnostic."""
    try:
        write(Console(highlight=False, soft_wrap=True))
        sys.stdout.flush()
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        message = f"the output cannot be written: {error.strerror or error}"
        raise DiagnosticsError(
            [Diagnostic("QEM860", Severity.ERROR, message, where="stdout")], Stage.RESOURCE
        ) from error
