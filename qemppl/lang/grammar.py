"""The grammar as a parse table: read from `grammar/`, built once per process at its first use."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from lark import Lark
from lark.grammar import Rule
from lark.parsers.lalr_analysis import Shift

from qemppl.diagnostics.source import Source, Span
from qemppl.lang.build import Builder
from qemppl.lang.lexeme import END, Lexeme

Action = tuple[Any, Any]
"""What the automaton does on a symbol: (Shift, next state) or (Reduce, rule)."""


def _folder() -> Traversable:
    """`grammar/` inside the installed package, or beside it in a source tree."""
    packaged = resources.files("qemppl").joinpath("grammar")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "grammar"


class _KeepTerminals:
    """Keeps the terminals that no rule takes in the lexer: they exist to be explained."""

    def __init__(self, terminals: tuple[str, ...]) -> None:
        self.always_accept = terminals

    def process(self, stream: Iterator[Any]) -> Iterator[Any]:
        return stream


@dataclass(frozen=True)
class Grammar:
    """The lexer and the LALR automaton.

    `states` maps a state and a symbol to an action; `callbacks` maps a rule to the function that builds its node.
    """

    lark: Lark
    states: dict[Any, dict[str, Action]]
    callbacks: dict[Rule, Callable[[list[Any]], Any]]
    start_state: Any
    end_state: Any

    @cached_property
    def keywords(self) -> dict[str, str]:
        """Reserved words, by terminal."""
        return {t.name: t.pattern.value for t in self.lark.terminals if re.fullmatch("[a-z_]+", t.pattern.value)}

    @cached_property
    def spellings(self) -> dict[str, str]:
        """How fixed words and signs are written, by terminal."""
        return {t.name: t.pattern.value for t in self.lark.terminals if t.pattern.type == "str"}

    def lexemes(self, source: Source) -> Iterator[Lexeme]:
        """The words and signs of a text, without comments and white space; the last one is END."""
        for token in self.lark.lex(source.text):
            start = token.start_pos or 0
            yield Lexeme(token.type, str(token), Span(source, start, start + len(token)))
        end = len(source.text)
        yield Lexeme(END, "", Span(source, end, end))

    @staticmethod
    def shifts(action: Action) -> bool:
        return action[0] is Shift


@cache
def load_grammar() -> Grammar:
    """The grammar of the language."""
    text = _folder().joinpath("qem.lark").read_text(encoding="utf-8")
    unruled = text.split("// Read, so that they can be explained", 1)[1].split("COMMENT", 1)[0]
    keep = tuple(re.findall(r"^([A-Z_]+)(?:\.-?\d+)?:", unruled, re.MULTILINE))
    lark = Lark(
        text,
        parser="lalr",
        lexer="basic",
        keep_all_tokens=True,
        maybe_placeholders=True,
        transformer=Builder(),
        postlex=_KeepTerminals(keep),
    )
    configuration = lark.parse_interactive("").parser_state.parse_conf
    return Grammar(
        lark,
        configuration.states,
        configuration.callbacks,  # type: ignore[arg-type]
        configuration.start_state,
        configuration.end_state,
    )


@cache
def load_syntax_errors() -> dict[str, dict[str, Any]]:
    """The table of syntax errors (code, message, hint, malformed examples), by key."""
    return tomllib.loads(_folder().joinpath("syntax_errors.toml").read_text(encoding="utf-8"))
