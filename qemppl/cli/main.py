"""The command `qemppl`: finds the command, and turns every way it can end into a message and an exit code.

0 fine, 2 usage, 3 model, 4 data, 5 numeric or resource, 6 diagnostics failed under --strict, 70 internal error, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import platform
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

from qemppl.cli.console import complain, report
from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.version import __version__

COMMANDS = {
    "fit": "Fit a model to data and print the posterior.",
    "check": "Say everything that is wrong with a model and its data.",
    "format": "Lay out models: --write replaces the files, --check only looks.",
    "explain": "Show what the compiler makes of a model.",
    "predict": "Draw outcomes, later steps and new rows from a saved fit.",
    "sbc": "Calibrate fits of a model on data drawn from it.",
    "summary": "Print the posterior of a saved fit.",
}
"""Each in the module of its name, imported when it is asked for: torch takes seconds, --help must not."""

BROKEN_PIPE = 1
DIAGNOSTICS_FAILED = 6
INTERNAL_ERROR = 70
INTERRUPTED = 130
FEWER_COLLECTIONS = 100_000
"""Objects made between two searches for garbage: the tree of a large model is all alive, and searching it took a third of a check."""


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"qemppl.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands, none of them imported, and the options of the group."""
        commands = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qemppl", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
def group(debug: bool) -> None:
    """Hierarchical Bayesian models in text, fitted fast.

    A model is a .qem file, its data JSON or CSV files: `qemppl fit model.qem data.json`.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code. Never raises."""
    try:
        code = group.main(list(arguments), prog_name="qemppl", standalone_mode=False)
        sys.stdout.flush()
    except (DiagnosticsError, click.ClickException) as error:
        return _mistake(error)
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        return INTERRUPTED
    except (BrokenPipeError, SystemExit) as error:
        # click exits itself: with 0 after completing a word for the shell, with 1 where it meets a broken pipe
        return 0 if isinstance(error, SystemExit) and error.code == 0 else _broken_pipe()
    except MemoryError:
        complain("error: not enough memory; try fewer --particles or --draws")
        return Stage.RESOURCE.value
    except Exception as error:  # the last resort, so that a user never sees a traceback unasked
        return _internal_error(error, arguments)
    return code if isinstance(code, int) else 0


def _mistake(error: DiagnosticsError | click.ClickException) -> int:
    """Something that the user can mend."""
    if isinstance(error, DiagnosticsError):
        report(error.diagnostics)
        return error.stage.value
    error.show()
    return Stage.USAGE.value


def _broken_pipe() -> int:
    """The reader of our output has gone, as in `qemppl ... | head`: stop without a word."""
    with contextlib.suppress(OSError, io.UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def _internal_error(error: Exception, arguments: Sequence[str]) -> int:
    if "--debug" in arguments:
        complain("".join(traceback.format_exception(error)).rstrip())
    complain(f"internal error: {type(error).__name__}: {error}")
    complain(
        "This is a mistake in qemppl, not in your model or data. Please report it, with what `qemppl --debug ...` prints."
    )
    complain(f"(qemppl {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()})")
    return INTERNAL_ERROR


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> NoReturn:
    """Entry point of the console script."""
    signal.signal(signal.SIGTERM, _interrupt)
    gc.set_threshold(FEWER_COLLECTIONS)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a label that the locale cannot show is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # the second, while the first was being answered
        code = INTERRUPTED
    for number in (signal.SIGINT, signal.SIGTERM):  # all is done, and the way out is short
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)
