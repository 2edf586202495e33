"""The two highlighters say of each word what the parser says, and know every keyword, law and function of the tables."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from pygments import highlight
from pygments.formatters import NullFormatter
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Error, Keyword, Name, Whitespace

from qemppl.diagnostics.source import Source
from qemppl.distributions.registry import LAWS
from qemppl.ir.functions import CALLABLE
from qemppl.lang.highlight import BLOCKS, REFUSED, TYPES, QemLexer, keywords
from qemppl.lang.syntax.grammar import load_grammar
from tests.conftest import Golden
from tests.lang.generated import seeded_programs
from tests.lang.programs import GOOD
from tests.lang.textmate import SCOPES, grammar_text, scopes
from tests.lang.thirteen import THIRTEEN

TEXTMATE = Path(__file__).parents[2] / "editors" / "qem.tmLanguage.json"
TEXTS = [*THIRTEEN.values(), *(path.read_text(encoding="utf-8") for path in GOOD)]


def classes(text: str) -> list[tuple[int, Any, str]]:
    return [token for token in QemLexer().get_tokens_unprocessed(text) if token[1] not in Whitespace]


def test_textmate_grammar_is_that_of_the_tables(golden: Golden) -> None:
    golden.check(grammar_text(), TEXTMATE)


def test_the_lexer_is_announced_to_pygments() -> None:
    project = tomllib.loads((TEXTMATE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pygments.lexers"] == {"qem": f"{QemLexer.__module__}:{QemLexer.__name__}"}
    assert (QemLexer.aliases, QemLexer.filenames) == (["qem"], ["*.qem"])


@pytest.mark.skipif(
    all(e.name != "qem" for e in entry_points(group="pygments.lexers")), reason="installed before the entry point was"
)
def test_pygments_finds_the_lexer_by_alias_and_file_name() -> None:
    assert isinstance(get_lexer_by_name("qem"), QemLexer)
    assert isinstance(get_lexer_for_filename("model.qem"), QemLexer)


def in_context(word: str) -> str:
    return {"T": "y ~ f(a) T[0, ]", "quantities": "generated quantities {"}.get(word, f"{word} x")


@pytest.mark.parametrize("word", sorted(keywords()))
def test_every_keyword_is_one_in_both(word: str) -> None:
    text = in_context(word)
    assert [kind for _, kind, found in classes(text) if found == word and kind in Keyword] != []
    found = [scope for _, scope, part in textmate(text) if part == word]
    assert [scope.split(".")[0] in {"keyword", "storage"} for scope in found] == [True]


def test_classes_of_keywords_are_words_of_the_grammar() -> None:
    assert keywords() >= BLOCKS | TYPES | REFUSED


def textmate(text: str) -> Iterator[tuple[int, str, str]]:
    return scopes(json.loads(TEXTMATE.read_text(encoding="utf-8")), text)


@pytest.mark.parametrize(
    ("names", "kind", "scope"),
    [(LAWS, Name.Class, "support.class.law.qem"), (CALLABLE, Name.Builtin, "support.function.qem")],
    ids=["laws", "functions"],
)
def test_every_law_and_function_has_its_class_where_it_is_called(names: dict[str, Any], kind: Any, scope: str) -> None:
    for name in names:
        text = f"{name}(1) + {name}"
        assert [k for _, k, found in classes(text) if found == name] == [kind, Name.Variable]
        assert [s for _, s, part in textmate(text) if part == name] == [scope, "variable.other.qem"]


@pytest.mark.parametrize("text", TEXTS)
def test_pygments_agrees_with_the_parser_lexeme_by_lexeme(text: str) -> None:
    lexemes = [(lexeme.span.start, lexeme.text) for lexeme in load_grammar().lexemes(Source("m", text))[:-1]]
    found = classes(text)
    assert [(start, part) for start, kind, part in found if kind not in Comment] == lexemes
    assert all(kind not in Error for _, kind, _ in found)


@pytest.mark.parametrize("text", TEXTS)
def test_textmate_agrees_with_pygments(text: str) -> None:
    expected = [(start, str(kind), part) for start, kind, part in classes(text)]
    found = [(start, SCOPES[scope], part) for start, scope, part in textmate(text)]
    assert found == [(s, k.removesuffix(".Float").removesuffix(".Integer"), p) for s, k, p in expected]


@settings(max_examples=50, deadline=None)
@given(seeded_programs())
def test_no_character_is_lost(text: str) -> None:
    assert "".join(part for _, _, part in QemLexer().get_tokens_unprocessed(text)) == text


def test_text_that_is_no_model_is_highlighted_as_far_as_it_goes() -> None:
    text = '# Ä "s\n/* open'
    assert highlight(text, QemLexer(stripnl=False, ensurenl=False), NullFormatter()) == text
