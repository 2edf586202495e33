"""Latents: forms, discrete ones, chains and families; and the draws of `generated quantities`."""

from __future__ import annotations

import pytest

from qemppl.compile import discrete as compiled
from qemppl.ir.model import Definition, ModelIR, Previous, RandomVariable, walk
from qemppl.lang.check import discrete as checked_discrete
from tests.lang.programs import check, codes


def model(text: str) -> ModelIR:
    checked = check(text)
    assert checked.model is not None, checked.diagnostics
    return checked.model


def latent(declaration: str, data: str = "") -> list[str]:
    """The codes of a model of one latent `a`, which is used as far as its type goes."""
    text = f"data {{ dim K; dim J; real y; {data} }} model {{ {declaration} real u_ = K + J; y ~ normal(u_, 1); }}"
    return [code for code in codes(text) if code not in {"QEM210", "QEM211"}]


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        ("simplex[K] a ~ dirichlet(rep_vector(1, K));", []),
        ("array[J] simplex[K] a ~ dirichlet(rep_vector(1, K));", []),
        ("array[J] simplex[K] a ~ dirichlet(rep_vector(1, J));", ["QEM402"]),
        ("vector[K] a ~ dirichlet(rep_vector(1, K));", ["QEM441"]),
        ("real a ~ dirichlet(rep_vector(1, K));", ["QEM402"]),
        ("simplex[K] a ~ normal(0, 1);", ["QEM442"]),
        ("simplex[K] a ~ flat();", ["QEM442"]),
        ("ordered[K] a ~ normal(0, 1);", []),
        ("ordered[K] a ~ student_t(3, 0, 1);", []),
        ("ordered[K] a ~ multi_normal(rep_vector(0, K), S);", ["QEM442"]),
        ("positive_ordered[K] a ~ normal(0, 1);", []),
        ("positive_ordered[K] a ~ gamma(2, 1);", []),
        ("cholesky_factor_corr[K] a ~ lkj_corr_cholesky(2);", []),
        ("cholesky_factor_corr[K] a ~ normal(0, 1);", ["QEM442"]),
        ("array[K] vector[K] a ~ lkj_corr_cholesky(2);", ["QEM441"]),
        ("vector<lower=0>[K] a ~ normal(0, 1);", []),
        ("vector[K] a ~ gamma(2, 1);", ["QEM420"]),
        ("real a ~ bernoulli(0.5);", ["QEM408"]),
        ("real<lower=-3.1416, upper=3.1416> a ~ von_mises(0, 1);", []),
        ("real<lower=0, upper=6.2832> a ~ von_mises(0, 1);", []),
        ("real a ~ von_mises(0, 1);", ["QEM456"]),
        ("real a ~ normal(a, 1);", ["QEM238"]),
        ("real a ~ normal(0, 1) T[0, ];", ["QEM449"]),
        ("real a ~ normal(0, 1) right_censored(1);", ["QEM450"]),
    ],
)
def test_forms_and_their_laws(declaration: str, expected: list[str]) -> None:
    assert latent(declaration, "matrix[K, K] S;") == expected


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        ("int<lower=0, upper=1> a ~ bernoulli(0.5);", []),
        ("int a ~ bernoulli(0.5);", []),
        ("int a ~ binomial(5, 0.5);", []),
        ("int<lower=0, upper=5> a ~ poisson(2);", []),
        ("int<lower=0> a ~ poisson(2);", ["QEM443"]),
        ("int a ~ discrete_range(1, 1000);", []),
        ("int a ~ discrete_range(0, 1000);", ["QEM444"]),
        ("int<lower=0, upper=n> a ~ binomial(n, 0.5);", []),
        ("int<lower=0, upper=n> a ~ poisson(n);", []),
        ("int<lower=0, upper=3> a ~ bernoulli(0.5);", ["QEM420"]),
        ("int<lower=2, upper=3> a ~ bernoulli(0.5);", ["QEM405"]),
        ("int<lower=1, upper=K> a ~ categorical(softmax(rep_vector(0, K)));", []),
        ("int<lower=1, upper=2> a ~ categorical(softmax(rep_vector(0, 3)));", []),
        ("int<lower=1, upper=J> a ~ categorical(softmax(rep_vector(0, K)));", ["QEM455"]),
        ("int a ~ categorical(softmax(rep_vector(0, K)));", []),
        ("int<lower=0, upper=3> a ~ normal(0, 1);", ["QEM407"]),
        ("array[K] int<lower=0, upper=1> a ~ bernoulli(0.5);", ["QEM448"]),
        ("sampled array[K] int<lower=0, upper=1> a ~ bernoulli(0.5);", []),
        ("sampled int<lower=0> a ~ poisson(2);", []),
        ("sampled int a ~ poisson(2);", []),
        ("sampled int<lower=1> a ~ hypergeometric(3, 5, 5);", ["QEM423"]),
        ("sampled real a ~ normal(0, 1);", ["QEM445"]),
        ("joint { int<lower=0, upper=1> a ~ bernoulli(0.5); }", ["QEM446"]),
        ("int<lower=0, upper=1> a ~ bernoulli(0.5) approx normal;", ["QEM447"]),
        ("int<lower=0, upper=1> a ~ bernoulli(0.5) approx bernoulli;", ["QEM447"]),
        ("sampled int<lower=0> a ~ poisson(2) approx poisson;", []),
        ("sampled int<lower=3> a ~ poisson(2) approx neg_binomial;", []),
        ("sampled int<lower=0> a ~ poisson(2) approx categorical;", ["QEM413"]),
        ("sampled int<lower=0> a ~ poisson(2) approx gamma;", ["QEM413"]),
        ("sampled int a ~ binomial(5, 0.5) approx binomial;", []),
        ("sampled int<lower=0> a ~ poisson(2) approx binomial;", ["QEM413"]),
        ("sampled int<lower=0, upper=n> a ~ poisson(2) approx binomial;", []),
        ("sampled int a ~ poisson(2) approx multinomial;", ["QEM119"]),
        ("sampled array[K] int a ~ multinomial(softmax(rep_vector(0, K)));", ["QEM457"]),
        ("array[K] int a ~ multinomial(softmax(rep_vector(0, K)));", ["QEM457"]),
        ("sampled int a ~ binomial(n, 0.5) approx categorical;", []),
        ("sampled int a ~ binomial(n, 0.5) approx neg_binomial;", ["QEM413"]),
        ("sampled int a ~ bernoulli(0.5) approx bernoulli;", []),
        ("sampled int<lower=4, upper=5> a ~ poisson(3) approx bernoulli;", []),
        ("sampled int a ~ binomial(2, 0.5) approx bernoulli;", ["QEM413"]),
        ("sampled array[K] int<lower=0, upper=1> a ~ bernoulli(0.5) approx bernoulli;", []),
    ],
)
def test_discrete_latents(declaration: str, expected: list[str]) -> None:
    assert latent(declaration, "int<lower=0> n;") == expected


