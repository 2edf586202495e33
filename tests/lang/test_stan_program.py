from __future__ import annotations

import pytest

from qemppl.diagnostics.source import Source
from qemppl.lang.frontend import compile_text
from qemppl.lang.syntax.grammar import load_grammar
from qemppl.lang.syntax.stan_program import translate
from tests.lang.programs import check

SCHOOLS = """data { int<lower=0> J; array[J] real y; array[J] real<lower=0> sigma; }
parameters { real mu; real<lower=0> tau; array[J] real theta; }
model { mu ~ normal(0, 5); tau ~ cauchy(0, 5); theta ~ normal(mu, tau); y ~ normal(theta, sigma); }"""
OLD_ARRAYS = """data { int J; real y[J]; real<lower=0> sigma[J]; }
parameters { real theta[J]; real mu; real<lower=0> tau; }
model { tau ~ cauchy(0, 5); for (j in 1:J) { theta[j] ~ normal(mu, tau); y[j] ~ normal(theta[j], sigma[j]); } }"""
REGRESSION = """data { int<lower=0> N; int<lower=0> K; matrix[N, K] x; vector[N] y; }
parameters { real alpha; vector[K] beta; real<lower=0> sigma; }
model { alpha ~ normal(0, 10); beta ~ normal(0, 2); sigma ~ exponential(1); y ~ normal(alpha + x * beta, sigma); }"""
LOGISTIC = """data { int N; array[N] vector[2] x; array[N] int<lower=0, upper=1> y; }
parameters { vector[2] b; }
model { b ~ normal(0, 2.5); for (n in 1:N) y[n] ~ bernoulli_logit(x[n] * b); }
generated quantities { real odds = exp(b[1]); }"""
GROUPS = """data { int N; int J; array[N] int<lower=1, upper=J> county; vector[N] x; vector[N] y; vector[J] u; }
parameters { real mu; real g; real<lower=0> s; vector[J] alpha; real beta; real<lower=0> sigma; }
model {
  mu ~ normal(0, 5); g ~ normal(0, 1); s ~ normal(0, 1); beta ~ normal(0, 1); sigma ~ normal(0, 1);
  alpha ~ normal(mu + g * u, s);
  y ~ normal(alpha[county] + beta * x, sigma);
}"""
ONE_GROUPING_BY_LOOP = GROUPS.replace(
    "y ~ normal(alpha[county] + beta * x,", "for (i in 1:N) y[i] ~ normal(alpha[county[i]] + beta * x[i],"
)


def lines(text: str) -> list[str] | None:
    return translate(load_grammar().lexemes(Source("m.stan", text)))


@pytest.mark.parametrize("text", [SCHOOLS, OLD_ARRAYS, REGRESSION, LOGISTIC, GROUPS, ONE_GROUPING_BY_LOOP])
def test_the_translation_of_a_program_is_right(text: str) -> None:
    translated = lines(text)
    assert translated is not None
    assert compile_text(Source("m.qem", "\n".join(translated))).model is not None
    notes = [d.notes for d in check(text).diagnostics if d.code == "QEM106" and d.notes]
    assert notes == [("\n  ".join(["in this language:", *translated]),)]


def test_groups_become_a_plate_around() -> None:
    translated = lines(ONE_GROUPING_BY_LOOP)
    assert translated == lines(GROUPS)
    assert translated is not None
    assert (
        "\n".join(translated)
        == """data {
  int N;
  int J;
  plate group[J];
  plate obs[N] in group by county;
  real x[obs];
  real y[obs];
  real u[group];
}
model {
  real mu ~ normal(0, 5);
  real g ~ normal(0, 1);
  real<lower=0> s ~ normal(0, 1);
  real beta ~ normal(0, 1);
  real<lower=0> sigma ~ normal(0, 1);
  plate group {
    real alpha ~ normal(mu + g * u, s);
    plate obs {
      y ~ normal(alpha + beta * x, sigma);
    }
  }
}"""
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model { y ~ normal(0, 1); }",
        SCHOOLS.replace("mu ~ normal(0, 5);", "target += normal_lpdf(mu | 0, 5);"),
        SCHOOLS.replace("mu ~ normal(0, 5);", "if (J > 1) mu ~ normal(0, 5);"),
        SCHOOLS.replace("real mu;", "real obs; real mu;"),
        SCHOOLS.replace("theta ~ normal(mu, tau);", "theta ~ normal(mu, tau); theta ~ normal(0, 1);"),
        SCHOOLS.replace("mu ~ normal(0, 5);", "mu ~ normal(sum(theta), 5);"),
        SCHOOLS + "\ntransformed parameters { real z = mu; }",
        GROUPS.replace("array[N] int<lower=1, upper=J> county;", "array[N] int county; array[N] int state;").replace(
            "alpha[county]", "alpha[county] + alpha[state]"
        ),
    ],
)
def test_what_has_no_place_is_left_to_other_explanations(text: str) -> None:
    assert lines(text) is None
