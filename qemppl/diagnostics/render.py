"""Diagnostics as text: what is wrong, the source with carets under it, notes, and how to mend it.

    error[QEM201]: `thta` is not declared
      --> schools.qem:6:16
       |
     6 |     y ~ normal(thta, sigma);
       |                ^^^^
       = fix: did you mean `theta`?

A rendering is a list of lines, each a list of (text, style); the plain text drops the styles.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qemppl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qemppl.diagnostics.source import Source, Span

if TYPE_CHECKING:
    from rich.console import Console

Line = list[tuple[str, str]]
"""Pieces of a line, each with a rich style (empty: none)."""

_TAB = 4
_WIDEST = 120
"""A longer source line is cut to a window around the caret."""
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
_FRAME = "blue"


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """Plain text of all diagnostics in source order, with a summary line; empty if there are none."""
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in _report(diagnostics))


def print_diagnostics(diagnostics: Iterable[Diagnostic], console: Console) -> None:
    """Print all diagnostics in source order, with a summary line; styled as far as the console can."""
    from rich.text import Text  # noqa: PLC0415 (not needed for plain text)

    for line in _report(diagnostics):
        console.print(Text.assemble(*line, end="\n"), soft_wrap=True, highlight=False)


def in_source_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By source and offset; those without a place in a model text first."""
    return sorted(diagnostics, key=lambda d: (d.span.source.name, d.span.start, d.span.end) if d.span else ("", -1, -1))


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """How many of each severity: `3 errors, 1 warning`."""
    counts = ((s, sum(d.severity is s for d in diagnostics)) for s in Severity)
    return ", ".join(f"{n} {s.value}{'s' if n > 1 else ''}" for s, n in counts if n)


def _report(diagnostics: Iterable[Diagnostic]) -> list[Line]:
    ordered = in_source_order(diagnostics)
    lines: list[Line] = []
    for diagnostic in ordered:
        lines += [*_diagnostic(diagnostic), []]
    return [*lines, [(summary(ordered), "bold")]] if ordered else []


@dataclass(frozen=True)
class _Mark:
    """A caret range on one line: `^^^` for the place itself, `---` for a second one."""

    span: Span
    message: str
    is_primary: bool


def _diagnostic(diagnostic: Diagnostic) -> list[Line]:
    style = _STYLES[diagnostic.severity]
    head = [(f"{diagnostic.severity.value}[{diagnostic.code}]", style), (f": {diagnostic.message}", "bold")]
    marks = [_Mark(label.span, label.message, False) for label in diagnostic.labels if _is_shown(label, diagnostic)]
    if diagnostic.span is not None:
        marks.append(_Mark(diagnostic.span, "", True))
    marks.sort(key=lambda mark: (mark.span.source.name, mark.span.start))
    gutter = max((len(str(mark.span.line)) for mark in marks), default=1)
    lines: list[Line] = [head, *_places(diagnostic, gutter)]
    source: Source | None = diagnostic.span.source if diagnostic.span is not None else None
    previous = 0
    for mark in marks:
        if mark.span.source is not source:
            source, previous = mark.span.source, 0
            lines.append([(" " * gutter + " ::: ", _FRAME), (_position(mark.span), "")])
        lines += _snippet(mark, gutter, previous, style)
        previous = mark.span.line
    margin = (" " * (gutter + 1) + "= ", _FRAME)
    for note in diagnostic.notes:
        first, *rest = note.split("\n")
        lines.append([margin, ("note: ", "bold"), (first, "")])
        lines += [[(" " * (gutter + 9), ""), (text, "")] for text in rest]
    if diagnostic.hint:
        lines.append([margin, ("fix: ", "bold green"), (diagnostic.hint, "")])
    return lines


def _is_shown(label: Label, diagnostic: Diagnostic) -> bool:
    return label.span != diagnostic.span


def _position(span: Span) -> str:
    return f"{span.source.name}:{span.line}:{span.column}"


def _places(diagnostic: Diagnostic, gutter: int) -> list[Line]:
    places = [diagnostic.where] if diagnostic.where else []
    if diagnostic.span is not None:
        places.append(_position(diagnostic.span))
    return [[(" " * gutter + "--> ", _FRAME), (place, "")] for place in places]


def _snippet(mark: _Mark, gutter: int, previous: int, style: str) -> list[Line]:
    """The source line of a mark, unless it stands already, and the carets below."""
    span = mark.span
    source, number = span.source, span.line
    text = source.line(number)
    first = span.column - 1
    last = max(first + 1, min(len(text), first + span.end - span.start))
    text, first, last = _window(text, first, last)
    lines: list[Line] = []
    if previous == 0:
        lines.append([(" " * (gutter + 1) + "|", _FRAME)])
    elif number > previous + 1:
        lines.append([("..." if gutter < 3 else " " * gutter + " :", _FRAME)])
    if number != previous:
        lines.append([(f"{number:>{gutter}} | ", _FRAME), (_expand(text), "")])
    indent = len_cells(_expand(text[:first]))
    width = max(1, len_cells(_expand(text[:last])) - indent)
    carets = ("^" if mark.is_primary else "-") * width
    note = f" {mark.message}" if mark.message else ""
    lines.append(
        [(" " * (gutter + 1) + "| ", _FRAME), (" " * indent, ""), (carets + note, style if mark.is_primary else _FRAME)]
    )
    return lines


def _window(text: str, first: int, last: int) -> tuple[str, int, int]:
    """A long line cut to the neighbourhood of [first, last), the range shifted along."""
    if len(text) <= _WIDEST:
        return text, first, last
    begin = max(0, min(first - _WIDEST // 4, len(text) - _WIDEST))
    end = min(len(text), begin + _WIDEST)
    left, right = "..." if begin else "", "..." if end < len(text) else ""
    shift = len(left) - begin
    return left + text[begin:end] + right, first + shift, min(last, end) + shift


def _expand(text: str) -> str:
    """Text as it is shown: tabs as spaces to the next stop, control characters as a replacement character."""
    shown = ""
    for character in text:
        if character == "\t":
            shown += " " * (_TAB - len_cells(shown) % _TAB)
        else:
            shown += (
                character
                if unicodedata.category(character) not in {"Cc", "Cf", "Zl", "Zp"}
                else "\N{REPLACEMENT CHARACTER}"
            )
    return shown


def len_cells(text: str) -> int:
    """Terminal columns of a text: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in {"W", "F"} else 1 for c in text
    )
