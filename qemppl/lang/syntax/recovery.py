"""Where to go on after a statement that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from qemppl.lang.syntax.lexeme import END, Lexeme

BLOCK_STARTERS = frozenset({"DATA", "MODEL", "TRANSFORMED", "GENERATED", "PARAMETERS", "FUNCTIONS"})
TWO_WORDS = frozenset({"TRANSFORMED", "GENERATED"})
"""Blocks whose names have two words."""
STATEMENT_STARTERS = frozenset(
    {"INT", "REAL", "VECTOR", "PLATE", "DIM", "JOINT", "CHAIN", "MISSING", "SAMPLED", "SIMPLEX", "ORDERED"}
    | {"POSITIVE_ORDERED", "MATRIX", "ARRAY", "CORR_MATRIX", "CHOLESKY_FACTOR_CORR"}
    | {"FOR", "WHILE", "IF", "TARGET", "RETURN"}
)

_AFTER_BRACE = frozenset({"ELSE", "SEMICOLON", "RPAR", "RSQB", "COMMA"})
"""What stands behind a `}` that ends no statement."""


def starts_line(lexemes: Sequence[Lexeme], position: int) -> bool:
    """Whether a lexeme is the first on its line."""
    if position == 0:
        return True
    return lexemes[position - 1].span.line < lexemes[position].span.line


def skip_end(lexemes: Sequence[Lexeme], start: int, *, at_top: bool) -> int:
    """The position after the statement around `start`: behind its `;` or its own `{ ... }`, before the `}` of what surrounds it.

    Outside of every block (`at_top`) one stray statement is rarely alone: everything up to the next block is skipped.
    """
    is_stray = at_top and lexemes[start].type not in BLOCK_STARTERS
    header = start + (lexemes[start].type in TWO_WORDS)
    depth = 0
    position = start
    while lexemes[position].type != END:
        kind = lexemes[position].type
        if depth == 0 and position > header and _resumes(lexemes, position, at_top=at_top):
            return position
        if kind == "RBRACE" and depth == 0:
            if not at_top:
                return position
        else:
            depth += (kind == "LBRACE") - (kind == "RBRACE")
        position += 1
        is_complete = depth == 0 and kind in {"RBRACE", "SEMICOLON"} and not is_stray
        goes_on = lexemes[position].type in (_AFTER_BRACE if kind == "RBRACE" else {"ELSE"})
        if is_complete and not goes_on:
            return position
    return position


def _resumes(lexemes: Sequence[Lexeme], position: int, *, at_top: bool) -> bool:
    """Whether something readable starts here, although no `;` came before."""
    kind = lexemes[position].type
    if at_top:
        opens = lexemes[min(position + 1, len(lexemes) - 1)].type == "LBRACE"
        return kind in BLOCK_STARTERS and (opens or starts_line(lexemes, position))
    return kind in BLOCK_STARTERS | STATEMENT_STARTERS and starts_line(lexemes, position)
