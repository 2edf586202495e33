"""The elimination order: every group summed out once, and no product larger than it must be."""

from __future__ import annotations

import numpy as np
import pytest

from qemppl.compile.plan import Plan, make_plan
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.qem import Sampler
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU


def plan(text: str, particles: int = 8, **data: object) -> Plan:
    return make_plan(compile_model(text=text).bind(data)[0], CPU, particles)


def test_groups_that_do_not_meet_are_summed_out_alone() -> None:
    scales = " ".join(f"real<lower=0> s{i} ~ gamma(2, 1) approx gamma;" for i in range(20))
    found = plan(f"model {{ {scales} }}")
    assert sorted(group for step in found.elimination.steps for group in step.eliminated) == sorted(
        f"s{i}" for i in range(20)
    )
    assert max(len(step.dims) for step in found.elimination.steps) == 1


def test_a_chain_of_groups_never_holds_more_than_three() -> None:
    links = " ".join(f"real<lower=0> s{i} ~ gamma(2, s{i - 1}) approx gamma;" for i in range(1, 8))
    found = plan(f"model {{ real<lower=0> s0 ~ gamma(2, 1) approx gamma; {links} }}")
    assert max(len(step.dims) for step in found.elimination.steps) <= 3


@pytest.mark.parametrize("particles", [1, 3])
def test_independent_groups_have_the_product_of_their_evidences(particles: int) -> None:
    text = "data {{ real x; real y; }} model {{ {} {} }}"
    first = "real a ~ normal(0, 1); x ~ normal(a, 1);"
    second = "real<lower=0> b ~ gamma(2, 1) approx gamma; y ~ normal(b, 1);"
    both = plan(text.format(first, second), particles, x=0.3, y=1.2)
    sampler = Sampler(both, Contraction(both), torch.Generator().manual_seed(1))
    step = sampler.e_step(starting_proposals(both, sampler.generator))
    z = {name: values.numpy().ravel() for name, values in step.particles.values.items()}
    log_q = {name: cloud.log_q.numpy().ravel() for name, cloud in step.particles.clouds.items()}
    parts = {
        "a": -0.5 * z["a"] ** 2 - 0.5 * (0.3 - z["a"]) ** 2 - np.log(2 * np.pi),
        "b": np.log(z["b"]) - z["b"] - 0.5 * (1.2 - z["b"]) ** 2 - 0.5 * np.log(2 * np.pi),
    }
    exact = sum(np.log(np.mean(np.exp(parts[name] - log_q[name]))) for name in parts)
    assert float(sampler.weigh(step).evidence.log_z) == pytest.approx(exact, rel=1e-10)


def test_a_model_without_globals_keeps_its_evidence() -> None:
    """The evidence must not change when the same workspace serves another beta."""
    found = plan(
        "data { plate g; real y[g]; } model { plate g { real a ~ normal(0, 1); y ~ normal(a, 0.1); } }", y=[1.0, 2.0]
    )
    sampler = Sampler(found, Contraction(found), torch.Generator().manual_seed(1))
    step = sampler.e_step(starting_proposals(found, sampler.generator))
    first = sampler.weigh(step)
    before = float(first.evidence.log_z)
    sampler.weigh(step, 1e-6)
    assert float(first.evidence.log_z) == before
