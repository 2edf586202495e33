"""Highlighting by Pygments: in Sphinx, in Jupyter, on the command line.

The lexer is the one of the parser, so a word has here the class that it has there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pygments.lexer import Lexer
from pygments.token import (
    Comment,
    Error,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from qemppl.diagnostics.source import Source
from qemppl.distributions.registry import LAWS
from qemppl.ir.functions import CALLABLE
from qemppl.lang.syntax.grammar import SOFT_WORDS, load_grammar
from qemppl.lang.syntax.lexeme import Lexeme

BLOCKS = frozenset({"data", "transformed", "model", "generated", "quantities"})
TYPES = frozenset(
    {"int", "real", "array", "vector", "simplex", "ordered", "positive_ordered", "matrix"}
    | {"corr_matrix", "cholesky_factor_corr"}
)
REFUSED = frozenset({"for", "while", "if", "else", "return", "target", "functions", "parameters"})
"""Words that the parser reads only to explain what to write instead."""
CHAIN_FUNCTIONS = frozenset({"prev", "lag"})
_PUNCTUATION = frozenset("()[]{},;")
_BY_TERMINAL: Mapping[str, _TokenType] = {
    "INTEGER": Number.Integer,
    "DECIMAL": Number.Float,
    "STRING": String,
    "HASH": Comment.Single,
    "UNTERMINATED": Error,
    "UNKNOWN": Error,
}
_GAP = re.compile(r"(?P<line>//[^\n]*)|(?P<block>/\*[\s\S]*?\*/)|(?P<space>\s+)")
_BY_GAP: Mapping[str, _TokenType] = {"line": Comment.Single, "block": Comment.Multiline, "space": Whitespace}


def keyword_class(word: str) -> _TokenType:
    """The class of a keyword."""
    if word in BLOCKS:
        return Keyword.Namespace
    if word in TYPES:
        return Keyword.Type
    return Keyword.Reserved if word in REFUSED else Keyword


def called_class(name: str) -> _TokenType:
    """The class of a name in front of `(`."""
    if name in LAWS:
        return Name.Class
    return Name.Builtin if name in CALLABLE or name in CHAIN_FUNCTIONS else Name.Function


def lexeme_class(lexeme: Lexeme, after: str) -> _TokenType:
    """The class of a lexeme that stands before the terminal `after`."""
    if lexeme.type in _BY_TERMINAL:
        return _BY_TERMINAL[lexeme.type]
    if lexeme.type == "NAME":
        return called_class(lexeme.text) if after == "LPAR" else Name.Variable
    if lexeme.text.isidentifier():
        return keyword_class(lexeme.text)
    return Punctuation if lexeme.text in _PUNCTUATION else Operator


def keywords() -> frozenset[str]:
    """The words of the grammar."""
    return frozenset(load_grammar().words) | SOFT_WORDS.keys()


class QemLexer(Lexer):  # type: ignore[misc] # pygments is not typed
    """Pygments lexer of `.qem` models."""

    name = "QEM"
    aliases = ["qem"]  # noqa: RUF012 (Pygments declares lists)
    filenames = ["*.qem"]  # noqa: RUF012
    mimetypes = ["text/x-qem"]  # noqa: RUF012

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        """Offset, class and text of each piece; the pieces are the whole text."""
        lexemes = load_grammar().lexemes(Source("<text>", text))
        end = 0
        for lexeme, after in zip(lexemes, [*lexemes[1:], lexemes[-1]], strict=True):
            for match in _GAP.finditer(text, end, lexeme.span.start):
                yield match.start(), _BY_GAP[str(match.lastgroup)], match[0]
            if lexeme.text:
                yield lexeme.span.start, lexeme_class(lexeme, after.type), lexeme.text
            end = lexeme.span.end
