"""The TextMate grammar of the editors, made from the tables of the language, and a small interpreter of such grammars."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from qemppl.distributions.registry import LAWS
from qemppl.ir.functions import CALLABLE
from qemppl.lang.highlight import BLOCKS, CHAIN_FUNCTIONS, REFUSED, TYPES
from qemppl.lang.syntax.grammar import SOFT_WORDS, load_grammar

SCOPES = {
    "keyword.control.block.qem": "Token.Keyword.Namespace",
    "storage.type.qem": "Token.Keyword.Type",
    "keyword.other.qem": "Token.Keyword",
    "keyword.other.refused.qem": "Token.Keyword.Reserved",
    "support.class.law.qem": "Token.Name.Class",
    "support.function.qem": "Token.Name.Builtin",
    "entity.name.function.qem": "Token.Name.Function",
    "variable.other.qem": "Token.Name.Variable",
    "constant.numeric.qem": "Token.Literal.Number",
    "keyword.operator.qem": "Token.Operator",
    "punctuation.qem": "Token.Punctuation",
    "comment.line.qem": "Token.Comment.Single",
    "comment.block.qem": "Token.Comment.Multiline",
    "string.quoted.qem": "Token.Literal.String",
}
"""Each scope, and the class of the Pygments lexer that it goes with."""


def _words(words: Iterable[str]) -> str:
    return rf"\b(?:{'|'.join(sorted(words))})\b"


def grammar_text() -> str:
    """The text of editors/qem.tmLanguage.json."""
    hard = load_grammar().words.keys() - SOFT_WORDS.keys()
    soft = {"captures": {"1": {"name": "keyword.control.block.qem"}, "2": {"name": "keyword.control.block.qem"}}}
    patterns: list[dict[str, Any]] = [
        {"name": "comment.line.qem", "match": "//.*$"},
        {"name": "comment.block.qem", "begin": r"/\*", "end": r"\*/"},
        {"name": "string.quoted.qem", "match": '"[^"]*"'},
        {"match": r"\b(generated)\s+(quantities)\b"} | soft,
        {"match": r"(?<=\))\s*(T)(?=\s*\[)", "captures": {"1": {"name": "keyword.other.qem"}}},
        {"name": "keyword.control.block.qem", "match": _words(BLOCKS & hard)},
        {"name": "storage.type.qem", "match": _words(TYPES)},
        {"name": "keyword.other.refused.qem", "match": _words(REFUSED)},
        {"name": "keyword.other.qem", "match": _words(hard - BLOCKS - TYPES - REFUSED)},
        {"name": "support.class.law.qem", "match": _words(LAWS) + r"(?=\s*\()"},
        {"name": "support.function.qem", "match": _words(CALLABLE.keys() | CHAIN_FUNCTIONS) + r"(?=\s*\()"},
        {"name": "entity.name.function.qem", "match": r"\b[A-Za-z_]\w*\b(?=\s*\()"},
        {"name": "variable.other.qem", "match": r"\b[A-Za-z_]\w*\b"},
        {"name": "constant.numeric.qem", "match": r"(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?"},
        {"name": "keyword.operator.qem", "match": r"\|\||&&|[=!<>]=|\.[*/]|[-+*/%^'~=<>!?:]"},
        {"name": "punctuation.qem", "match": r"[()\[\]{},;]"},
    ]
    grammar = {"name": "QEM", "scopeName": "source.qem", "fileTypes": ["qem"], "patterns": patterns}
    return json.dumps(grammar, indent=2) + "\n"


def scopes(grammar: dict[str, Any], text: str) -> Iterator[tuple[int, str, str]]:
    """Offset, scope and text of what a TextMate grammar of plain patterns matches, line by line as editors do."""
    end: re.Pattern[str] | None = None
    name, start, offset = "", 0, 0
    for line in text.splitlines(keepends=True):
        position = 0
        while position < len(line):
            if end is not None:
                match = end.search(line, position)
                position = len(line) if match is None else match.end()
                if match is not None:
                    yield start, name, text[start : offset + position]
                    end = None
                continue
            found = [(m.start(), i, m) for i, p in enumerate(grammar["patterns"]) if (m := _search(p, line, position))]
            if not found:
                break
            _, index, match = min(found, key=lambda candidate: candidate[:2])
            pattern = grammar["patterns"][index]
            position = match.end()
            if "begin" in pattern:
                end, name, start = re.compile(pattern["end"]), pattern["name"], offset + match.start()
            elif "captures" in pattern:
                for group, capture in pattern["captures"].items():
                    yield offset + match.start(int(group)), capture["name"], match[int(group)]
            else:
                yield offset + match.start(), pattern["name"], match[0]
        offset += len(line)


def _search(pattern: dict[str, Any], line: str, position: int) -> re.Match[str] | None:
    return re.compile(pattern.get("match") or pattern["begin"]).search(line, position)
