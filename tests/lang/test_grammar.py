from __future__ import annotations

import logging

import pytest
from lark import Lark

from qemppl.lang.syntax.grammar import grammar_file, load_grammar
from qemppl.lang.syntax.recovery import BLOCK_STARTERS, STATEMENT_STARTERS
from qemppl.lang.syntax.syntax_errors import load_syntax_errors


def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    """lark resolves a shift/reduce conflict by itself and only logs it; a reduce/reduce conflict it refuses."""
    text = grammar_file("qem.lark").read_text(encoding="utf-8")
    with caplog.at_level(logging.DEBUG, logger="lark"):
        Lark(text, parser="lalr", lexer="basic", start=["start", "explained"], debug=True)
    assert [r.getMessage() for r in caplog.records if "conflict" in r.getMessage().lower()] == []


def terminals() -> set[str]:
    grammar = load_grammar()
    return {*grammar.words.values(), *grammar.pattern.groupindex}


def test_tokens_of_syntax_errors_are_terminals() -> None:
    named = [terminal for entry in load_syntax_errors().values() for terminal in entry.get("tokens", ())]
    assert set(named) <= terminals() | {"TRUNCATION"}
    assert len(named) == len(set(named))


def test_recovery_knows_terminals_only() -> None:
    assert terminals() >= BLOCK_STARTERS | STATEMENT_STARTERS
