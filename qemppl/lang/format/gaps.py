"""What stands between two lexemes: white space and comments."""

from __future__ import annotations

import re
from dataclasses import dataclass

_COMMENT = re.compile(r"//[^\n]*|/\*[\s\S]*?\*/")
TRAILING = "  "
"""In front of a comment at the end of a line."""


@dataclass(frozen=True)
class Gap:
    """The comments between two lexemes, and how many line ends stand before, between and after them (one count more)."""

    comments: tuple[str, ...]
    line_ends: tuple[int, ...]

    @property
    def split(self) -> int:
        """How many comments belong to the lexeme before: those up to the last line end. The others lead the lexeme after."""
        return max((i for i, count in enumerate(self.line_ends) if count), default=0)

    def then(self, other: Gap) -> Gap:
        """This gap and `other`, as if the lexeme between them were away; the comments of this one stay with the lexeme before."""
        if not self.comments:
            return other
        between = max(self.line_ends[-1], other.line_ends[0], int(other.split == 0))
        line_ends = (*self.line_ends[:-1], between, *other.line_ends[1:])
        return Gap((*self.comments, *other.comments), line_ends)


NOTHING = Gap((), (0,))


def read_gap(text: str) -> Gap:
    """The gap that `text`, white space and comments only, makes."""
    comments: list[str] = []
    line_ends: list[int] = []
    position = 0
    for match in _COMMENT.finditer(text):
        comments.append(match[0].replace("\r\n", "\n").rstrip())
        line_ends.append(text.count("\n", position, match.start()))
        position = match.end()
    line_ends.append(text.count("\n", position))
    return Gap(tuple(comments), tuple(line_ends))


def ends_line(comment: str) -> bool:
    """Whether nothing may follow on the line of the comment: it runs to the end of the line, or over several."""
    return comment.startswith("//") or "\n" in comment
