"""The fenced blocks of a page, and whether what a console printed is what the page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```([a-z]+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"(?<![\w\[.])(-?\d+(?:\.\d+)?)(?![\w\]])")
"""A number that is no part of a label, of a word or of an index."""
_DURATION = re.compile(r"\b\d+(\.\d+)? s\b")
_ELISION = "..."
_SHARE = 0.1
"""Of a whole number, such as an effective sample size: how much it may differ between machines."""


@dataclass(frozen=True)
class Block:
    """A fenced block. language: `qem`, `json`, `console`, ... file: the name that its first line gives, of the file that it is."""

    language: str
    file: str | None
    text: str


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that say what they are, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(language, file or None, content) for language, file, content in _BLOCK.findall(text)]


def commands(console: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a console block, which stand after `$ `, each with the lines shown below it."""
    parts = re.split(r"^\$ ", console, flags=re.MULTILINE)
    assert not parts[0].strip(), "a console block starts with a command"
    for part in parts[1:]:
        command, *shown = part.splitlines()
        yield command, shown


def is_shown(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether lines agree with what a page shows of them: a line `...` stands for any lines, a `...` at the end for the rest of one."""
    if not shown:
        return not printed
    if shown[0] == _ELISION:
        return any(is_shown(shown[1:], printed[start:]) for start in range(len(printed) + 1))
    return bool(printed) and _same_line(shown[0], printed[0]) and is_shown(shown[1:], printed[1:])


def _same_line(shown: str, printed: str) -> bool:
    """Whether numbers are near, and the rest is the same but for white space and durations."""
    expected, found = (_NUMBER.split(_DURATION.sub("? s", " ".join(line.split()))) for line in (shown, printed))
    if expected[-1].endswith(_ELISION):
        expected[-1] = expected[-1].removesuffix(_ELISION).rstrip()
        found = [
            *found[: len(expected) - 1],
            (found[len(expected) - 1 : len(expected)] or [""])[0][: len(expected[-1])],
        ]
    return len(expected) == len(found) and all(map(_same_piece, expected, found))


def _same_piece(shown: str, printed: str) -> bool:
    """Decimals may differ by one unit of the last digit shown."""
    if not (_NUMBER.fullmatch(shown) and _NUMBER.fullmatch(printed)):
        return shown == printed
    decimals = len(shown.partition(".")[2])
    allowed = 1.001 * 10.0**-decimals if decimals else _SHARE * abs(float(shown))
    return abs(float(shown) - float(printed)) <= allowed
