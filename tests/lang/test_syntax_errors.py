from __future__ import annotations

import pytest

from qemppl.diagnostics.diagnostic import Diagnostic
from qemppl.diagnostics.source import Source
from qemppl.lang.syntax.ast import Latent, ModelBlock, Skipped, leaves
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
    assert codes("data { real x; real y; row_vector z; } model { real a ~ normal(x, ; y ~ normal(a + z, 1); }") == [
        "QEM127",
        "QEM104",
    ]


@pytest.mark.parametrize(
    "text",
    ["model { real a ~ normal(0, 1); y ~ normal(a, 1", "model {", "data {", "plate", "model { plate g { real x = (1 +"],
)
def test_truncated_texts_end_in_one_or_two_errors(text: str) -> None:
    assert 1 <= len([d for d in parse(Source("m", text)).diagnostics if d.is_error]) <= 2


def only(text: str) -> Diagnostic:
    (diagnostic,) = parse(Source("m.qem", text)).diagnostics
    return diagnostic


@pytest.mark.parametrize(
    ("statement", "part"),
    [
        (
            "for (i in 1:N) y[i] ~ normal(theta[i], s);",
            "declare `plate N;` in `data`, and write `plate N { y ~ normal(theta, s); }`",
        ),
        (
            "for (i in 1:8) { real m = a[i]; y[i] ~ f(m); }",
            "in `data`, and write `plate obs { real m = a; y ~ f(m); }`",
        ),
        (
            "for (i in 1:N) for (j in 1:M) y[i, j] ~ f(x[i], z[j, 2]);",
            "declare `plate N;` `plate M in N;` in `data`, and write `plate N { plate M { y ~ f(x, z[2]); } }`",
        ),
        ("for (t in 2:T) x[t] ~ normal(x[t - 1], s);", "`chain T { x ~ normal(prev(x), s) init ...; }`"),
        ("for (i in 1:N) target += normal_lpdf(y[i] | mu[i], 1);", "`plate N { y ~ normal(mu, 1); }`"),
        ("for (i in 1:N) y[i] ~ normal(i, 1);", "where the index itself counts, declare a data column"),
        ("for (x in xs) y ~ normal(x, 1);", "declare a plate in `data`"),
        ("if (x > 1) { a = 2; } else { a = 3; }", "write `real a = x > 1 ? 2 : 3;`"),
        ("if (f(x) > 1) a = 2; else a = 3;", "write `real a = f(x) > 1 ? 2 : 3;`"),
        ("if (x) y ~ f(1);", "`condition ? a : b`"),
        ("target += normal_lpdf(y | mu, f(1, 2));", "write `y ~ normal(mu, f(1, 2));`"),
        ("target += normal_lupdf(y | 0, 1) + poisson_lpmf(n | 3);", "write `y ~ normal(0, 1); n ~ poisson(3);`"),
        ("target += weibull_lccdf(t | a, s);", "write `t ~ weibull(a, s) right_censored(flag);`"),
        ("target += log_mix(p, a, b);", "declare a discrete latent"),
        (
            "target += log_mix(p, normal_lpdf(y | a, s), normal_lpdf(y | b, s));",
            "write `int<lower=0, upper=1> z ~ bernoulli(p); y ~ normal(z ? a : b, s);`",
        ),
        ("mu <- 3;", "write `real mu = 3;`"),
        ("real mu <- g(0, 1);", "write `real mu = g(0, 1);`, or `real mu ~ g(0, 1);` if that is a law"),
        ("y ~ 1 + x + (1 | g);", "such as `y ~ normal(a + b * x, sigma);`"),
        ("y ~ x * beta;", "name the law, such as `y ~ normal(x * beta, sigma);`"),
        ("increment_log_prob(normal_log(y, mu, s));", "write `y ~ normal(mu, s);`"),
        ("print(x);", "generated quantities"),
        ("real a = x**2;", "write `x^2`"),
        ("real a = (x + 1).^2;", "it works by element"),
        ("real a = n %/% 2;", "write `floor(n / 2)`"),
        ("real a = x and y;", "write `&&`"),
        ("real a = 2x;", "write `2 * x` for a product"),
        ("real a = 1_000;", "write `1000`"),
        ("row_vector[3] b ~ f(1);", "write `vector[n]`"),
        ("cholesky_factor_cov[3] L ~ f(1);", "`diag_pre_multiply(scale, L)`"),
        ("palte g { y ~ f(1); }", "did you mean `plate`?"),
        ("y ~ f(1) T(0, );", "`T[lower, upper]`"),
        ("x *= 2;", "`real total = x * ...;`"),
        ("y f(1);", "write `y ~ f(...)`"),
    ],
)
def test_habits_are_answered_with_the_rewrite_in_the_names_of_the_text(statement: str, part: str) -> None:
    assert part in (only(f"model {{ {statement} }}").hint or "")


