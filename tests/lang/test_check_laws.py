"""Laws, their arguments and what they are given to: what is accepted means the right thing, and one mistake is one message."""

from __future__ import annotations

import re

import pytest

from qemppl.distributions.registry import ALIASES, LAWS
from qemppl.ir.model import Call, Constant, DataRef, ModelIR, RandomVariable
from qemppl.ir.show import show_expression
from qemppl.lang.check.foreign_laws import FOREIGN_LAWS
from tests.lang.programs import check, codes

DATA = """data {{ dim K; dim J; dim M = 3; plate s; real y[s]; int<lower=0> n[s]; int<lower=0> k[s]; int<lower=0, upper=1> c[s];
vector[K] v[s]; array[K] int<lower=0> votes[s]; int<lower=1, upper=K> z[s]; matrix[K, K] S; real lo; {data} }}"""
USE_ALL = """generated quantities {{ plate s {{ real use_ = y + n + k + c + sum(v) + sum(votes) + z + S[1, 1] + lo + K + J + M; }} }}"""


def answered(model: str, data: str = "") -> list[str]:
    return codes(DATA.format(data=data) + f"model {{ {model} }}" + USE_ALL.format())


def hints(model: str) -> list[str | None]:
    checked = check(DATA.format(data="") + f"model {{ {model} }}" + USE_ALL.format())
    return [d.hint for d in checked.diagnostics]


def model(text: str) -> ModelIR:
    checked = check(text)
    assert checked.model is not None, checked.diagnostics
    return checked.model


def arguments(variable: RandomVariable) -> list[str]:
    return [show_expression(argument) for argument in variable.arguments]


def test_named_arguments_are_put_into_order() -> None:
    ir = model(
        "data { real y; } model { real a ~ normal(sigma=2, mu=1); real b ~ student_t(3, sigma=2, mu=a); y ~ normal(b, sigma=1); }"
    )
    assert [arguments(v) for v in ir.latents] == [["1", "2"], ["3", "a", "2"]]
    assert arguments(ir.observations[0]) == ["b", "1"]


def test_an_alias_is_lowered_to_its_law() -> None:
    ir = model("data { real y; } model { real a ~ double_exponential(0, 1); y ~ normal(a, 1); }")
    assert ir.latents[0].law == "laplace"
    assert ALIASES.keys().isdisjoint(LAWS)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("plate s { y ~ normal(mu=0); }", ["QEM401"]),
        ("plate s { y ~ normal(0, 1, 2); }", ["QEM401"]),
        ("plate s { y ~ normal(); }", ["QEM401"]),
        ("plate s { y ~ normal(mu=0, mu=1); }", ["QEM232"]),
        ("plate s { y ~ normal(m=0, sigma=1); }", ["QEM231"]),
        ("plate s { y ~ normal(mu=0, 1); }", ["QEM233"]),
        ("plate s { y ~ normal(v, 1); }", ["QEM402"]),
        ("plate s { v ~ normal(v, 1); }", []),
        ("plate s { v ~ multi_normal(rep_vector(0, K), S); }", []),
        ("plate s { v ~ multi_normal(rep_vector(0, J), S); }", ["QEM402"]),
        ("plate s { v ~ multi_normal(0, S); }", ["QEM402"]),
        ("plate s { y ~ multi_normal(v, S); }", ["QEM402"]),
        ("plate s { votes ~ multinomial(softmax(v)); }", []),
        ("plate s { votes ~ poisson(exp(v)); }", []),
        ("plate s { votes ~ multinomial(rep_vector(0.5, J)); }", ["QEM402"]),
        ("plate s { z ~ categorical(softmax(v)); }", []),
        ("plate s { z ~ categorical_logit(v); }", []),
        ("plate s { k ~ binomial(n, 0.5); }", []),
        ("plate s { k ~ binomial(y, 0.5); }", ["QEM403"]),
        ("plate s { k ~ binomial(n, 2); }", ["QEM404"]),
        ("plate s { k ~ discrete_range(5, 2); }", ["QEM406"]),
        ("plate s { k ~ discrete_range(5, 5); }", []),
        ("plate s { y ~ uniform(2, 2); }", ["QEM406"]),
        ("plate s { y ~ uniform(lo, 2); }", []),
        ("plate s { k ~ normal(0, 1); }", ["QEM407"]),
        ("plate s { y ~ poisson(1); }", ["QEM408"]),
        ("plate s { y ~ normall(0, 1); }", ["QEM212"]),
        ("plate s { y ~ Normal(0, 1); }", ["QEM230"]),
        ("plate s { y ~ normal_lpdf(0, 1); }", ["QEM230"]),
        ("real<lower=0> a ~ normal(0, 1); plate s { k ~ binomial(a, 0.5); }", ["QEM418"]),
        ("real a ~ normal(0, 1); plate s { c ~ bernoulli(a); }", ["QEM404"]),
        ("vector[K] a ~ normal(0, 1); plate s { z ~ categorical(a); }", ["QEM440"]),
        ("vector[M] a ~ normal(0, 1); plate s { k ~ ordered_logistic(0, a); }", ["QEM440"]),
        ("ordered[M] a ~ normal(0, 1); plate s { k ~ ordered_logistic(0, a); }", []),
        ("positive_ordered[M] a ~ normal(0, 1); plate s { k ~ ordered_logistic(0, a); }", []),
        ("cholesky_factor_corr[K] L ~ lkj_corr_cholesky(2); plate s { v ~ multi_normal_cholesky(v, L); }", []),
        ("cholesky_factor_corr[K] L ~ lkj_corr_cholesky(2); plate s { v ~ multi_normal(v, L); }", ["QEM440"]),
    ],
)
def test_one_mistake_in_a_law_is_one_message(statement: str, expected: list[str]) -> None:
    assert answered(statement) == expected


