"""One statement as items of a layout: spaces between its lexemes, and where it may be broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from qemppl.lang.format.gaps import TRAILING, Gap, ends_line
from qemppl.lang.format.layout import Begin, Break, End, Item, Text, text
from qemppl.lang.syntax import ast
from qemppl.lang.syntax.lexeme import Lexeme

_LEVELS = (("?",), ("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/", ".*", "./", "%"))
_LEVEL = {operator: level for level, operators in enumerate(_LEVELS) for operator in operators}
"""Of binary operators with spaces around them, loosest first; those of one level make one chain. `^` stands close."""
_OPERATORS = _LEVEL.keys() | {":"}
_SIGNS = frozenset({"+", "-", "!"})
_OPENERS = {"(": ")", "[": "]", "<": ">"}
_CALLED = frozenset({"NAME", "RIGHT_CENSORED", "LEFT_CENSORED"})
_SUFFIXES = frozenset({"INIT", "APPROX", "RIGHT_CENSORED", "LEFT_CENSORED", "TRUNCATION"})
"""Parts of a statement that go to the next line where they do not fit."""


@dataclass(frozen=True)
class Chains:
    """How many chains of operators, such as a sum, start and end at each offset of the text."""

    starts: Mapping[int, int]
    ends: Mapping[int, int]


def chains_of(program: ast.Program) -> Chains:
    """The chains of a program: `a + b - c` is one, and so is `c ? a : d ? b : e`."""
    starts: Counter[int] = Counter()
    ends: Counter[int] = Counter()
    pending: list[tuple[object, int | None]] = [(program, None)]
    while pending:
        node, around = pending.pop()
        level = _level(node)
        if isinstance(node, ast.Binary | ast.Conditional) and level is not None and level != around:
            starts[node.span.start] += 1
            ends[node.span.end] += 1
        # An operand of the same level without parentheses goes on with the chain.
        pending.extend((part, level) for part in ast.parts(node))
    return Chains(starts, ends)


def _level(node: object) -> int | None:
    if isinstance(node, ast.Conditional):
        return 0
    return _LEVEL.get(node.operator) if isinstance(node, ast.Binary) else None


def statement_items(lexemes: Sequence[Lexeme], gaps: Sequence[Gap], chains: Chains) -> Iterator[Item]:
    """The items of a statement; `gaps[i]` stands before lexeme i, that of the first is not used."""
    brackets: list[str] = []
    for position, lexeme in enumerate(lexemes):
        before = lexemes[position - 1] if position else None
        opener = _opener(lexeme, before)
        is_closer = bool(brackets) and lexeme.text == _OPENERS[brackets[-1]]
        if before is not None:
            place = _Place(lexemes, position, tuple(brackets), opener is not None, is_closer)
            yield from _gap_items(gaps[position], place.space(), place)
        if is_closer:
            brackets.pop()
            yield End()
        yield from [Begin(is_consistent=True)] * chains.starts.get(lexeme.span.start, 0)
        yield text(lexeme.text)
        if opener is not None:
            brackets.append(opener)
            yield Begin(is_consistent=True)
        yield from [End()] * chains.ends.get(lexeme.span.end, 0)


def _ends_operand(lexeme: Lexeme) -> bool:
    return lexeme.type in {"NAME", "INTEGER", "DECIMAL"} or lexeme.text in {")", "]", "'"}


def _opener(lexeme: Lexeme, before: Lexeme | None) -> str | None:
    """The bracket that the lexeme opens; `<` opens bounds where it compares nothing."""
    compares = lexeme.text == "<" and before is not None and _ends_operand(before)
    return lexeme.text if lexeme.text in _OPENERS and not compares else None


@dataclass(frozen=True)
class _Place:
    """A gap: before lexeme `position`, inside `brackets`."""

    lexemes: Sequence[Lexeme]
    position: int
    brackets: tuple[str, ...]
    opens: bool
    closes: bool

    @property
    def left(self) -> Lexeme:
        return self.lexemes[self.position - 1]

    @property
    def right(self) -> Lexeme:
        return self.lexemes[self.position]

    @property
    def is_after_opener(self) -> bool:
        return bool(self.brackets) and self.left.text == self.brackets[-1]

    def space(self) -> Break | str:
        """What stands here if there is no comment: text, or a break."""
        left, right = self.left.text, self.right.text
        if self.closes:
            return "" if self.is_after_opener else Break(" " if left == "," else "", closes=True)
        if self.is_after_opener:
            return Break("")
        if left == ",":
            return Break(" ")
        if self._is_close():
            return ""
        is_operator = right in _OPERATORS and not self._is_sign(self.position)
        return Break(" ") if is_operator or self.right.type in _SUFFIXES else " "

    def _is_close(self) -> bool:
        left, right = self.left.text, self.right.text
        if right in {",", ";", "'", "^", "["} or left == "^" or (right == "<" and self.opens):
            return True
        if "=" in {left, right} and self.brackets:
            return True
        is_call = right == "(" and self.left.type in _CALLED
        return is_call or self._is_sign(self.position - 1)

    def _is_sign(self, position: int) -> bool:
        """Whether a lexeme is a sign before an operand."""
        is_first = position == 0 or not _ends_operand(self.lexemes[position - 1])
        return self.lexemes[position].text in _SIGNS and is_first


def _gap_items(gap: Gap, space: Break | str, place: _Place) -> Iterator[Item]:
    """The comments of a gap, and its space between those that belong to the left and those that lead the right."""
    comments, line_ends = gap.comments, gap.line_ends
    if not comments:
        yield text(space) if isinstance(space, str) else space
        return
    split = len(comments) if place.closes else gap.split
    is_broken = False
    for position in range(len(comments) + 1):
        flat = _space_at(position, comments, place)
        if position == split:
            is_trailing = position > 0 and line_ends[position] > 0 and isinstance(space, Break) and not place.closes
            is_broken |= is_trailing or (position > 0 and ends_line(comments[position - 1]))
            if isinstance(space, Break) or is_broken:
                yield Break(flat, is_broken, place.closes)
            else:
                yield text(flat)
        elif position < split and line_ends[position]:
            is_broken = True
            yield Break("", is_hard=True)
        else:
            yield text(flat)
        if position < len(comments):
            comment = comments[position]
            yield Text(comment, 0) if comment.startswith("//") else text(comment)


def _space_at(position: int, comments: Sequence[str], place: _Place) -> str:
    """The space before comment `position` of a gap, or behind the last one."""
    if position < len(comments) and comments[position].startswith("//"):
        return TRAILING
    is_close = place.closes or place.right.text in {",", ";"}
    touches = (position == 0 and place.is_after_opener) or (position == len(comments) and is_close)
    return "" if touches else " "
