"""Good programs with one token taken away, put in or exchanged: what comes out is a diagnosis and never an exception."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from qemppl.diagnostics.render import render
from qemppl.diagnostics.source import Source
from qemppl.lang.frontend import compile_text, read_source
from qemppl.lang.syntax.grammar import load_grammar
from tests.lang.programs import GOOD


def mutants(source: Source) -> list[str]:
    generator = random.Random(source.name.rsplit("/", 1)[-1])
    lexemes = list(load_grammar().lexemes(source))[:-1]
    texts = []
    for lexeme in lexemes:
        before, after = source.text[: lexeme.span.start], source.text[lexeme.span.end :]
        other = generator.choice([lexeme, *lexemes]).text
        texts.append(before + after)
        texts.append(f"{before} {other} {generator.choice((lexeme.text, ''))} {after}")
    return texts


@pytest.mark.parametrize("path", GOOD, ids=lambda p: p.stem)
def test_one_token_changed_is_diagnosed(path: Path) -> None:
    source = read_source(path)
    for text in mutants(source):
        checked = compile_text(Source("m.qem", text))
        assert (checked.model is None) == any(d.is_error for d in checked.diagnostics)
        assert all(d.span is not None and d.span.text is not None for d in checked.diagnostics)
        assert len(checked.diagnostics) <= 12, text
        render(checked.diagnostics)


@pytest.mark.parametrize("path", GOOD, ids=lambda p: p.stem)
def test_every_prefix_is_diagnosed(path: Path) -> None:
    source = read_source(path)
    for lexeme in load_grammar().lexemes(source):
        checked = compile_text(Source("m.qem", source.text[: lexeme.span.start]))
        assert sum(d.is_error for d in checked.diagnostics) <= 4