def test_as_many_values_are_checked_as_are_enumerated() -> None:
    assert checked_discrete.MOST_STATES == compiled.MOST_STATES


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        ("real a ~ normal(0, 1) approx normal;", []),
        ("real a ~ normal(0, 1) approx gamma;", ["QEM413"]),
        ("real<lower=top> a ~ normal(0, 1) approx gamma;", []),
        ("real<lower=top> a ~ normal(0, 1) approx normal;", ["QEM413"]),
        ("simplex[K] a ~ dirichlet(rep_vector(1, K)) approx multi_normal;", []),
        ("simplex[K] a ~ dirichlet(rep_vector(1, K)) approx dirichlet;", []),
        ("array[2] simplex[K] a ~ dirichlet(rep_vector(1, K)) approx dirichlet;", ["QEM413"]),
        ("joint { simplex[K] a ~ dirichlet(rep_vector(1, K)) approx dirichlet; }", ["QEM413"]),
        ("vector[K] a ~ normal(0, 1) approx dirichlet;", ["QEM413"]),
        ("real a ~ normal(0, 1) approx dirichlet;", ["QEM413"]),
        ("real a ~ normal(0, 1) approx poisson;", ["QEM413"]),
        ("simplex[K] a ~ dirichlet(rep_vector(1, K)) approx gamma;", ["QEM413"]),
        ("real a ~ normal(0, 1) approx nromal;", ["QEM412"]),
        ("real<lower=0> a ~ normal(0, 1) approx exponential;", []),
        ("real<lower=0, upper=1> a ~ normal(0, 1) approx exponential;", ["QEM413"]),
        ("real<lower=-3.1416, upper=3.1416> a ~ von_mises(0, 1) approx von_mises;", []),
        ("real<lower=-3.1416, upper=3.1416> a ~ von_mises(0, 1) approx beta;", []),
        ("real<lower=0, upper=6.28> a ~ normal(0, 1) approx von_mises;", []),
        ("real<lower=0, upper=6> a ~ normal(0, 1) approx von_mises;", ["QEM413"]),
        ("real<lower=0, upper=top> a ~ normal(0, 1) approx von_mises;", ["QEM413"]),
        ("real a ~ normal(0, 1) approx von_mises;", ["QEM413"]),
        ("vector<lower=0, upper=6.2832>[K] a ~ von_mises(0, 1) approx von_mises;", []),
        ("simplex[K] a ~ dirichlet(rep_vector(1, K)) approx von_mises;", ["QEM413"]),
        ("joint { real<lower=0, upper=6.2832> a ~ von_mises(0, 1) approx von_mises; }", ["QEM413"]),
        ("sampled int a ~ bernoulli(0.5) approx von_mises;", ["QEM413"]),
    ],
)
def test_families(declaration: str, expected: list[str]) -> None:
    assert latent(declaration, "real top;") == expected


