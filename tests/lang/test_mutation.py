"""Good programs with one token taken away (each), exchanged or put in (a sample): what comes out is a diagnosis and no exception."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from qemppl.diagnostics.diagnostic import Diagnostic
from qemppl.diagnostics.render import render
from qemppl.diagnostics.source import Source
from qemppl.lang.frontend import compile_text
from qemppl.lang.syntax.grammar import load_grammar
from qemppl.lang.syntax.parse import parse
from tests.lang.programs import GOOD
from tests.lang.thirteen import THIRTEEN

PROGRAMS = THIRTEEN | {path.stem: path.read_text(encoding="utf-8") for path in GOOD}
FOREIGN = ("for", "if", "target", "T", "**", "<-", "#", "2x", '"', "{", ")", ";", "over", "model", "data")
CHECKED = 5
"""Every this many mutants go through the checker too; all of them through the parser."""


def mutants(name: str, text: str) -> Iterator[str]:
    generator = random.Random(name)
    lexemes = load_grammar().lexemes(Source(name, text))[:-1]
    pool = [*(lexeme.text for lexeme in lexemes), *FOREIGN]
    for lexeme in lexemes:
        before, after = text[: lexeme.span.start], text[lexeme.span.end :]
        yield before + after
        other = generator.choice(pool)
        yield before + generator.choice((f" {other} ", f" {other} {lexeme.text}")) + after


def check_diagnosed(diagnostics: tuple[Diagnostic, ...], text: str) -> None:
    """Each has its place, says something of this text, and can be shown; there are few, since there is one mistake."""
    for diagnostic in diagnostics:
        assert diagnostic.span is not None
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        assert diagnostic.message
        assert "syntax error" not in diagnostic.message
    render(diagnostics)


@pytest.mark.parametrize("name", PROGRAMS)
def test_one_token_changed_is_diagnosed_by_the_parser(name: str) -> None:
    many = 0
    texts = list(mutants(name, PROGRAMS[name]))
    for text in texts:
        diagnostics = parse(Source("m.qem", text)).diagnostics
        check_diagnosed(diagnostics, text)
        assert all(diagnostic.is_error for diagnostic in diagnostics)
        assert len(diagnostics) <= 8, text
        many += len(diagnostics) > 2
    assert many <= 0.08 * len(texts)


@pytest.mark.parametrize("name", PROGRAMS)
def test_one_token_changed_is_diagnosed_by_the_checker(name: str) -> None:
    for text in list(mutants(name, PROGRAMS[name]))[::CHECKED]:
        checked = compile_text(Source("m.qem", text))
        assert (checked.model is None) == any(d.is_error for d in checked.diagnostics)
        check_diagnosed(checked.diagnostics, text)
        assert len(checked.diagnostics) <= 12, text


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_prefix_is_diagnosed(name: str) -> None:
    text = PROGRAMS[name]
    for lexeme in load_grammar().lexemes(Source(name, text)):
        diagnostics = parse(Source("m.qem", text[: lexeme.span.start])).diagnostics
        assert len(diagnostics) <= 2
