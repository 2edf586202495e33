"""Lines within a width: where a statement that is too long is broken.

A statement is a list of items, in which groups nest. A group that fits on the rest of the line stays on it. In one that does not, all
breaks end the line (a consistent group: one argument a line), or only those whose next piece does not fit. Every decision takes
constant time, since all widths are summed up beforehand, and nothing recurses (Oppen, Prettyprinting, 1980).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 88
INDENT = 2
_ENDLESS = 10**9
"""The width of what cannot stand on one line."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it is. `width` is what counts of it: nothing of a comment that ends its line, which may be long."""

    text: str
    width: int


@dataclass(frozen=True, slots=True)
class Break:
    """The end of a line, or `flat` where it is not needed. `is_hard`: it always is. `closes`: the next line is not indented."""

    flat: str
    is_hard: bool = False
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Begin:
    """The start of a group."""

    is_consistent: bool


@dataclass(frozen=True, slots=True)
class End:
    """The end of a group."""


Item = Text | Break | Begin | End


def text(words: str) -> Text:
    """A text that counts in full."""
    return Text(words, _ENDLESS if "\n" in words else len(words))


def lay_out(items: Sequence[Item], indent: int, column: int) -> str:
    """The items as text that starts at `column` of a line indented by `indent`; further lines are indented accordingly."""
    measures = _measure(items)
    printer = _Printer(indent, column, [_Group(indent, is_flat=False, is_consistent=False)])
    for position, item in enumerate(items):
        match item:
            case Text():
                printer.write(item.text)
            case Begin():
                is_flat = printer.column + measures.group(position) <= WIDTH
                printer.groups.append(_Group(printer.line, is_flat, item.is_consistent))
            case End():
                printer.groups.pop()
            case Break():
                group = printer.groups[-1]
                fits = printer.column + measures.piece(position) <= WIDTH
                if item.is_hard or not (group.is_flat or (fits and not group.is_consistent)):
                    printer.end_line(group.base + (0 if item.closes else INDENT))
                else:
                    printer.write(item.flat)
    return "".join(printer.output)


@dataclass(frozen=True, slots=True)
class _Group:
    """A group that is open. base: the indentation of the line where it starts."""

    base: int
    is_flat: bool
    is_consistent: bool


class _Printer:
    def __init__(self, line: int, column: int, groups: list[_Group]) -> None:
        self.line = line  # how far the current line is indented
        self.column = column
        self.groups = groups
        self.output: list[str] = []

    def write(self, words: str) -> None:
        self.output.append(words)
        last = words.rfind("\n")
        self.column = self.column + len(words) if last < 0 else len(words) - last - 1

    def end_line(self, indent: int) -> None:
        self.output.append("\n" + " " * indent)
        self.line = self.column = indent


@dataclass(frozen=True)
class _Measures:
    """before: the width of all items before each, on one line. group_stop: where the text ends that must fit behind the start of each
    group: the first break after it. piece_stop: the same for each break: the next break of its group, or the first after the group.
    """

    before: list[int]
    group_stop: dict[int, int]
    piece_stop: dict[int, int]

    def group(self, begin: int) -> int:
        return self.before[self.group_stop[begin]] - self.before[begin]

    def piece(self, position: int) -> int:
        return self.before[self.piece_stop[position]] - self.before[position]


def _measure(items: Sequence[Item]) -> _Measures:
    before = [0]
    for item in items:
        match item:
            case Text():
                before.append(before[-1] + item.width)
            case Break():
                before.append(before[-1] + (_ENDLESS if item.is_hard else len(item.flat)))
            case _:
                before.append(before[-1])
    measures = _Measures(before, {}, {})
    stops = [len(items)]  # of each open group: the next break in it, or the first after it
    ends: list[int] = []
    following = len(items)
    for position in reversed(range(len(items))):
        match items[position]:
            case End():
                ends.append(following)
                stops.append(following)
            case Begin():
                measures.group_stop[position] = ends.pop()
                stops.pop()
            case Break():
                measures.piece_stop[position] = stops[-1]
                stops[-1] = following = position
            case Text():
                pass
    return measures
