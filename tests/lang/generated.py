"""Random programs that the grammar accepts, drawn from its own rules: every form of the language, also of forms added later.

`programs()` is a hypothesis strategy of texts with white space and comments sprinkled between the lexemes. They parse; whether they
mean anything is the checker's business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from hypothesis import strategies as st
from lark import Lark

from qemppl.lang.syntax.grammar import grammar_file

NAMES = ("a", "y", "mu", "theta_1", "school", "K", "T", "quantities", "normal", "sum", "_x", "upper", "e1", "prev")
SPELLINGS = {
    "NAME": NAMES,
    "INTEGER": ("0", "1", "2", "007", "123456789012345678901234567890"),
    "DECIMAL": ("1.", ".5", "2.50", "1e5", "2E-3", "1.5e+10"),
}
SPACES = (" ", "\n", "\t", "  \n\n\n  ", "\r\n")
COMMENTS = ("// a comment; { \n", "//\n", "/* b */", "/**/", "/* two\n   lines */", "/* // */", "// /* µ\n")
BRACKETS = frozenset("()[]{},;")
LONGEST = 120
"""Lexemes after which the generator takes the shortest way to the end."""


@dataclass(frozen=True)
class Rules:
    """The rules of the grammar: the ways to write each symbol, the shortest first."""

    ways: dict[str, list[list[str]]]
    spellings: dict[str, tuple[str, ...]]


@cache
def load_rules() -> Rules:
    lark = Lark(grammar_file("qem.lark").read_text(encoding="utf-8"), parser="lalr", maybe_placeholders=True)
    spellings = {t.name: (t.pattern.value,) for t in lark.terminals if t.pattern.type == "str"} | SPELLINGS
    ways: dict[str, list[list[str]]] = defaultdict(list)
    for rule in lark.rules:
        symbols = [str(symbol.name) for symbol in rule.expansion]
        if "ERROR" not in symbols:
            ways[str(rule.origin.name)].append(symbols)
    depth = dict.fromkeys(spellings, 0)
    while ways.keys() - depth.keys():
        for name, expansions in ways.items():
            depths = [1 + max((depth[s] for s in e), default=0) for e in expansions if set(e) <= depth.keys()]
            if depths and name not in depth:
                depth[name] = min(depths)
    for expansions in ways.values():
        expansions.sort(key=lambda symbols: (max((depth[s] for s in symbols), default=0), len(symbols)))
    return Rules(dict(ways), spellings)


def derive(choose: Callable[[int], int], start: str = "start") -> list[str]:
    """The lexemes of a random text; `choose(n)` picks a number below n."""
    rules = load_rules()
    lexemes: list[str] = []
    pending = [start]
    while pending:
        symbol = pending.pop()
        if symbol in rules.spellings:
            spellings = rules.spellings[symbol]
            lexemes.append(spellings[choose(len(spellings)) if len(spellings) > 1 else 0])
            continue
        ways = rules.ways[symbol]
        is_long = len(lexemes) + len(pending) > LONGEST
        way = ways[0 if is_long or len(ways) == 1 else choose(len(ways))]
        pending.extend(reversed(way))
    return lexemes


def sprinkle(lexemes: list[str], choose: Callable[[int], int]) -> str:
    """The lexemes with white space and comments between them."""
    text = ""
    for left, right in zip(["{", *lexemes], [*lexemes, ";"], strict=True):
        trivia = ""
        for _ in range((0, 1, 1, 1, 1, 2, 3)[choose(7)]):
            trivia += (*SPACES, *COMMENTS)[choose(len(SPACES) + len(COMMENTS))]
        may_touch = {left[-1], right[0]} & BRACKETS
        if not trivia[:1].isspace() and (trivia or not may_touch):
            trivia = " " + trivia
        text += trivia + right
    return text.removesuffix(";")


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A program that parses."""

    def choose(below: int) -> int:
        return draw(st.integers(0, below - 1))

    return sprinkle(derive(choose), choose)


@st.composite
def seeded_programs(draw: st.DrawFn) -> str:
    """The same, drawn from one seed: many times as fast, but hypothesis cannot make a failure smaller."""
    generator = draw(st.randoms(use_true_random=True))
    return sprinkle(derive(generator.randrange), generator.randrange)
