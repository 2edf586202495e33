"""Text as a terminal shows it: how many columns it takes, and what stands for characters that cannot be shown."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_TAB = 4
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, formats (which may turn the direction of text around), lone surrogates, separators of lines."""
_COMBINING = frozenset({"Mn", "Me"})


@dataclass(frozen=True)
class ShownLine:
    """A line, character by character: `pieces[i]` is what is shown for character i, which starts at column `columns[i]`.

    `columns` has one entry more: the width of the whole line.
    """

    pieces: tuple[str, ...]
    columns: tuple[int, ...]

    def column(self, index: int) -> int:
        """Where a character starts; the end of the line for one past it."""
        return self.columns[min(index, len(self.pieces))]


def show_line(text: str, encoding: str = "utf-8") -> ShownLine:
    """A line for an output of this encoding: tabs as spaces to the next stop, the rest as `printable` says."""
    pieces, columns = [], [0]
    for character in text:
        shown = " " * (_TAB - columns[-1] % _TAB) if character == "\t" else _shown(character, encoding)
        pieces.append(shown)
        columns.append(columns[-1] + width(shown))
    return ShownLine(tuple(pieces), tuple(columns))


def printable(text: str) -> str:
    """Text that cannot steer a terminal: every control character is replaced."""
    return text if text.isascii() and text.isprintable() else "".join(_shown(c, "utf-8") for c in text)


def width(text: str) -> int:
    """Terminal columns: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(c) in _COMBINING else 2 if unicodedata.east_asian_width(c) in {"W", "F"} else 1
        for c in text
    )


def _shown(character: str, encoding: str) -> str:
    if character.isascii():
        return character if character.isprintable() else _replacement(encoding)
    if unicodedata.category(character) in _UNSEEN:
        return _replacement(encoding)
    return character if _has(encoding, character) else "?" * width(character)


def _replacement(encoding: str) -> str:
    return "\N{REPLACEMENT CHARACTER}" if _has(encoding, "\N{REPLACEMENT CHARACTER}") else "?"


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
