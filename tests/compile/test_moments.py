"""Second moments of the data against the rows they stand for, at the same particles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qemppl.compile import moments
from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.compile.show import show_plan
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.particles import Particles
from qemppl.engine.qem import Sampler, Weighted
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

GROUPS, ROWS, COLUMNS = 6, 90, 3
HEAD = """
data { dim P; plate region; plate g in region by region_of; plate obs in g by g_of; real x[obs]; real t[g]; vector[P] w[obs]; real y[obs]; }
model {
  real mu ~ normal(0, 1); real slope ~ normal(0, 1); vector[P] beta ~ normal(0, 1);
  real<lower=0> sigma ~ normal(0, 2);
"""
NEST = "plate region { real r ~ normal(0, 1); plate g { real a ~ normal(r, 1); real b ~ normal(slope, 1); plate obs { %s } } } }"
MODELS = {
    "an effect and a slope": "y ~ normal(a + slope * x, sigma);",
    "two effects of a group": "y ~ normal(a + b * x, sigma);",
    "three plates": "y ~ normal(mu + r * x + a + b * x / 2, sigma);",
    "vectors": "y ~ normal(a + dot_product(w, beta) - 2 * x, sigma);",
    "products of latents": "y ~ normal(mu * slope * x - a, sigma);",
    "names": "real eta = a + slope * x; y ~ normal(eta - t * mu, sigma);",
    "no effect of the group": "y ~ normal(mu + slope * x, sigma);",
    "known sd": "y ~ normal(a + slope * x, 0.7);",
    "sd of the group": "y ~ normal(a + slope * x, exp(b));",
    "division by a latent": "y ~ normal(a + x / sigma, sigma);",
}
NOT_LINEAR = {
    "a power": "y ~ normal(a + slope^x, sigma);",
    "sd of the row": "y ~ normal(a + slope * x, sigma * exp(x));",
    "another law": "y ~ student_t(3, a + slope * x, sigma);",
    "no column": "y ~ normal(a + mu, sigma);",
}


def data(location: float = 0.0) -> dict[str, object]:
    rng = np.random.default_rng(1)
    group = np.sort(np.concatenate([np.arange(GROUPS - 1), rng.integers(0, GROUPS - 1, ROWS - GROUPS + 1)]))
    return {
        "region_of": np.repeat([1, 2], GROUPS // 2),
        "g_of": group + 1,  # the last group has no rows
        "x": rng.normal(size=ROWS),
        "t": rng.normal(size=GROUPS),
        "w": rng.normal(size=(ROWS, COLUMNS)),
        "y": location + rng.normal(size=ROWS),
    }


def plan_of(statement: str, rows: dict[str, object], *left_out: str) -> Plan:
    bound = compile_model(text=HEAD + NEST % statement).bind(rows)[0]
    return make_plan(bound, replace(CPU, passes=ALL_PASSES - set(left_out)), particles=5)


def is_reduced(plan: Plan) -> bool:
    return any("second moments" in reduction.how for reduction in plan.reductions)


def particles_of(plan: Plan) -> Particles:
    generator = torch.Generator().manual_seed(3)
    return Sampler(plan, Contraction(plan), generator).e_step(starting_proposals(plan, generator)).particles


def weighted(plan: Plan, particles: Particles) -> Weighted:
    sampler = Sampler(plan, Contraction(plan), torch.Generator())
    return sampler.weigh(sampler.log_factors(particles))


@pytest.mark.parametrize("name", MODELS)
def test_moments_have_the_log_density_of_their_rows(name: str) -> None:
    ours, theirs = (plan_of(MODELS[name], data(), *left_out) for left_out in ((), ("moments",)))
    assert is_reduced(ours)
    assert not is_reduced(theirs)
    assert f"y ~ normal: {ROWS} rows in {ours.reductions[0].left}, second moments" in show_plan(ours)
    particles = particles_of(ours)
    found, expected = weighted(ours, particles), weighted(theirs, particles)
    assert float(found.evidence.log_z) == pytest.approx(float(expected.evidence.log_z), rel=1e-11)
    for group, weights in expected.weights.items():
        torch.testing.assert_close(found.weights[group], weights, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_other_rows_stay(name: str) -> None:
    assert not is_reduced(plan_of(NOT_LINEAR[name], data()))


def test_each_group_costs_a_row() -> None:
    """One for each group, and one for the slope."""
    assert plan_of(MODELS["an effect and a slope"], data()).reductions[0].left == GROUPS + 1


def test_few_rows_stay() -> None:
    rows = {
        name: values[:8] if len(np.shape(values)) and len(values) == ROWS else values for name, values in data().items()
    }
    assert not is_reduced(plan_of(MODELS["two effects of a group"], rows))


def test_outcomes_far_from_zero() -> None:
    """At 1e6 sd, where sums of squares about 0 would have lost all digits of those about the mean."""
    text = """
    data { plate obs; real x[obs]; real y[obs]; }
    model { real b ~ normal(0, 1); real m ~ normal(1e6, 1); plate obs { y ~ normal(m + b * x, 1); } }
    """
    bound = compile_model(text=text).bind({name: values for name, values in data(1e6).items() if name in "xy"})[0]
    ours, theirs = (
        make_plan(bound, replace(CPU, passes=passes), 50, separate=True)
        for passes in (ALL_PASSES, ALL_PASSES - {"moments"})
    )
    assert is_reduced(ours)
    particles = particles_of(ours)
    found, expected = (float(weighted(plan, particles).evidence.log_z) for plan in (ours, theirs))
    assert found == pytest.approx(expected, abs=1e-5)


def test_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "WORTH_IT", 0.0)
    assert not is_reduced(plan_of(MODELS["an effect and a slope"], data()))
