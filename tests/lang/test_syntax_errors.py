from __future__ import annotations

import pytest

from qemppl.diagnostics.source import Source
from qemppl.lang.syntax.parse import parse
from qemppl.lang.syntax.syntax_errors import load_syntax_errors
from tests.lang.programs import check, codes

EXAMPLES = [(entry["code"], text) for entry in load_syntax_errors().values() for text in entry.get("examples", ())]


@pytest.mark.parametrize(("code", "text"), EXAMPLES)
def test_malformed_examples_are_answered_with_their_entry(code: str, text: str) -> None:
    assert [d.code for d in parse(Source("m.qem", text)).diagnostics] == [code]


def test_missing_semicolon_is_placed_at_the_end_of_the_statement_before() -> None:
    diagnostic = check("model {\n  real a ~ normal(0, 1)  // a comment\n\n  real b ~ normal(a, 1);\n}").diagnostics[0]
    assert diagnostic.span is not None
    assert (diagnostic.code, diagnostic.span.line, diagnostic.span.column) == ("QEM101", 2, 23)


def test_one_run_reports_independent_mistakes_and_nothing_else() -> None:
    text = """data { plate g; real y[g] }
model {
  real a ~ normal(0, 1;
  real b = = 2;
  real c ~ norml(0, 1);
  plate g { y ~ normal(a + b + c + d, 1); }
  for (i in 1:3) z[i] ~ normal(0, 1);
}
"""
    assert codes(text) == ["QEM101", "QEM117", "QEM104", "QEM212", "QEM201", "QEM105"]


def test_names_of_unreadable_statements_are_neither_undeclared_nor_unused() -> None:
    assert codes("data { real x; real y; missing real z; } model { real a ~ normal(x, ; y ~ normal(a + z, 1); }") == [
        "QEM119",
        "QEM104",
    ]


@pytest.mark.parametrize(
    "text",
    ["model { real a ~ normal(0, 1); y ~ normal(a, 1", "model {", "data {", "plate", "model { plate g { real x = (1 +"],
)
def test_truncated_texts_end_in_one_or_two_errors(text: str) -> None:
    assert 1 <= len([d for d in parse(Source("m", text)).diagnostics if d.is_error]) <= 2
