"""Where words go: results to stdout, everything else to stderr."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterable

from rich.console import Console

from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.diagnostics.render import print_diagnostics


def messages() -> Console:
    """For people, on stderr. NO_COLOR and plain files are respected."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def report(diagnostics: Iterable[Diagnostic]) -> None:
    """Show diagnostics, each with its place, its reason and a fix."""
    print_diagnostics(diagnostics, messages())


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
