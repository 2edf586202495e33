"""Equal rows that are counted, against the same rows one by one, at the same particles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.particles import Particles
from qemppl.engine.qem import Sampler, Weighted
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

ROWS = 60
DECLARED = {
    "neg_binomial_2(exp(a + b * x), 3)": "int y[row];",
    "student_t(4, a + b * x, exp(0.2 * x))": "real y[row];",
    "normal(a + b * x, 1) right_censored(late)": "real y[row];",
    "multi_normal(m, S)": "vector[2] y[row];",
    "beta_binomial(n, exp(a), exp(b))": "int y[row];",
}


def plan_of(law: str, *left_out: str) -> Plan:
    text = f"""
    data {{ plate g; plate row in g by g_of; int x[row]; int<lower=0> n[row]; int<lower=0, upper=1> late[row];
      {DECLARED[law]} vector[2] m; matrix[2, 2] S; }}
    model {{ real b ~ normal(0, 1); plate g {{ real a ~ normal(0, 1); plate row {{ y ~ {law}; }} }} }}
    """
    rng = np.random.default_rng(4)
    y = rng.integers(0, 3, (ROWS, 2) if law.startswith("multi") else ROWS)
    data = {
        "g_of": rng.integers(1, 4, ROWS),
        "x": rng.integers(0, 2, ROWS),
        "n": rng.integers(3, 5, ROWS),
        "late": rng.integers(0, 2, ROWS),
        "y": y if DECLARED[law].startswith("int") else y.astype(float),
        "m": [0.5, 1.0],
        "S": [[1.0, 0.3], [0.3, 2.0]],
    }
    bound = compile_model(text=text).bind(data)[0]
    return make_plan(bound, replace(CPU, passes=ALL_PASSES - {"moments", "statistics", *left_out}), particles=6)


def weighted(plan: Plan, particles: Particles) -> Weighted:
    sampler = Sampler(plan, Contraction(plan), torch.Generator())
    return sampler.weigh(sampler.log_factors(particles))


@pytest.mark.parametrize("law", DECLARED)
def test_counted_rows_have_the_log_density_of_all(law: str) -> None:
    ours, theirs = plan_of(law), plan_of(law, "counts")
    counted = [reduction for reduction in ours.reductions if "counted" in reduction.how]
    assert sum(reduction.count for reduction in counted) == ROWS
    assert all(reduction.left < reduction.count for reduction in counted)
    assert not any("counted" in reduction.how for reduction in theirs.reductions)
    generator = torch.Generator().manual_seed(3)
    particles = Sampler(ours, Contraction(ours), generator).e_step(starting_proposals(ours, generator)).particles
    found, expected = weighted(ours, particles), weighted(theirs, particles)
    assert float(found.evidence.log_z) == pytest.approx(float(expected.evidence.log_z), rel=1e-11)
    for group, weights in expected.weights.items():
        torch.testing.assert_close(found.weights[group], weights, rtol=1e-9, atol=1e-13)


def test_rows_that_differ_stay() -> None:
    text = "data { plate row; real y[row]; } model { real m ~ normal(0, 1); plate row { y ~ student_t(4, m, 1); } }"
    bound = compile_model(text=text).bind({"y": [1.0, 2.0, 3.0, 3.0, 4.0, 5.0]})[0]
    assert not make_plan(bound, CPU).reductions
