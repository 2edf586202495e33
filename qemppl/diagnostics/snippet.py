"""Pieces of the source with marks below: `^^^` for the place itself, `---` for a second one and what it says.

    4 |   plate school { real mu ~ normal(mu, 1); }
      |                       --          ^^
      |                       |
      |                       declared here

Several marks of a line share one row; the words of all but the last hang below it. A mark of several lines is drawn below each of
them, or below the first and the last. A long line is cut to the neighbourhood of its marks, and shown again for marks far apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from qemppl.diagnostics.cells import show_line
from qemppl.diagnostics.source import Source, Span

Line = list[tuple[str, str]]
"""Pieces of a line, each with a rich style (empty: none)."""

FRAME = "bright_blue"
_ELLIPSIS = "..."
_MOST_LINES = 3
"""A mark over more lines than this is drawn below its first and its last."""


@dataclass(frozen=True)
class Page:
    """What the output can show. width: columns for a source line. encoding: of the output."""

    width: int = 120
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Mark:
    """A range of the source, what is said about it, and how it is drawn."""

    span: Span
    message: str
    symbol: str
    style: str


@dataclass(frozen=True)
class _Stroke:
    """The part of a mark on one line: the characters `start <= i < end`, at least one (perhaps that after the last)."""

    line: int
    start: int
    end: int
    message: str
    mark: Mark


def last_line(span: Span) -> int:
    """The line (counted from 1) of the last character of a range that is not blank."""
    return span.source.position(span.start + max(0, len(span.text.rstrip()) - 1))[0]


def snippet(source: Source, marks: Iterable[Mark], gutter: int, page: Page) -> Iterator[Line]:
    """The lines of one source that bear marks, in order; lines between them are left out, unless it is a single one."""
    strokes = sorted((s for mark in marks for s in _strokes(mark)), key=lambda s: (s.line, s.start, s.end))
    yield [(" " * (gutter + 1) + "|", FRAME)]
    previous = strokes[0].line
    for number, group in groupby(strokes, key=lambda s: s.line):
        if number == previous + 2:
            between = source.line(previous + 1)
            yield _source_line(previous + 1, between, _window(between, 0, page), gutter, page)
        elif number > previous + 2:
            yield [(_ELLIPSIS, FRAME)]
        yield from _marked_line(source.line(number), list(group), gutter, page)
        previous = number


def _strokes(mark: Mark) -> Iterator[_Stroke]:
    source, span = mark.span.source, mark.span
    first, last = span.line, last_line(span)
    numbers = range(first, last + 1) if last - first < _MOST_LINES else (first, last)
    for number in numbers:
        text = source.line(number)
        begin = span.column - 1 if number == first else len(text) - len(text.lstrip())
        end = span.end - source.line_starts[number - 1] if number == last else len(text.rstrip())
        if number in {first, last} or text.strip():
            message = mark.message if number == last else ""
            yield _Stroke(number, begin, max(begin + 1, min(end, len(text))), message, mark)


def _neighbours(text: str, strokes: Sequence[_Stroke], page: Page) -> list[list[_Stroke]]:
    """The strokes of a long line, from left to right, in groups of at most half a page."""
    reach = page.width // 2
    groups: list[list[_Stroke]] = []
    for stroke in strokes:
        start = groups[-1][0].start if groups else 0
        if groups and stroke.end - start <= reach and _columns(text[start : stroke.end], page) <= reach:
            groups[-1].append(stroke)
        else:
            groups.append([stroke])
    return groups


def _columns(text: str, page: Page) -> int:
    return show_line(text, page.encoding).columns[-1]


def _marked_line(text: str, strokes: Sequence[_Stroke], gutter: int, page: Page) -> Iterator[Line]:
    """A source line as often as it takes to show all of its strokes."""
    is_whole = _window(text, 0, page) == (0, len(text))
    for near in [strokes] if is_whole else _neighbours(text, strokes, page):
        yield from _excerpt(text, _window(text, near[0].start, page), near, gutter, page)


def _window(text: str, start: int, page: Page) -> tuple[int, int]:
    """The part of a line to show: all of it, or what fits around `start`, most of it to the right."""
    if len(text) <= page.width and _columns(text, page) <= page.width:
        return 0, len(text)
    room = max(1, page.width - 2 * len(_ELLIPSIS))
    left = max(0, min(start - room // 8, len(text) - room))
    right = min(len(text), left + room)
    while right > start + 1 and _columns(text[left:right], page) > room:
        right -= 1
    return left, right


def _excerpt(text: str, window: tuple[int, int], strokes: Sequence[_Stroke], gutter: int, page: Page) -> Iterator[Line]:
    """Part of a source line, the strokes below, and their words."""
    yield _source_line(strokes[0].line, text, window, gutter, page)
    before = _before(window)
    line = show_line(before + text[slice(*window)], page.encoding)
    shift = len(before) - window[0]
    placed = [(line.column(s.start + shift), s) for s in strokes]
    ends = [max(column + 1, line.column(s.end + shift)) for column, s in placed]
    margin = (" " * (gutter + 1) + "| ", FRAME)
    waiting = [(column, s) for column, s in placed if s.message]
    inline = waiting.pop()[1] if placed[-1][1].message and ends[-1] == max(ends) else None
    words = [(f" {inline.message}", inline.mark.style)] if inline else []
    yield [margin, *_underline(placed, ends), *words]
    if waiting:
        yield [margin, *_hanging(waiting, None)]
    while waiting:
        spoken = waiting.pop()
        yield [margin, *_hanging(waiting, spoken)]


def _source_line(number: int, text: str, window: tuple[int, int], gutter: int, page: Page) -> Line:
    after = _ELLIPSIS if window[1] < len(text) else ""
    shown = show_line(_before(window) + text[slice(*window)] + after, page.encoding)
    return [(f"{number:>{gutter}} | ", FRAME), ("".join(shown.pieces), "")]


def _before(window: tuple[int, int]) -> str:
    """What stands for the text left of a window."""
    return _ELLIPSIS if window[0] else ""


def _underline(placed: Sequence[tuple[int, _Stroke]], ends: Sequence[int]) -> Line:
    """All strokes in one row, the short ones above the long ones."""
    row = [(" ", "")] * max(ends)
    order = sorted(range(len(ends)), key=lambda i: (placed[i][0] - ends[i], placed[i][1].mark.symbol == "^"))
    for i in order:
        column, stroke = placed[i]
        row[column : ends[i]] = [(stroke.mark.symbol, stroke.mark.style)] * (ends[i] - column)
    return [("".join(symbol for symbol, _ in cells), style) for style, cells in groupby(row, key=lambda cell: cell[1])]


def _hanging(waiting: Sequence[tuple[int, _Stroke]], spoken: tuple[int, _Stroke] | None) -> Line:
    """A bar below each stroke whose words are still to come, and the words of one."""
    line: Line = []
    width = 0
    bars = {column: ("|", stroke.mark.style) for column, stroke in waiting}
    if spoken is not None:
        bars[spoken[0]] = (spoken[1].message, spoken[1].mark.style)
    for column, (text, style) in sorted(bars.items()):
        line += [(" " * (column - width), ""), (text, style)]
        width = column + len(text)
    return line