def test_a_long_loop_is_rewritten_on_lines_of_its_own() -> None:
    text = """model {
  for (i in 1:N) { // each subject
    real m = mu[i] + beta * treatment[i];
    for (j in 1:M) {
      y[i, j] ~ normal(m + effect_of_visit[j], sigma);
    }
    z[i] ~ bernoulli_logit(m);
  }
}"""
    assert (
        only(text).notes[0]
        == """in this language:
  plate N {
    real m = mu + beta * treatment;
    plate M {
      y ~ normal(m + effect_of_visit, sigma);
    }
    z ~ bernoulli_logit(m);
  }"""
    )


def test_parameters_are_rewritten_with_their_laws() -> None:
    text = """parameters { real mu; real<lower=0> tau; array[J] real theta; vector[3] b; }
model { mu ~ normal(0, 5); tau ~ cauchy(0, 5); theta ~ normal(mu, tau); }"""
    assert (
        only(text).notes[0]
        == """in this language:
  model {
    real mu ~ normal(0, 5);
    real<lower=0> tau ~ cauchy(0, 5);
    vector[J] theta ~ normal(mu, tau);
    vector[3] b ~ ...;
    ...
  }"""
    )


@pytest.mark.parametrize("name", ["T", "quantities", "lower", "upper", "e1"])
def test_soft_words_are_names_everywhere_else(name: str) -> None:
    text = (
        f"data {{ plate {name}; plate a in {name} by {name}; real {name}[{name}]; dim {name} = 3; }}"
        f"model {{ real {name} ~ normal({name}, 1) T[{name}, ]; {name} ~ f({name} / {name}[{name}], {name}={name});"
        f"plate {name} {{ real x = ({name}) * {name}({name} over {name}); }} {name}[1] = 2; }}"
        f"generated quantities {{ real q = x / {name}[1]; }}"
    )
    assert parse(Source("m", text)).diagnostics == ()


@pytest.mark.parametrize(
    "text",
    [
        "model { y ~ normal(0, 1)@ T ~ normal(0, 1); }",
        "model { y ~ normal(0, 1) T[0, ]@real x = 1; }",
        "model { y ~ weibull(1, 1) right_censored(c)@real x = 1; }",
        "model { chain t { real x ~ f(prev(x)) init g(1)@y ~ f(x); } }",
        "model { real x ~ f(1) approx gamma@real y = 1; }",
        "model { real x = sum(y over g)@}",
        "data { missing real y[t]@chain t; } model { }",
        "data { array[2] int x@simplex[3] w; } model { }",
    ],
)
def test_a_missing_semicolon_is_seen_after_every_suffix(text: str) -> None:
    before, after = text.split("@")
    diagnostic = only(before + "\n" + after)
    assert diagnostic.code == "QEM101"
    assert diagnostic.span is not None
    assert diagnostic.span.end == len(before)


def test_spans_of_statements_begin_with_their_optional_words() -> None:
    text = "data { missing real y; real z; } model { sampled int k ~ f(1) init g(2) approx h; int j ~ f() T[1, ] left_censored(c); }"
    program = parse(Source("m", text)).program
    spans = [
        leaf.span.text for block in program.blocks if not isinstance(block, Skipped) for leaf in leaves(block.body)
    ]
    assert spans == [
        "missing real y;",
        "real z;",
        "sampled int k ~ f(1) init g(2) approx h;",
        "int j ~ f() T[1, ] left_censored(c);",
    ]
    assert isinstance(program.blocks[1], ModelBlock)
    latent = program.blocks[1].body[1]
    assert isinstance(latent, Latent)
    assert latent.law.span.text == "f() T[1, ] left_censored(c)"
    assert latent.type.span.text == "int"


def test_many_mistakes_of_one_statement_end_in_skipping_it() -> None:
    text = "model { real x = exp(" + "1 " * 20_000 + "); real y = ; }"
    assert 2 < len(parse(Source("m", text)).diagnostics) < 30