@pytest.mark.parametrize("name", sorted(FOREIGN_LAWS))
def test_foreign_laws_are_rewritten_to_laws_that_exist(name: str) -> None:
    rewrite = FOREIGN_LAWS[name]
    assert bool(rewrite.law) != bool(rewrite.advice)
    given = [f"arg{i}" for i in range(len(rewrite.parameters))]
    hint = rewrite.hint(given, "x", "K")
    named = re.findall(r"\b([a-z]\w*)\(", rewrite.law)
    if rewrite.law:
        assert named[0] in LAWS
        assert all(argument in hint + str(rewrite.notes(given)) for argument in given if "multi" not in name)
    assert name not in LAWS
    assert "{" not in hint.replace("{ ... }", "")


def test_rewrites_hold_the_arguments_of_the_user() -> None:
    assert hints("real<lower=0> a ~ half_cauchy(2.5); plate s { y ~ normal(a, 1); }") == [
        "write `real<lower=0> a ~ cauchy(0, 2.5);`"
    ]
    assert hints("plate s { k ~ neg_binomial(2 + lo, 3); }") == ["write `neg_binomial_2((2 + lo) / 3, 2 + lo)`"]
    assert hints("plate s { k ~ neg_binomial(2); }") == ["write `neg_binomial_2(alpha / beta, alpha)`"]
    assert hints("simplex[K] w ~ Dir(rep_vector(1, K)); plate s { z ~ categorical(w); }") == [
        "write `simplex[K] w ~ dirichlet(rep_vector(1, K));`"
    ]


def test_restrictions_are_lowered() -> None:
    ir = model(
        "data { plate s; real y[s]; real t[s]; int<lower=0, upper=1> c[s]; real lo; }"
        "model { real mu ~ normal(0, 1); plate s { y ~ normal(mu, 1) T[lo, ]; t ~ normal(mu, 1) left_censored(1 - c); } }"
    )
    truncated, censored = ir.observations
    assert isinstance(truncated.bounds.lower, DataRef)
    assert truncated.bounds.upper is None
    assert truncated.censoring is None
    assert censored.censoring is not None
    assert censored.censoring.side == "left"
    assert isinstance(censored.censoring.flag, Call)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("plate s { y ~ normal(0, 1) T[0, 1]; }", []),
        ("plate s { y ~ normal(0, 1) T[1, 0]; }", ["QEM406"]),
        ("plate s { k ~ poisson(1) T[1, 1]; }", []),
        ("plate s { y ~ normal(0, 1) T[, ]; }", ["QEM452"]),
        ("plate s { y ~ normal(0, 1) T[v, ]; }", ["QEM402"]),
        ("plate s { v ~ normal(0, 1) T[v, ]; }", []),
        ("real a ~ normal(0, 1); plate s { y ~ normal(0, 1) T[a, ]; }", ["QEM414"]),
        ("plate s { y ~ lognormal(0, 1) T[, -1]; }", ["QEM405"]),
        ("plate s { n ~ poisson(1) T[, -1]; }", ["QEM405"]),
        ("plate s { v ~ multi_normal(v, S) T[0, ]; }", ["QEM423"]),
        ("plate s { y ~ von_mises(0, 1) T[0, ]; }", ["QEM423"]),
        ("plate s { y ~ normal(0, 1) right_censored(c); }", []),
        ("plate s { y ~ normal(0, 1) right_censored(y > 2); }", []),
        ("plate s { y ~ normal(0, 1) right_censored(1); }", []),
        ("plate s { y ~ normal(0, 1) right_censored(n); }", []),
        ("plate s { y ~ normal(0, 1) right_censored(2); }", ["QEM453"]),
        ("plate s { y ~ normal(0, 1) right_censored(y); }", ["QEM453"]),
        ("plate s { y ~ normal(0, 1) right_censored(votes); }", ["QEM453"]),
        ("plate s { y ~ von_mises(0, 1) right_censored(c); }", ["QEM454"]),
        ("plate s { y ~ normal(0, 1) T[0, ] left_censored(c); }", []),
        ("plate s { k ~ poisson(2) T[1, ] left_censored(c); }", []),
    ],
)
def test_restrictions_of_observations(statement: str, expected: list[str]) -> None:
    assert answered(statement) == expected


def test_bounds_of_whole_numbers_are_constants_of_the_law() -> None:
    ir = model("data { real y; } model { int<lower=0, upper=4> z ~ binomial(4, 0.5); y ~ normal(z, 1); }")
    assert isinstance(ir.latents[0].bounds.upper, Constant)
    assert ir.latents[0].enumerated
