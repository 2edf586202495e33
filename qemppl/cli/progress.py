"""A line on a terminal that says how a fit goes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.text import Text

from qemppl.cli.console import messages
from qemppl.driver import Progress


class ProgressLine(AbstractContextManager["ProgressLine"]):
    """Shows the last Progress it was called with, or another line; nothing where stderr is no terminal, and nothing when `quiet`."""

    def __init__(self, *, quiet: bool) -> None:
        console = messages()
        self._live = Live(console=console, transient=True) if console.is_terminal and not quiet else None

    def __call__(self, progress: Progress) -> None:
        self.show(progress_text(progress))

    def show(self, text: str) -> None:
        if self._live is not None:
            self._live.update(Text(text, no_wrap=True, overflow="ellipsis"))

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()


def progress_text(progress: Progress) -> str:
    """`adapt 12  ELBO -31.25  beta 1  ESS 83%  2.1 s`: what matters most stands first, for narrow terminals."""
    parts = [
        f"{progress.phase} {progress.iteration}",
        f"ELBO {progress.elbo:.6g}",
        f"beta {progress.beta:.2g}",
        f"ESS {progress.ess:.0%}",
        f"{progress.elapsed:.1f} s",
    ]
    if progress.mcse is not None:
        parts.append(f"mcse {progress.mcse:.2g} sd")
    return "  ".join(parts)
