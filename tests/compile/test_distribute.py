"""Dot products of sums and products: what an iteration multiplies, and what it finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.driver import compile_model
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU
from tests.engine.test_passes import particles_of, weighted

PARTICLES, COMPONENTS = 5, 3
DATA = """
data {
  dim n;
  plate group;
  plate row in group by group_of;
  vector[n] x[row];
  int<lower=0, upper=1> y[row];
}
"""
COEFFICIENTS = {
    "mu + exp(psi) .* e": 3,
    "mu - tau * e": 3,
    "tau - e": 2,
    "mu .* exp(psi) .* e + tau": 4,
    "(mu + e) .* exp(psi)": 3,
    "e - mu": 2,
}
"""How many latents each reads."""


def plans(coefficient: str) -> tuple[Plan, Plan]:
    """With and without the pass."""
    rng = np.random.default_rng(1)
    text = f"""{DATA}
model {{
  vector[n] mu ~ normal(0, 1);
  vector[n] psi ~ normal(0, 1);
  real<lower=0> tau ~ normal(0, 1);
  plate group {{
    vector[n] e ~ normal(0, 1);
    vector[n] b = {coefficient};
    plate row {{ y ~ bernoulli_logit(dot_product(b, x)); }}
  }}
}}
"""
    data = {
        "group_of": np.repeat([1, 2, 3, 4], 3),
        "x": rng.normal(size=(12, COMPONENTS)),
        "y": rng.integers(0, 2, 12),
    }
    bound = compile_model(text=text).bind(data)[0]
    without = make_plan(bound, replace(CPU, passes=ALL_PASSES - {"distribute"}), PARTICLES, separate=True)
    return make_plan(bound, CPU, PARTICLES, separate=True), without


def largest_temporary(plan: Plan) -> int:
    """Numbers that an instruction computes for a member."""
    layouts = (i.layout for level in plan.levels for i in level.instructions)
    return max(PARTICLES ** len(layout.groups) * int(np.prod(layout.event)) for layout in layouts)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
def test_the_numbers_are_the_same_to_rounding(coefficient: str) -> None:
    ours, theirs = plans(coefficient)
    particles = particles_of(theirs, seed=1)
    found, expected = weighted(ours, particles), weighted(theirs, particles)
    assert float(found.evidence.log_z) == pytest.approx(float(expected.evidence.log_z), rel=1e-12)
    for group, weights in expected.weights.items():
        torch.testing.assert_close(found.weights[group], weights, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("coefficient", "latents"), COEFFICIENTS.items())
def test_nothing_has_all_particles_and_components(coefficient: str, latents: int) -> None:
    ours, theirs = plans(coefficient)
    assert largest_temporary(ours) == PARTICLES**latents
    assert largest_temporary(theirs) == COMPONENTS * PARTICLES**latents
