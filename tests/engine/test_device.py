"""Nothing in an iteration assumes the CPU: tensors of another device never meet one of the CPU.

The device is torch's `meta`, whose tensors have a shape and no values, so that no graphics card is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from qemppl.compile.plan import Plan, make_plan
from qemppl.compile.program import Program
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.log_factors import log_factors
from qemppl.engine.particles import Particles
from qemppl.engine.qem import Sampler
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

MODEL = """
data { plate g; plate h in g by g_of; real x[h]; real y[h]; }
model {
  real mu ~ normal(0, 1);
  real<lower=0> tau ~ normal(0, 1);
  vector[2] slope ~ normal(0, 1);
  plate g {
    real theta ~ normal(mu, tau);
    int<lower=1, upper=2> z ~ categorical(softmax(slope));
    plate h { y ~ student_t(4, theta + slope[z] * x, 0.8); }
  }
}
"""
ROWS = {"g_of": [1, 1, 2, 3, 3], "x": [0.1, 0.4, 0.5, 1.0, 2.0], "y": [1.0, 2.0, 0.5, 0.3, -1.0]}


def elsewhere(plan: Plan, away: Callable[[torch.Tensor], torch.Tensor]) -> Plan:
    """The plan with its constants on another device."""

    def moved(program: Program) -> Program:
        constants = {slot: away(value) for slot, value in program.constants.items()}
        return replace(program, constants=constants, device="meta")

    slabs = tuple(replace(slab, program=moved(slab.program)) for slab in plan.slabs)
    return replace(plan, trunk=moved(plan.trunk), slabs=slabs, target=replace(plan.target, device="meta"))


def test_an_iteration_stays_on_the_device() -> None:
    plan = make_plan(compile_model(text=MODEL).bind(ROWS)[0], CPU, particles=8)
    generator = torch.Generator().manual_seed(1)
    step = Sampler(plan, Contraction(plan), generator).e_step(starting_proposals(plan, generator))

    def away(value: torch.Tensor) -> torch.Tensor:
        return torch.empty(value.shape, dtype=value.dtype, device="meta")

    moved = elsewhere(plan, away)
    clouds = {
        name: replace(cloud, u=away(cloud.u), log_q=away(cloud.log_q), narrowing=away(cloud.narrowing))
        for name, cloud in step.particles.clouds.items()
    }
    values = {name: away(value) for name, value in step.particles.values.items()}
    contraction = Contraction(moved)
    factors = log_factors(moved, contraction, Particles(values, clouds))
    plain = contraction.run(factors)
    evidence = contraction.temper(factors, plain, [0.5], {name: cloud.narrowing for name, cloud in clouds.items()})
    weights = contraction.marginals(evidence)
    moments = {group.name: group.family.moments(clouds[group.name].u, weights[group.name]) for group in plan.groups}
    assert evidence.log_z.device.type == "meta"
    assert {weight.device.type for weight in weights.values()} == {"meta"}
    assert {moment.device.type for moment in moments.values()} == {"meta"}


def test_a_meeting_would_be_noticed() -> None:
    with pytest.raises(RuntimeError, match="device"):
        torch.zeros(2, device="meta") + torch.zeros(2)
