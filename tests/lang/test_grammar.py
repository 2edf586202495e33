from __future__ import annotations

import logging

import pytest
from lark import Lark

from qemppl.lang.syntax.grammar import SOFT_WORDS, grammar_file, load_grammar
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


def test_operators_of_other_languages_are_read_as_operators_of_this_one() -> None:
    meant = load_syntax_errors()["foreign_operator"]["meant"]
    spellings = set(load_grammar().spellings.values())
    assert {operator for operator, _ in meant.values()} <= spellings
    assert not meant.keys() & spellings


def test_types_and_statements_of_other_languages_are_no_words_of_this_one() -> None:
    errors = load_syntax_errors()
    foreign = errors["unknown_type"]["types"].keys() | errors["statement"]["words"].keys()
    assert foreign
    assert not foreign & load_grammar().words.keys()


def test_soft_words_are_terminals_of_their_own() -> None:
    grammar = load_grammar()
    for text, (terminal, after, before) in SOFT_WORDS.items():
        assert grammar.spellings[terminal] == text
        assert text not in grammar.words
        assert {after, before} - {None} <= terminals()


def test_recovery_knows_terminals_only() -> None:
    assert terminals() >= BLOCK_STARTERS | STATEMENT_STARTERS
