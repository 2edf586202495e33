"""Binary rows that share a logarithm have the densities of their rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qemppl.compile import packs
from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.qem import Sampler
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

REGRESSION = """
data { plate r; real x[r]; missing int<lower=0, upper=1> y[r]; }
model { joint { real a ~ normal(0, 1); real b ~ normal(0, 1); } plate r { y ~ bernoulli_logit(a + b * x); } }
"""
OCCUPANCY = """
data { plate site; plate r in site by site_of; real x[r]; int<lower=0, upper=1> y[r]; }
model { real a ~ normal(0, 1); real b ~ normal(0, 1);
  plate site { int<lower=0, upper=1> z ~ bernoulli(0.4); plate r { y ~ bernoulli_logit(z ? a + b * x : -5); } } }
"""
GROUPED = """
data { plate site; plate r in site by site_of; real x[r]; int<lower=0, upper=1> y[r]; }
model { plate site { real a ~ normal(0, 1); plate r { y ~ bernoulli_logit(a * x); } } }
"""
MODELS = {"regression": REGRESSION, "occupancy": OCCUPANCY, "grouped": GROUPED}


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "FEWEST_ROWS", 10)


def plan(name: str, *, without: str = "", scale: float = 1.0) -> Plan:
    rng = np.random.default_rng(1)
    site_of = np.concatenate([np.arange(1, 11), rng.integers(1, 11, 60)])
    y = rng.integers(0, 2, 70).astype(object)
    data = {"x": scale * rng.normal(size=70), "y": y, "site_of": site_of}
    if name == "regression":
        y[::9] = None
        del data["site_of"]
    bound = compile_model(text=MODELS[name]).bind(data)[0]
    return make_plan(bound, replace(CPU, passes=ALL_PASSES - {without}), particles=6)


def check_same_numbers(packed: Plan, by_row: Plan) -> None:
    generator = torch.Generator().manual_seed(1)
    sampler = Sampler(by_row, Contraction(by_row), generator)
    step = sampler.e_step(starting_proposals(by_row, generator))
    ours, theirs = Sampler(packed, Contraction(packed), generator), sampler.weigh(step)
    found = ours.weigh(ours.log_factors(step.particles))
    assert float(found.evidence.log_z) == pytest.approx(float(theirs.evidence.log_z), rel=1e-11)
    for group, weights in theirs.weights.items():
        torch.testing.assert_close(found.weights[group], weights, rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("name", MODELS)
def test_packs_have_the_density_of_their_rows(name: str) -> None:
    packed = plan(name)
    assert [reduction.how.split(" of ")[0] for reduction in packed.reductions] == ["packs"]
    check_same_numbers(packed, plan(name, without="binary"))


@pytest.mark.parametrize("name", MODELS)
def test_products_that_overflow_are_not_taken(name: str) -> None:
    check_same_numbers(plan(name, scale=1e4), plan(name, scale=1e4, without="binary"))


def test_rows_of_their_own_member_are_left() -> None:
    text = "data { plate r; int<lower=0, upper=1> y[r]; } model { plate r { real a ~ normal(0, 1); y ~ bernoulli_logit(a); } }"
    bound = compile_model(text=text).bind({"y": [0, 1] * 10})[0]
    assert make_plan(bound, CPU, 4).reductions == ()
