"""Every code of a diagnostic: what it means, and which ones are near a word that is none."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator

import click
from click.shell_completion import CompletionItem
from rich.console import Console
from rich.text import Text

import qemppl.cli.catalogue
import qemppl.compile.catalogue
import qemppl.data.catalogue
import qemppl.diagnostics.catalogue
import qemppl.engine.catalogue
import qemppl.result.catalogue
from qemppl.diagnostics.diagnostic import Entry
from qemppl.diagnostics.examples import EXAMPLES

_FLOORS = (
    qemppl.diagnostics.catalogue,
    qemppl.compile.catalogue,
    qemppl.data.catalogue,
    qemppl.engine.catalogue,
    qemppl.result.catalogue,
    qemppl.cli.catalogue,
)
_WIDEST = 80
_MOST_SUGGESTIONS = 5


def entries() -> dict[str, Entry]:
    """All codes in order."""
    return dict(sorted((code, entry) for floor in _FLOORS for code, entry in floor.CATALOGUE.items()))


def near(text: str) -> list[str]:
    """For a number the codes next to it, for a word those that have it in their title, or else in their explanation."""
    known = entries()
    if number := re.search(r"\d{1,9}", text):
        by_distance = sorted(known, key=lambda code: abs(int(code[3:]) - int(number[0])))
        return sorted(by_distance[:3])
    word = text.casefold()
    titled = [code for code, entry in known.items() if word in entry.title.casefold()]
    explained = [code for code, entry in known.items() if word in entry.explanation.casefold()]
    return (titled or explained)[:_MOST_SUGGESTIONS]


def code(text: str) -> str:
    """A code as people write it: `QEM201`, `qem201` or `201`."""
    found = f"QEM{text.strip().upper().removeprefix('QEM')}"
    known = entries()
    if found not in known:
        suggestions = ", ".join(f"{other} ({known[other].title})" for other in near(text.strip()))
        raise click.BadParameter(f"there is no code {text!r}" + (f"; near it: {suggestions}" if suggestions else ""))
    return found


def complete_code(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The codes that start so, for the shell."""
    return [CompletionItem(c, help=e.title) for c, e in entries().items() if c.startswith(incomplete.upper())]


def explain(code: str, console: Console) -> None:
    """Print what a code means, and an example if it has one."""
    width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)
    for text, style in _explanation(code, width):
        console.print(Text(text, style))


def _explanation(code: str, width: int) -> Iterator[tuple[str, str]]:
    entry = entries()[code]
    yield f"{code}: {entry.title}", "bold"
    yield "", ""
    yield textwrap.fill(entry.explanation, width, break_long_words=False, break_on_hyphens=False), ""
    if code in EXAMPLES:
        for kind, style, text in (
            ("wrong", "bold red", EXAMPLES[code].wrong),
            ("right", "bold green", EXAMPLES[code].right),
        ):
            yield "", ""
            yield f"{kind}:", style
            yield textwrap.indent(text, "  "), ""
