"""The generator of programs reaches every form, and what it makes parses."""

from __future__ import annotations

import random

from hypothesis import given, settings

from qemppl.diagnostics.source import Source
from qemppl.lang.syntax.grammar import load_grammar
from qemppl.lang.syntax.parse import parse
from tests.lang.generated import derive, programs, seeded_programs


@settings(max_examples=60, deadline=None)
@given(programs())
def test_generated_programs_parse(text: str) -> None:
    assert parse(Source("m", text)).diagnostics == ()


@settings(max_examples=200, deadline=None)
@given(seeded_programs())
def test_seeded_programs_parse(text: str) -> None:
    assert parse(Source("m", text)).diagnostics == ()


def test_every_word_and_sign_is_reached() -> None:
    generator = random.Random(1)
    reached = {lexeme for _ in range(2000) for lexeme in derive(generator.randrange)}
    grammar = load_grammar()
    refused = {"for", "while", "if", "else", "return", "target", "functions", "parameters"}
    assert grammar.words.keys() - refused <= reached
    assert set(grammar.spellings.values()) - refused - {"|", "+=", "/*"} <= reached
