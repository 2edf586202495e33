"""What a plan refuses, by code and with the statement that it is about."""

from __future__ import annotations

import pytest

from qemppl.compile.plan import make_plan
from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.driver import compile_model
from tests.engine.targets import CPU


def refusal(text: str, data: dict[str, object]) -> tuple[str, str]:
    with pytest.raises(DiagnosticsError) as caught:
        make_plan(compile_model(text=text).bind(data)[0], CPU)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    return diagnostic.code, diagnostic.span.text


def test_more_values_than_can_be_summed_over() -> None:
    text = """
    data { plate site; int<lower=0> most[site]; int<lower=0> y[site]; }
    model {
      real<lower=0, upper=1> p ~ beta(1, 1);
      plate site { int n ~ binomial(most, 0.5); y ~ binomial_logit(most, p * n); }
    }
    """
    statement = "int n ~ binomial(most, 0.5);"
    assert refusal(text, {"most": [10, 5000], "y": [3, 2]}) == ("QEM506", statement)


def test_a_chain_without_memory_is_a_plate() -> None:
    text = "data { chain t; real y[t]; } model { real m ~ normal(0, 1); chain t { y ~ normal(m, 1); } }"
    assert make_plan(compile_model(text=text).bind({"y": [1.0, 2.0]})[0], CPU).groups[0].name == "m"


def test_a_simplex_of_one_component_has_nothing_to_infer() -> None:
    text = """
    data { dim K; plate obs; int<lower=1, upper=K> y[obs]; }
    model { simplex[K] p ~ dirichlet(rep_vector(1, K)); plate obs { y ~ categorical(p); } }
    """
    statement = "simplex[K] p ~ dirichlet(rep_vector(1, K));"
    assert refusal(text, {"K": 1, "y": [1, 1]}) == ("QEM508", statement)