def chain(body: str) -> list[str]:
    text = f"data {{ chain t; plate g in t; real y[t]; real x[g]; }} model {{ chain t {{ {body} plate g {{ x ~ normal(0, 1); }} }} }}"
    return [code for code in codes(text) if code not in {"QEM210", "QEM211"}]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("real a ~ normal(prev(a), 1) init normal(0, 1); y ~ normal(a, 1);", []),
        ("real a ~ normal(prev(a), 1); y ~ normal(a, 1);", ["QEM331"]),
        ("real a ~ normal(0, 1) init normal(0, 1); y ~ normal(a, 1);", ["QEM332"]),
        ("real a ~ normal(prev(a), 1) init normal(prev(a), 1); y ~ normal(a, 1);", ["QEM333"]),
        ("real a ~ normal(0, 1); y ~ normal(prev(a), 1);", ["QEM334"]),
        ("real a ~ normal(0, 1); real b = prev(a); y ~ normal(b, 1);", ["QEM334"]),
        ("real a ~ normal(0, 1); real b ~ normal(prev(a), 1); y ~ normal(b, 1);", ["QEM331"]),
        ("real a ~ normal(0, 1); real b ~ normal(prev(a), 1) init normal(a, 1); y ~ normal(b, 1);", []),
        ("real<lower=0> a ~ gamma(2, 1 / prev(a)) init uniform(-2, -1); y ~ normal(a, 1);", ["QEM405"]),
        ("plate g { real b ~ normal(prev(b), 1) init normal(0, 1); } y ~ normal(0, 1);", ["QEM317"]),
    ],
)
def test_first_steps(body: str, expected: list[str]) -> None:
    assert chain(body) == expected


def test_a_chain_is_lowered_with_its_first_step() -> None:
    ir = model(
        "data { chain t; real y[t]; } model { chain t { real a ~ normal(prev(a), 1) init student_t(3, 0, 10); y ~ normal(a, 1); } }"
    )
    (a,) = ir.latents
    assert a.initial is not None
    assert (a.initial.law, len(a.initial.arguments)) == ("student_t", 3)
    assert any(isinstance(node, Previous) and node.name == "a" for node in walk(a.arguments[0]))


def test_generated_statements_are_lowered_in_order() -> None:
    ir = model(
        "data { plate s; real y[s]; } model { real mu ~ normal(0, 1); plate s { y ~ normal(mu, 1); } }"
        "generated quantities { real b = mu + 1; plate s { real<lower=0> r ~ normal(b, 1); real e = y - r; } real m = max(e over s); }"
    )
    assert [(s.name, type(s), s.plate) for s in ir.generated] == [
        ("b", Definition, None),
        ("r", RandomVariable, "s"),
        ("e", Definition, "s"),
        ("m", Definition, None),
    ]
    draw = ir.generated[1]
    assert isinstance(draw, RandomVariable)
    assert not draw.observed
    assert draw.bounds.lower is not None
    assert [v.name for v in ir.latents] == ["mu"]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("int k ~ poisson(3);", []),
        ("real g ~ gamma(2, 1);", []),
        ("simplex[2] w ~ dirichlet(rep_vector(1, 2));", []),
        ("vector[2] w ~ dirichlet(rep_vector(1, 2));", ["QEM441"]),
        ("y ~ normal(mu, 1);", ["QEM234"]),
        ("fresh ~ normal(mu, 1);", ["QEM234"]),
        ("joint { real a = mu; }", ["QEM235"]),
        ("real a ~ normal(mu, 1) approx normal;", ["QEM236"]),
        ("sampled int a ~ poisson(1);", ["QEM236"]),
        ("real a ~ flat();", ["QEM237"]),
        ("real a;", ["QEM220"]),
        ("real y ~ normal(mu, 1);", ["QEM208"]),
        ("real mu ~ normal(0, 1);", ["QEM203"]),
        ("mu = 2;", ["QEM204"]),
        ("real a ~ normal(b, 1); real b = 2;", ["QEM202"]),
        ("real a = nowhere;", ["QEM201"]),
    ],
)
def test_generated_quantities(statement: str, expected: list[str]) -> None:
    text = f"data {{ real y; }} model {{ real mu ~ normal(0, 1); y ~ normal(mu, 1); }} generated quantities {{ {statement} }}"
    assert codes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model { real a ~ normal(b, 1); } data { real b; }", ["QEM120"]),
        ("generated quantities { } model { }", ["QEM120"]),
        ("transformed data { } data { } model { }", ["QEM120"]),
        ("data { } data { } model { }", ["QEM120"]),
        ("data { } transformed data { } generated quantities { }", ["QEM113"]),
        ("data { } transformed data { } model { } generated quantities { }", []),
    ],
)
def test_blocks_stand_in_order(text: str, expected: list[str]) -> None:
    assert sorted(codes(text)) == expected
