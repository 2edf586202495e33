"""Parsing with recovery: one run reports every syntax error and returns what could be read.

An error is explained (mistakes.py), which also says how to go on: insert a missing sign, drop one, read a keyword as a name, or
skip the statement. A skipped statement becomes `ast.Skipped`, with the names in it, so that later stages conclude nothing about those.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

from qemppl.diagnostics.diagnostic import Diagnostic
from qemppl.diagnostics.source import Source, Span
from qemppl.lang.syntax import ast
from qemppl.lang.syntax.automaton import MAX_NESTING, Automaton
from qemppl.lang.syntax.grammar import SOFT_WORDS, load_grammar
from qemppl.lang.syntax.lexeme import END, Lexeme
from qemppl.lang.syntax.lexer import lex
from qemppl.lang.syntax.mistakes import explain
from qemppl.lang.syntax.recovery import skip_end
from qemppl.lang.syntax.situation import STATEMENT_BORDERS, Drop, Insert, ReadAs, Situation
from qemppl.lang.syntax.syntax_errors import syntax_error

_MOST_REPAIRS = 20
"""In one statement: what has more mistakes is some other text, and is skipped."""


@dataclass(frozen=True)
class Parsed:
    """What could be read of a text, and its syntax errors."""

    program: ast.Program
    diagnostics: tuple[Diagnostic, ...]


def parse(source: Source) -> Parsed:
    """Parse a text. Never raises on any text."""
    grammar = load_grammar()
    lexed = lex(source, grammar)
    parser = _Parser(list(lexed.lexemes), Automaton(grammar), list(lexed.diagnostics))
    parser.end_is_explained = lexed.lost is not None
    blocks = parser.run()
    whole = Span(source, 0, len(source.text))
    if lexed.lost:
        blocks = (*blocks, ast.Skipped(lexed.lost, whole))
    return Parsed(ast.Program(blocks, whole), tuple(parser.diagnostics))


@dataclass
class _Parser:
    lexemes: list[Lexeme]
    automaton: Automaton
    diagnostics: list[Diagnostic]
    position: int = 0
    end_is_explained: bool = False
    repairs: int = 0  # of the statement under way
    explained: set[tuple[str, str, int]] = field(default_factory=set)
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.starts = [lexeme.span.start for lexeme in self.lexemes]

    def run(self) -> tuple[ast.Block, ...]:
        while True:
            lexeme = self.lexemes[self.position]
            if self.automaton.nesting > MAX_NESTING and lexeme.type != END:
                self._refuse_nesting()
            elif self.automaton.push(lexeme.type, lexeme):
                if lexeme.type == END:
                    blocks: tuple[ast.Block, ...] = self.automaton.values[-1]
                    return blocks
                self.position += 1
                self.repairs = 0 if lexeme.type in STATEMENT_BORDERS else self.repairs
            else:
                self._recover(lexeme)

    def _refuse_nesting(self) -> None:
        """Skip what is nested too deeply: the statement, or if blocks nest too deeply all the rest."""
        opener = self.lexemes[self.position - 1]
        self.diagnostics.append(syntax_error("nesting", opener.span, limit=str(MAX_NESTING)))
        blocks = sum(opener.type == "LBRACE" for opener in self.automaton.openers())
        if blocks > MAX_NESTING:
            self.end_is_explained = True
            self._skip(to_end=True)
        else:
            self._skip()

    def _recover(self, lexeme: Lexeme) -> None:
        if lexeme.type == END and self.end_is_explained:
            self._close()
            return
        if lexeme.text in SOFT_WORDS and lexeme.type != "NAME" and self.automaton.accepts("NAME"):
            self.lexemes[self.position] = Lexeme("NAME", lexeme.text, lexeme.span)
            return
        finding = explain(Situation(self.automaton, self.lexemes, self.position))
        self._report(finding.diagnostic, lexeme)
        self.repairs += 1
        match finding.repair if self.repairs <= _MOST_REPAIRS else None:
            case Insert(terminal):
                self._insert(terminal)
            case Drop():
                self.position += 1
            case ReadAs(terminal):
                text = self.automaton.grammar.spellings.get(terminal, lexeme.text)
                self.lexemes[self.position] = Lexeme(terminal, text, lexeme.span)
            case None:
                self._skip()

    def _insert(self, terminal: str) -> None:
        end = self.lexemes[max(self.position - 1, 0)].span.end
        span = Span(self.lexemes[self.position].span.source, end, end)
        spelling = self.automaton.grammar.spellings[terminal]
        inserted = self.automaton.push(terminal, Lexeme(terminal, spelling, span))
        assert inserted, "only what the parser accepts is inserted"
        self.repairs = 0 if terminal == "SEMICOLON" else self.repairs

    def _close(self) -> None:
        """End what is still open at the end of the text, without a word: that was reported before."""
        if self.automaton.accepts("RBRACE"):
            self._insert("RBRACE")
        else:
            self._skip()

    def _report(self, diagnostic: Diagnostic, lexeme: Lexeme) -> None:
        """Keep a diagnostic unless it repeats one, or is about an inserted sign; of mistakes at the end of the text one is enough."""
        assert diagnostic.span is not None
        keys = {(diagnostic.code, "found", lexeme.span.start), (diagnostic.code, "shown", diagnostic.span.start)}
        is_inserted = not diagnostic.span.text and lexeme.span.end > 0
        if not keys & self.explained and not is_inserted:
            self.diagnostics.append(diagnostic)
        self.explained |= keys
        if lexeme.type == END and diagnostic.code != "QEM101":
            self.end_is_explained = True

    def _skip(self, *, to_end: bool = False) -> None:
        """Give up the statement under way: skip to where the next one starts, and put `Skipped` in its place."""
        at_top = sum(opener.type == "LBRACE" for opener in self.automaton.openers()) == 0
        value: Any = self.automaton.unwind()
        begin = self.position if value is None else bisect_left(self.starts, value.span.start)
        end = len(self.lexemes) - 1 if to_end else skip_end(self.lexemes, self.position, at_top=at_top)
        lost = self.lexemes[begin : max(end, begin + 1)]
        names = frozenset(lexeme.text for lexeme in lost if lexeme.type == "NAME")
        skipped = ast.Skipped(names, lost[0].span.to(lost[-1].span))
        self.automaton.push("ERROR", skipped)
        self.repairs = 0
        if end == self.position and not self.automaton.accepts(self.lexemes[end].type) and not self._at_end():
            end += 1
        self.position = end

    def _at_end(self) -> bool:
        return self.lexemes[self.position].type == END
