"""The grammar as tables: read from `grammar/qem.lark`, built once per process at its first use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from lark import Lark
from lark.grammar import Rule
from lark.parsers.lalr_analysis import Shift

from qemppl.diagnostics.source import Source, Span
from qemppl.lang.syntax.build_ast import AstBuilder
from qemppl.lang.syntax.lexeme import END, Lexeme

SIGNS = frozenset({"PLUS", "MINUS"})
"""These nest where they stand before an operand."""
SOFT_WORDS = {"quantities": ("QUANTITIES", "GENERATED", None), "T": ("TRUNCATION", "RPAR", "LSQB")}
"""Words that are names unless they stand between these terminals (None: any): `generated quantities`, `normal(0, 1) T[0, ]`."""
NESTING = frozenset({"LPAR", "LSQB", "LBRACE", "CIRCUMFLEX", "QMARK", "BANG"})
"""These always do."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """The last `size` values are a whole `symbol` of the grammar, whose node `build` makes (None: the one value stays).

    levels: of nesting that it ends.
    """

    symbol: str
    size: int
    build: Callable[[list[Any]], Any] | None
    levels: int


@dataclass(frozen=True)
class Grammar:
    """The lexer and the LALR automaton.

    words: the terminal of every reserved word. spellings: how words and signs are written, by terminal. pattern: matches the next
    terminal, whose name is that of its group. actions: by state and terminal, the state to shift to, or a reduction. goto: by state
    and symbol, the state after a reduction.
    """

    words: Mapping[str, str]
    spellings: Mapping[str, str]
    pattern: re.Pattern[str]
    ignored: frozenset[str]
    actions: Mapping[int, Mapping[str, int | Reduction]]
    goto: Mapping[int, Mapping[str, int]]
    start_state: int
    end_state: int

    def lexemes(self, source: Source) -> list[Lexeme]:
        """The words and signs of a text, without comments and white space; the last one is END."""
        lexemes: list[Lexeme] = []
        for match in self.pattern.finditer(source.text):
            terminal = match.lastgroup
            if terminal is not None and terminal not in self.ignored:
                text = match[0]
                span = Span(source, match.start(), match.end())
                lexemes.append(Lexeme(self.words.get(text, terminal), text, span))
        end = len(source.text)
        lexemes.append(Lexeme(END, "", Span(source, end, end)))
        for position, lexeme in enumerate(lexemes):
            if lexeme.text in SOFT_WORDS:
                word, after, before = SOFT_WORDS[lexeme.text]
                follows = position > 0 and lexemes[position - 1].type == after
                if follows and before in {None, lexemes[position + 1].type}:
                    lexemes[position] = Lexeme(word, lexeme.text, lexeme.span)
        return lexemes


def grammar_file(name: str) -> Traversable:
    """A file of `grammar/`, which stands inside the installed package, or beside it in a source tree."""
    packaged = resources.files("qemppl").joinpath("grammar")
    folder = packaged if packaged.is_dir() else Path(__file__).parents[3] / "grammar"
    return folder.joinpath(name)


@cache
def load_grammar() -> Grammar:
    """The grammar of the language."""
    text = grammar_file("qem.lark").read_text(encoding="utf-8")
    lark = Lark(
        text,
        parser="lalr",
        lexer="basic",
        start=["start", "explained"],
        keep_all_tokens=True,
        maybe_placeholders=True,
        transformer=AstBuilder(),
    )
    table: Any = lark.parse_interactive("", "start").parser_state.parse_conf
    spellings = {str(t.name): t.pattern.value for t in lark.terminals if t.pattern.type == "str"}
    words = {s: t for t, s in spellings.items() if s.isidentifier() and s not in SOFT_WORDS}
    actions: dict[int, dict[str, int | Reduction]] = {}
    goto: dict[int, dict[str, int]] = {}
    for state, row in table.states.items():
        actions[state], goto[state] = {}, {}
        for symbol, (action, target) in row.items():
            if action is not Shift:
                actions[state][str(symbol)] = _reduction(target, table.callbacks[target])
            elif symbol.isupper():
                actions[state][str(symbol)] = target
            else:
                goto[state][str(symbol)] = target
    return Grammar(
        words,
        spellings,
        _pattern(lark, words),
        frozenset(lark.ignore_tokens),
        actions,
        goto,
        table.start_state,
        table.end_state,
    )


def _reduction(rule: Rule, build: Callable[[list[Any]], Any]) -> Reduction:
    symbols = [str(symbol.name) for symbol in rule.expansion]
    passes_on = len(symbols) == 1 and rule.options.expand1 and not rule.alias
    signs = rule.alias == "unary" and symbols[0] in SIGNS
    return Reduction(
        str(rule.origin.name), len(symbols), None if passes_on else build, sum(s in NESTING for s in symbols) + signs
    )


def _pattern(lark: Lark, words: Mapping[str, str]) -> re.Pattern[str]:
    """One pattern for all terminals, those that go first in front; a word is matched as a name."""
    lexer: Any = lark.parser.lexer
    signs = [t for t in lexer.terminals if t.pattern.value not in words and t.pattern.value not in SOFT_WORDS]
    return re.compile("|".join(f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in signs))
