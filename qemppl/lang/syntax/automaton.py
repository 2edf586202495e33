"""The LALR automaton over lexemes: shifts, reduces, and answers what it would accept. Knows nothing of recovery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from qemppl.lang.syntax.grammar import NESTING, SIGNS, Grammar, Reduction
from qemppl.lang.syntax.lexeme import END, Lexeme

MAX_NESTING = 200
"""How deep brackets, signs, exponents and conditionals may nest; a chain such as a long sum does not nest."""

_OPENERS = frozenset({"LPAR", "LSQB", "LBRACE"})
_CLOSERS = frozenset({"RPAR", "RSQB", "RBRACE"})


@dataclass
class Automaton:
    """A stack of states and the values recognised so far (lexemes, AST nodes, lists under construction)."""

    grammar: Grammar
    states: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    nesting: int = 0

    def __post_init__(self) -> None:
        self.states.append(self.grammar.start_state)

    def push(self, terminal: str, value: Any) -> bool:
        """Reduce as the terminal requires and shift it. False if it cannot stand here."""
        actions = self.grammar.actions
        while (action := actions[self.states[-1]].get(terminal)) is not None:
            if isinstance(action, int):
                self.nesting += self._nests(terminal)
                self.states.append(action)
                self.values.append(value)
                return True
            self._reduce(action)
            if terminal == END and self.states[-1] == self.grammar.end_state:
                return True
        return False

    def _reduce(self, rule: Reduction) -> None:
        if rule.build is not None:  # most reductions only pass one value on
            begin = len(self.values) - rule.size
            parts = self.values[begin:]
            del self.values[begin:]
            self.values.append(rule.build(parts))
            self.nesting -= rule.levels
        del self.states[len(self.states) - rule.size :]
        self.states.append(self.grammar.goto[self.states[-1]][rule.symbol])

    def _nests(self, terminal: str) -> bool:
        is_prefix = terminal in SIGNS and isinstance(self.values[-1], Lexeme)
        return is_prefix or terminal in NESTING

    def accepts(self, terminal: str) -> bool:
        """Whether the terminal could stand here; changes nothing."""
        actions, goto = self.grammar.actions, self.grammar.goto
        stack = list(self.states)
        while (action := actions[stack[-1]].get(terminal)) is not None:
            if isinstance(action, int):
                return True
            del stack[len(stack) - action.size :]
            stack.append(goto[stack[-1]][action.symbol])
            if terminal == END and stack[-1] == self.grammar.end_state:
                return True
        return False

    def expected(self) -> list[str]:
        """The terminals that could stand here."""
        return [terminal for terminal in self.grammar.actions[self.states[-1]] if self.accepts(terminal)]

    def openers(self) -> Iterator[Lexeme]:
        """The brackets that are open, innermost first."""
        closed = 0
        for value in reversed(self.values):
            if isinstance(value, Lexeme) and value.type in _CLOSERS:
                closed += 1  # complete, but not yet reduced
            elif isinstance(value, Lexeme) and value.type in _OPENERS:
                if closed == 0:
                    yield value
                closed = max(closed - 1, 0)

    def unwind(self) -> Any:
        """Drop the statement that is under way; returns its first value (None if nothing was)."""
        first = None
        while "ERROR" not in self.grammar.actions[self.states[-1]]:
            self.states.pop()
            first = self.values.pop()
        # Only the nesting of blocks remains.
        self.nesting = sum(1 for _ in self.openers())
        return first
