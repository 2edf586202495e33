"""The formatter: one layout for a text, whatever its white space was; nothing but white space changes."""

from __future__ import annotations

import random
import time
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given, settings

from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.diagnostics.source import Source, Span
from qemppl.lang.format.format import format_source
from qemppl.lang.format.layout import WIDTH
from qemppl.lang.syntax import ast
from qemppl.lang.syntax.grammar import load_grammar
from qemppl.lang.syntax.parse import parse
from tests.lang.generated import programs, seeded_programs
from tests.lang.programs import GOOD
from tests.lang.thirteen import THIRTEEN

TEXTS = [*THIRTEEN.values(), *(path.read_text(encoding="utf-8") for path in GOOD)]


def formatted(text: str) -> str:
    return format_source(Source("m.qem", text))


def structure(program: ast.Program) -> list[Any]:
    """Every node and word of a program in the order written, without places; iteratively."""
    words: list[Any] = []
    pending: list[Any] = [program]
    while pending:
        node = pending.pop()
        if isinstance(node, tuple):
            words.append(len(node))
            pending.extend(reversed(node))
        elif is_dataclass(node):
            words.append(type(node).__name__)
            pending.extend(getattr(node, field.name) for field in reversed(fields(node)))
        else:
            words.append(node)
        while pending and isinstance(pending[-1], Span):
            pending.pop()
    return words


def comments(text: str) -> list[str]:
    pattern = load_grammar().pattern
    return [match[0].rstrip() for match in pattern.finditer(text) if match.lastgroup == "COMMENT"]


def check(text: str) -> None:
    """All that holds of any text that parses."""
    once = formatted(text)
    assert formatted(once) == once
    before, after = parse(Source("m", text)), parse(Source("m", once))
    assert after.diagnostics == ()
    assert structure(after.program) == structure(before.program)
    assert comments(once) == comments(text)
    assert "\n\n\n" not in once
    assert all(line == line.rstrip() for line in once.split("\n"))
    assert not once or (once.endswith("\n") and not once.startswith("\n"))


@pytest.mark.parametrize("text", TEXTS)
def test_models_keep_their_meaning_and_their_comments(text: str) -> None:
    check(text)
    assert all(len(line) <= WIDTH or "//" in line for line in formatted(text).splitlines())


@settings(max_examples=60, deadline=None)
@given(programs())
def test_generated_programs(text: str) -> None:
    check(text)


