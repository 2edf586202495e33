"""The parser at a lexeme that it cannot take, and what an explanation of that says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from qemppl.diagnostics.diagnostic import Diagnostic
from qemppl.diagnostics.source import Span
from qemppl.lang.syntax.automaton import Automaton
from qemppl.lang.syntax.lexeme import END, Lexeme
from qemppl.lang.syntax.recovery import BLOCK_STARTERS, STATEMENT_STARTERS, skip_end, starts_line

STATEMENT_BORDERS = frozenset({"SEMICOLON", "LBRACE", "RBRACE"})
_AFTER_A_STARTER = frozenset({"NAME", "LESSTHAN", "LSQB", "LPAR", "LBRACE", "PLUS_ASSIGN"}) | STATEMENT_STARTERS


@dataclass(frozen=True)
class Insert:
    """Go on as if this terminal stood before the unexpected one."""

    terminal: str


@dataclass(frozen=True)
class Drop:
    """Go on without the unexpected lexeme."""


@dataclass(frozen=True)
class ReadAs:
    """Go on as if the unexpected lexeme were this terminal, such as a keyword that is used as a name."""

    terminal: str


@dataclass(frozen=True)
class Finding:
    """A syntax error and how to go on; `repair` None: skip the statement."""

    diagnostic: Diagnostic
    repair: Insert | Drop | ReadAs | None = None


@dataclass(frozen=True)
class Situation:
    """The automaton at a lexeme that it cannot take."""

    automaton: Automaton
    lexemes: Sequence[Lexeme]
    position: int

    @property
    def current(self) -> Lexeme:
        return self.lexemes[self.position]

    @property
    def before(self) -> Lexeme:
        return self.lexemes[max(self.position - 1, 0)]

    @property
    def after(self) -> Lexeme:
        return self.lexemes[min(self.position + 1, len(self.lexemes) - 1)]

    @property
    def opener(self) -> Lexeme | None:
        """The innermost open bracket."""
        return next(self.automaton.openers(), None)

    @property
    def is_at_statement_start(self) -> bool:
        return self.automaton.accepts("PLATE")

    @property
    def is_at_top(self) -> bool:
        """Whether no block is open."""
        return all(opener.type != "LBRACE" for opener in self.automaton.openers())

    @property
    def is_on_left_side(self) -> bool:
        """Whether the statement under way has a name, but neither `~` nor `=`."""
        return self.automaton.accepts("TILDE") and self.automaton.accepts("ASSIGN")

    @cached_property
    def begun(self) -> Sequence[Lexeme]:
        """The statement under way, up to the unexpected lexeme; it may follow one without a `;`."""
        begin = self.position
        while begin > 0 and self.lexemes[begin - 1].type not in STATEMENT_BORDERS:
            begin -= 1
            if begin < self.position and self._is_start(begin):
                break
        return self.lexemes[begin : self.position]

    def _is_start(self, position: int) -> bool:
        """Whether a lexeme that is the first on its line starts a statement, whatever stands before it."""
        word, after = self.lexemes[position], self.lexemes[position + 1].type
        is_left_side = word.type == "NAME" and after in {"TILDE", "ASSIGN", "LESSTHAN"}
        return (is_left_side or word.type in STATEMENT_STARTERS) and starts_line(self.lexemes, position)

    @cached_property
    def rest(self) -> Sequence[Lexeme]:
        """From the unexpected lexeme to the end of its statement."""
        return self.lexemes[self.position : skip_end(self.lexemes, self.position, at_top=self.is_at_top)]

    @property
    def touches(self) -> bool:
        """Whether the unexpected lexeme stands directly behind the one before."""
        return self.position > 0 and self.before.span.end == self.current.span.start

    def accepts(self, terminal: str) -> bool:
        return self.automaton.accepts(terminal)

    def previous_end(self) -> Span:
        """The last character before the unexpected lexeme and its white space."""
        span = self.before.span
        return Span(span.source, max(span.end - 1, 0), span.end)

    @property
    def starts_line(self) -> bool:
        return starts_line(self.lexemes, self.position)

    @property
    def opens_block(self) -> bool:
        """Whether the unexpected lexeme looks like the name of a block."""
        follows = self.after.type in {"LBRACE", "DATA", "QUANTITIES", "PARAMETERS"}
        return self.current.type in BLOCK_STARTERS and (follows or self.starts_line)

    def begins_statement(self) -> bool:
        """Whether the unexpected lexeme looks like the start of a statement, or like the end of what holds it."""
        kind = self.current.type
        if kind in {"RBRACE", END} or self.opens_block:
            return True
        if kind in STATEMENT_STARTERS:
            return self.starts_line or self.after.type in _AFTER_A_STARTER
        return kind == "NAME" and (self.starts_line or self.after.type in {"TILDE", "ASSIGN"})
