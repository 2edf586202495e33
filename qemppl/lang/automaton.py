"""The LALR automaton over lexemes: shifts, reduces, and answers what it would accept. Knows nothing of recovery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from qemppl.lang.grammar import Grammar
from qemppl.lang.lexeme import END, Lexeme

MAX_NESTING = 200
"""How deep brackets, signs, exponents and conditionals may nest; a chain such as a long sum does not nest."""

_OPENERS = frozenset({"LPAR", "LSQB", "LBRACE"})
_CLOSERS = frozenset({"RPAR", "RSQB", "RBRACE"})
_NESTING = _OPENERS | {"CIRCUMFLEX", "QMARK", "BANG"}
_SIGNS = frozenset({"PLUS", "MINUS"})


@dataclass
class Automaton:
    """A stack of states and the values recognised so far (lexemes, AST nodes, lists under construction)."""

    grammar: Grammar
    states: list[Any] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    nesting: int = 0

    def __post_init__(self) -> None:
        self.states.append(self.grammar.start_state)

    def push(self, terminal: str, value: Any) -> bool:
        """Reduce as the terminal requires and shift it. False if it cannot stand here."""
        table = self.grammar.states
        while (action := table[self.states[-1]].get(terminal)) is not None:
            if self.grammar.shifts(action):
                self.nesting += self._nests(terminal)
                self.states.append(action[1])
                self.values.append(value)
                return True
            self._reduce(action[1])
            if terminal == END and self.states[-1] == self.grammar.end_state:
                return True
        return False

    def _reduce(self, rule: Any) -> None:
        size = len(rule.expansion)
        parts = self.values[len(self.values) - size :]
        del self.values[len(self.values) - size :], self.states[len(self.states) - size :]
        if size > 1:  # most reductions only pass one value on
            self.nesting -= sum(symbol.name in _NESTING for symbol in rule.expansion)
            self.nesting -= rule.alias == "unary" and rule.expansion[0].name in _SIGNS
        self.values.append(self.grammar.callbacks[rule](parts))
        self.states.append(self.grammar.states[self.states[-1]][rule.origin.name][1])

    def _nests(self, terminal: str) -> bool:
        is_prefix = terminal in _SIGNS and isinstance(self.values[-1], Lexeme)
        return is_prefix or terminal in _NESTING

    def accepts(self, terminal: str) -> bool:
        """Whether the terminal could stand here; changes nothing."""
        table = self.grammar.states
        stack = list(self.states)
        while (action := table[stack[-1]].get(terminal)) is not None:
            if self.grammar.shifts(action):
                return True
            rule = action[1]
            del stack[len(stack) - len(rule.expansion) :]
            stack.append(table[stack[-1]][rule.origin.name][1])
            if terminal == END and stack[-1] == self.grammar.end_state:
                return True
        return False

    def expected(self) -> list[str]:
        """The terminals that could stand here."""
        return [t for t in self.grammar.states[self.states[-1]] if t.isupper() and self.accepts(t)]

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
        while "ERROR" not in self.grammar.states[self.states[-1]]:
            self.states.pop()
            first = self.values.pop()
        # Only the nesting of blocks remains.
        self.nesting = sum(1 for _ in self.openers())
        return first