@settings(max_examples=300, deadline=None)
@given(seeded_programs())
def test_seeded_programs(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", TEXTS)
def test_the_layout_does_not_depend_on_the_white_space_of_a_text_without_comments(text: str) -> None:
    lexemes = [lexeme.text for lexeme in load_grammar().lexemes(Source("m", text))]
    generator = random.Random(text)
    spread = "".join(lexeme + generator.choice((" ", "\n", "\t ", "\r\n")) for lexeme in lexemes)
    assert formatted(" ".join(lexemes)) == formatted(spread).replace("\n\n", "\n")


def test_spaces() -> None:
    text = (
        "model{real<lower = 0,upper=1>x[g]~normal(mu=-a,sigma=+1.50e0)T[0,]right_censored(c)approx  gamma ;"
        "real y=a+b*x-c/d.*e./f%g^-2'[1,z ]?!b:(c||d&&e==f<=1);array [ K ]vector< lower=-1 > [n] q~f( )T[ ,1];"
        "plate s{z~f(sum(x over s));}chain t{}}"
    )
    assert (
        formatted(text)
        == """\
model {
  real<lower=0, upper=1> x[g] ~ normal(mu=-a, sigma=+1.50e0) T[0, ] right_censored(c)
    approx gamma;
  real y = a + b * x - c / d .* e ./ f % g^-2'[1, z] ? !b : (c || d && e == f <= 1);
  array[K] vector<lower=-1>[n] q ~ f() T[, 1];
  plate s {
    z ~ f(sum(x over s));
  }
  chain t {}
}
"""
    )


def test_statements_of_data() -> None:
    text = "data{plate a;plate b[J]in a,c by i;dim K=3;missing array[2]int<lower=0>y[b];chain t in a;}"
    assert (
        formatted(text)
        == """\
data {
  plate a;
  plate b[J] in a, c by i;
  dim K = 3;
  missing array[2] int<lower=0> y[b];
  chain t in a;
}
"""
    )


def test_comments_stay_where_they_are() -> None:
    text = """

// the first line
data { // of data
  /* own line */

  real x; // trailing
  real y /* before the semicolon */ ; /* leads */ real z;



  // last in the block
}
/* two
   lines */
model
// before the brace
{
  y ~ normal(0, // mean
    /* sd */ 1
    // the end
  ); // done
}
// the last line"""
    assert (
        formatted(text)
        == """\
// the first line
data {  // of data
  /* own line */

  real x;  // trailing
  real y;  /* before the semicolon */
  /* leads */ real z;

  // last in the block
}
/* two
   lines */
model {
  // before the brace
  y ~ normal(
    0,  // mean
    /* sd */ 1
    // the end
  );  // done
}
// the last line
"""
    )


def test_long_statements_are_broken_at_the_outermost_place() -> None:
    text = """model {
  real eta = intercept + slope_of_the_first * first_covariate + slope_of_the_second * second_covariate;
  outcome ~ neg_binomial_2_log(intercept + slope * covariate + log(exposure_hours), dispersion_of_counts);
  real<lower=0> v ~ gamma(a_long_name_of_a_shape, a_long_name_of_a_rate) init lognormal(0, 1) approx lognormal;
  real c = is_first > 0 ? value_of_the_first_alternative : is_second > 0 ? value_of_the_second : value_otherwise;
  y ~ bernoulli_logit(first_effect_of_the_group + second_effect_of_the_group + third_effect_of_the_group + x);
}
"""
    assert (
        formatted(text)
        == """\
model {
  real eta = intercept
    + slope_of_the_first * first_covariate
    + slope_of_the_second * second_covariate;
  outcome ~ neg_binomial_2_log(
    intercept + slope * covariate + log(exposure_hours),
    dispersion_of_counts
  );
  real<lower=0> v ~ gamma(a_long_name_of_a_shape, a_long_name_of_a_rate)
    init lognormal(0, 1) approx lognormal;
  real c = is_first > 0
    ? value_of_the_first_alternative
    : is_second > 0
    ? value_of_the_second
    : value_otherwise;
  y ~ bernoulli_logit(
    first_effect_of_the_group
      + second_effect_of_the_group
      + third_effect_of_the_group
      + x
  );
}
"""
    )


@pytest.mark.parametrize(
    ("text", "expected"), [("", ""), ("\n\n", ""), ("// a", "// a\n"), ("/* a */ \n\n\n", "/* a */\n")]
)
def test_texts_without_statements(text: str, expected: str) -> None:
    assert formatted(text) == expected


def test_a_text_with_syntax_errors_is_refused_with_all_of_them() -> None:
    with pytest.raises(DiagnosticsError) as caught:
        formatted("model { real a = ; real b ~ normal(0, 1) }")
    assert caught.value.stage is Stage.MODEL
    assert [d.code for d in caught.value.diagnostics] == ["QEM104", "QEM101"]


@pytest.mark.parametrize(
    "expression",
    [
        " + ".join(["alpha"] * 20_000),
        "a - " * 20_000 + "1",
        "a" + "[1]" * 20_000,
        "a" + "'" * 20_000,
        "exp(" + "1, " * 20_000 + "1)",
        "(" * 190 + "1" + ")" * 190,
        "-" * 190 + "1",
        "a ? b : " * 190 + "1",
        "a /* b */ + // c\n" * 5_000 + "1",
    ],
    ids=["sum", "differences", "indices", "transposes", "arguments", "parentheses", "signs", "choices", "comments"],
)
def test_long_and_deep_expressions_in_bounded_time(expression: str) -> None:
    began = time.perf_counter()
    once = formatted(f"model {{ real x = {expression}; }}")
    assert time.perf_counter() - began < 30  # a second or two alone on a machine
    assert formatted(once) == once


def test_ten_thousand_statements_in_bounded_time() -> None:
    text = "model {" + "".join(f"real a{i}=m*{i};// {i}\n" for i in range(10_000)) + "}"
    began = time.perf_counter()
    assert formatted(text).count("\n") == 10_002
    assert time.perf_counter() - began < 30


def test_nesting_beyond_the_limit_is_a_diagnostic() -> None:
    for text in ("model { real x = " + "(" * 100_000, "model { " + "joint {" * 100_000):
        with pytest.raises(DiagnosticsError):
            formatted(text)
