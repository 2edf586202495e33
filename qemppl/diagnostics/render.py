"""Diagnostics as text: what is wrong, the source with carets under it, notes, and how to mend it.

    error[QEM201]: `thta` is not declared
      --> schools.qem:6:16
       |
     6 |     y ~ normal(thta, sigma);
       |                ^^^^
       = fix: did you mean `theta`?

A rendering is a list of lines, each a list of (text, style); the plain text drops the styles and loses nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from qemppl.diagnostics.cells import printable
from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.diagnostics.snippet import FRAME, Line, Mark, Page, last_line, snippet
from qemppl.diagnostics.source import Span

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
_FRAME_COLUMNS = 8
"""Of the line numbers and the bar, for files of up to 99,999 lines."""
_NARROWEST = 24
_LONGEST = 800
"""Characters of a line of words: a name in it may be as long as the file."""


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """Plain text of all diagnostics in source order, with a summary line; empty if there are none."""
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in _report(diagnostics, Page()))


def print_diagnostics(diagnostics: Iterable[Diagnostic], console: Console) -> None:
    """Print all diagnostics in source order, with a summary line; styled as far as the console can.

    Source lines are cut to the width of a terminal, so that the carets stay below what they point at.
    """
    from rich.text import Text  # noqa: PLC0415 (not needed for plain text)

    widest = Page().width
    width = min(widest, max(_NARROWEST, console.width) - _FRAME_COLUMNS) if console.is_terminal else widest
    for line in _report(diagnostics, Page(width, console.encoding)):
        console.print(Text.assemble(*line, end="\n"), soft_wrap=True, highlight=False)


def in_source_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By source and offset; those without a place in a model text first."""
    return sorted(diagnostics, key=lambda d: (d.span.source.name, d.span.start, d.span.end) if d.span else ("", -1, -1))


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """How many of each severity: `3 errors, 1 warning`."""
    counts = ((s, sum(d.severity is s for d in diagnostics)) for s in Severity)
    return ", ".join(f"{n} {s.value}{'s' if n > 1 else ''}" for s, n in counts if n)


def _report(diagnostics: Iterable[Diagnostic], page: Page) -> Iterator[Line]:
    ordered = in_source_order(diagnostics)
    for diagnostic in ordered:
        yield from _diagnostic(diagnostic, page)
        yield []
    if ordered:
        yield [(summary(ordered), "bold")]


def _diagnostic(diagnostic: Diagnostic, page: Page) -> Iterator[Line]:
    style = _STYLES[diagnostic.severity]
    head, *rest = _printable_lines(diagnostic.message)
    yield [(f"{diagnostic.severity.value}[{diagnostic.code}]", style), (f": {head}", "bold")]
    yield from ([("  " + text, "bold")] for text in rest)
    marks = _marks(diagnostic, style)
    gutter = max((len(str(last_line(mark.span))) for mark in marks), default=1)
    if diagnostic.where:
        yield _place("-->", printable(diagnostic.where), gutter)
    place = diagnostic.span
    for source, group in groupby(marks, key=lambda mark: mark.span.source):
        of_source = list(group)
        if place is not None and source == place.source:
            yield _place("-->", _position(place), gutter)
        else:
            yield _place(":::", _position(of_source[0].span), gutter)
        yield from snippet(source, of_source, gutter, page)
    for note in diagnostic.notes:
        yield from _remark("note", "bold", note, gutter)
    if diagnostic.hint:
        yield from _remark("fix", "bold green", diagnostic.hint, gutter)


def _printable_lines(text: str) -> list[str]:
    """The lines of a text that may have several, without characters that steer a terminal; the middle of a very long one is left out."""
    return [printable(_cut(line)) for line in text.split("\n")]


def _cut(line: str) -> str:
    half = _LONGEST // 2
    return line if len(line) <= _LONGEST else f"{line[:half]} ... {line[-half:]}"


def _marks(diagnostic: Diagnostic, style: str) -> list[Mark]:
    """The place itself and the labels, those of the source of the place first."""
    labels = [
        Mark(x.span, printable(_cut(x.message)), "-", FRAME) for x in diagnostic.labels if x.span != diagnostic.span
    ]
    if diagnostic.span is None:
        return sorted(labels, key=lambda mark: (mark.span.source.name, mark.span.start))
    home = diagnostic.span.source.name
    marks = [*labels, Mark(diagnostic.span, "", "^", style)]
    return sorted(marks, key=lambda m: (m.span.source.name != home, m.span.source.name, m.span.start))


def _place(arrow: str, place: str, gutter: int) -> Line:
    return [(" " * gutter + arrow + " ", FRAME), (place, "")]


def _position(span: Span) -> str:
    return f"{printable(span.source.name)}:{span.line}:{span.column}"


def _remark(kind: str, style: str, text: str, gutter: int) -> Iterator[Line]:
    """`= note: ...`, its further lines below the first word."""
    first, *rest = _printable_lines(text)
    yield [(" " * (gutter + 1) + "= ", FRAME), (f"{kind}: ", style), (first, "")]
    yield from ([(" " * (gutter + 3 + len(kind) + 2), ""), (line, "")] for line in rest)
