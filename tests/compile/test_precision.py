"""Single precision where a bound of its error allows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qemppl.compile import precision
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

MODEL = """
data { plate group; plate row in group by group_of; real x[row]; int<lower=0, upper=1> y[row]; }
model { real mu ~ normal(0, 2); real<lower=0> tau ~ normal(0, 1); real slope ~ normal(0, 2);
  plate group { real alpha ~ normal(mu, tau); plate row { y ~ bernoulli_logit(alpha + slope * x); } } }
"""
GROUPS = 2000


@pytest.fixture(scope="module")
def plans() -> tuple[Plan, Plan]:
    """With and without the pass."""
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(1, GROUPS + 1), 2)
    data = {"group_of": group, "x": rng.normal(size=2 * GROUPS), "y": rng.integers(0, 2, 2 * GROUPS)}
    bound = compile_model(text=MODEL).bind(data)[0]
    return make_plan(bound, CPU, 16), make_plan(bound, replace(CPU, passes=ALL_PASSES - {"single"}), 16)


def sampler_of(plan: Plan) -> Sampler:
    return Sampler(plan, Contraction(plan), torch.Generator().manual_seed(1))


def weighted(plan: Plan, particles: Particles) -> Weighted:
    sampler = sampler_of(plan)
    return sampler.weigh(sampler.log_factors(particles))


def test_the_evidence_is_within_the_bound_and_is_rounded(plans: tuple[Plan, Plan]) -> None:
    single, double = plans
    assert single.single_error is not None
    assert double.single_error is None
    sampler = sampler_of(single)
    errors = []
    for _ in range(20):
        particles = sampler.e_step(starting_proposals(single, sampler.generator)).particles
        ours, theirs = weighted(single, particles), weighted(double, particles)
        errors.append(abs(float(ours.evidence.log_z - theirs.evidence.log_z)))
        for group, weights in theirs.weights.items():
            torch.testing.assert_close(ours.weights[group], weights, rtol=1e-4, atol=1e-6)
    assert max(errors) <= single.single_error
    assert max(errors) > 1e-9  # single precision was at work


def test_weights_are_in_double_precision_and_sum_to_one(plans: tuple[Plan, Plan]) -> None:
    sampler = sampler_of(plans[0])
    found = sampler.weigh(sampler.e_step(starting_proposals(plans[0], sampler.generator)))
    for weights in found.weights.values():
        assert weights.dtype == torch.float64
        torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[:, 0]), rtol=0, atol=2e-6)


def test_explain_tells_the_bound(plans: tuple[Plan, Plan]) -> None:
    single, double = plans
    assert f"log Zhat is off by at most {single.single_error:.0e} nats" in show_plan(single)
    assert "single precision" not in show_plan(double).split("left out")[0]


def test_not_for_few_entries_or_where_the_bound_is_too_large(
    plans: tuple[Plan, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = plans[0].bound
    monkeypatch.setattr(precision, "WORTH_IT", 10**9)
    assert make_plan(bound, CPU, 16).single_error is None
    monkeypatch.setattr(precision, "WORTH_IT", 1)
    assert make_plan(bound, CPU, 16).single_error is not None
    monkeypatch.setattr(precision, "TOLERANCE", 1e-9)
    assert make_plan(bound, CPU, 16).single_error is None


def test_the_bound_of_one_sum_holds_for_any_weights() -> None:
    """log of a sum of exponentials in single precision against double: shifted terms as flat and as steep as they come."""
    generator = torch.Generator().manual_seed(2)
    for count in (2, 16, 128):
        for scale in (0.1, 1.0, 10.0, 100.0):
            terms = scale * torch.randn(4000, count, generator=generator, dtype=torch.float64)
            terms -= terms.amax(1, keepdim=True)
            exact, single = terms.exp().sum(1).log(), terms.float().exp()
            for rounded in (
                single.sum(1),
                single.T.reshape(1, count, -1).contiguous().sum(1)[0],
            ):  # rows, and as in the engine
                assert float((exact - rounded.double().log()).abs().max()) <= precision._error(count)
