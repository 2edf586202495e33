"""Lexemes: the words and signs of a text, with their spans."""

from __future__ import annotations

from dataclasses import dataclass

from qemppl.diagnostics.source import Span

END = "$END"
"""The terminal that stands for the end of the text."""


@dataclass(frozen=True, eq=False, slots=True)
class Lexeme:
    """A terminal of the grammar (`type`), the text it stands for, and where."""

    type: str
    text: str
    span: Span
