from __future__ import annotations

import time

import pytest

from qemppl.diagnostics.render import render
from qemppl.ir.show import show
from qemppl.lang.syntax.automaton import MAX_NESTING
from tests.lang.programs import check, codes

MODEL = "data {{ real y; }} model {{ real a ~ normal(0, 1); real b = {}; y ~ normal(a + b, 1); }}"
MANY = 100_000
FEWER = 20_000


@pytest.mark.parametrize(
    "expression",
    [
        "(" * MANY,
        "(" * MANY + "1" + ")" * MANY,
        "-" * FEWER + "1",
        "2^" * FEWER + "1",
        "a ? 1 : " * FEWER + "1",
        "a" + "[1" * FEWER,
    ],
    ids=["open", "balanced", "minus", "power", "conditional", "index"],
)
def test_deep_nesting_is_one_limit_error(expression: str) -> None:
    assert codes(MODEL.format(expression)).count("QEM116") == 1


@pytest.mark.parametrize(
    "text", ["model " + "{" * MANY, "model { " + "plate g {" * MANY, "model { " + "joint {" * MANY]
)
def test_deep_blocks_end_in_an_error(text: str) -> None:
    assert check(text).model is None


def test_nesting_up_to_the_limit_is_read() -> None:
    depth = MAX_NESTING - 1  # the block is the first level
    assert codes(MODEL.format("(" * depth + "1" + ")" * depth)) == []
    assert codes(MODEL.format("(" * (depth + 1) + "1" + ")" * (depth + 1))) == ["QEM116"]
    assert codes(MODEL.format("-" * depth + "1")) == []
    assert codes(MODEL.format("-" * (depth + 1) + "1")) == ["QEM116"]


@pytest.mark.parametrize("operator", [" + ", " * ", " || "])
def test_long_chains_do_not_nest(operator: str) -> None:
    checked = check(MODEL.format(operator.join(["a"] * 20_000)))
    assert checked.model is not None
    assert not checked.diagnostics
    assert show(checked.model).count("a") > 20_000


@pytest.mark.parametrize(
    "expression", ["a" + "'" * 20_000, "a" + "[1]" * 20_000, "a < " * 20_000 + "a", "exp(" + "1," * 20_000 + "1)"]
)
def test_long_wrong_chains_are_one_error(expression: str) -> None:
    checked = check(MODEL.format(expression))
    assert len(checked.diagnostics) == 1
    assert len(render(checked.diagnostics)) < 1000


def test_ten_thousand_statements_in_bounded_time() -> None:
    body = "".join(f"real a{i} = {f'a{i - 1} + ' if i else ''}m * {i};\n" for i in range(10_000))
    began = time.perf_counter()
    checked = check(f"data {{ real y; }} model {{ real m ~ normal(0, 1); {body} y ~ normal(a9999, 1); }}")
    assert time.perf_counter() - began < 30  # a few seconds alone on a machine
    assert checked.model is not None
    assert len(checked.model.statements) == 10_002


def test_very_many_undeclared_names_in_bounded_time() -> None:
    body = "".join(f"real a{i} = b{i};\n" for i in range(3_000))
    began = time.perf_counter()
    assert codes(f"model {{ {body} }}").count("QEM201") == 3_000
    assert time.perf_counter() - began < 30


@pytest.mark.parametrize(
    "text",
    [
        "model { real w ~ dirichlet(1, 2); }",
        "data { int K; } model { array[K int<lower=0, upper=1> z ~ bernoulli(0.3); }",
        "data { plate g; vector[g, 2, 3] x; } model { }",
        "model { real<lower=\nreal x ~ normal(0, 1); }",
        "model { vector[2\nreal]<lower=0> x ~ normal(0, 1); }",
        "parameters { real mu model { y ~ ; }",
        "model { target += log_mix(p normal_lpdf(y | a, 1)); }",
        "model { ~ x + 1; }",
    ],
)
def test_broken_declarations_are_answered(text: str) -> None:
    assert check(text).model is None
