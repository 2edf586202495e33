"""Densities as matrix products: the numbers of the elementwise densities, for every law and shape, and where a product would cancel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qemppl.compile import natural
from qemppl.compile.assemble import BLOCK_ENTRIES
from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.data.bound import BoundModel
from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.particles import Particles
from qemppl.engine.qem import Sampler, Weighted
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

DATA = {"g_of": [1, 1, 2, 3, 3], "y": [1.0, 2.0, 0.5, 0.3, -1.0], "n": [4, 5, 6]}
PARTICLES = 7


def bound_model(latents: str, group: str) -> BoundModel:
    text = f"""
    data {{ plate g; plate h in g by g_of; real y[h]; int<lower=0> n[g]; }}
    model {{ {latents} plate g {{ {group} plate h {{ y ~ normal(sum_of_group, 1); }} }} }}
    """
    return compile_model(text=text).bind(DATA)[0]


LOCATION = "vector[3] m ~ normal(0, 2); real<lower=0> s ~ normal(0, 1);"
RATE = "real<lower=0> r ~ gamma(2, 1);"
CHANCE = "real<lower=0, upper=1> p ~ beta(2, 2);"
MODELS = {
    "vector of normals": (LOCATION, "vector[3] a ~ normal(m, s); real sum_of_group = sum(a);"),
    "arguments without the event": (
        "real m ~ normal(0, 2); real<lower=0> s ~ normal(0, 1);",
        "vector[3] a ~ normal(m, s); real sum_of_group = sum(a);",
    ),
    "arguments of a plate": (
        "real<lower=0> s ~ normal(0, 1);",
        "vector[2] b ~ normal(0, 1); vector[2] a ~ normal(b, s); real sum_of_group = sum(a);",
    ),
    "known location": ("real<lower=0> s ~ normal(0, 1);", "vector[2] a ~ normal(1, s); real sum_of_group = sum(a);"),
    "gamma": (RATE, "vector<lower=0>[2] a ~ gamma(2, r); real sum_of_group = sum(a);"),
    "beta": (RATE, "vector<lower=0, upper=1>[2] a ~ beta(r, 2); real sum_of_group = sum(a);"),
    "lognormal": (LOCATION, "vector<lower=0>[3] a ~ lognormal(m, s); real sum_of_group = sum(a);"),
    "poisson": (RATE, "sampled int<lower=0> z ~ poisson(r); real sum_of_group = z;"),
    "binomial of known size": (CHANCE, "int<lower=0, upper=6> z ~ binomial(n, p); real sum_of_group = z;"),
    "bernoulli": (CHANCE, "int<lower=0, upper=1> z ~ bernoulli(p); real sum_of_group = z;"),
    "dirichlet": ("vector<lower=0>[3] c ~ gamma(2, 1);", "simplex[3] a ~ dirichlet(c); real sum_of_group = a[1];"),
    "multi_normal_cholesky": (
        "vector[2] m ~ normal(0, 1); cholesky_factor_corr[2] L ~ lkj_corr_cholesky(2);",
        "vector[2] a ~ multi_normal_cholesky(m, L); real sum_of_group = sum(a);",
    ),
}


@pytest.fixture(params=MODELS)
def bound(request: pytest.FixtureRequest) -> BoundModel:
    return bound_model(*MODELS[request.param])


def plan_of(bound: BoundModel, *left_out: str) -> Plan:
    return make_plan(bound, replace(CPU, passes=ALL_PASSES - set(left_out)), PARTICLES, separate=True)


def particles_of(plan: Plan) -> Particles:
    generator = torch.Generator().manual_seed(3)
    return Sampler(plan, Contraction(plan), generator).e_step(starting_proposals(plan, generator)).particles


def weighted(plan: Plan, particles: Particles) -> Weighted:
    sampler = Sampler(plan, Contraction(plan), torch.Generator())
    return sampler.weigh(sampler.log_factors(particles))


def check_same_numbers(bound: BoundModel, particles: Particles) -> None:
    ours, theirs = (weighted(plan, particles) for plan in (plan_of(bound), plan_of(bound, "natural")))
    assert float(ours.evidence.log_z) == pytest.approx(float(theirs.evidence.log_z), rel=1e-11, abs=1e-9)
    for name, weights in theirs.weights.items():
        torch.testing.assert_close(ours.weights[name], weights, rtol=1e-8, atol=1e-12)


def products(plan: Plan) -> int:
    programs = [plan.trunk, *(slab.program for slab in plan.slabs[:1])]
    every = (i for program in programs for level in program.levels for i in level.instructions)
    return sum("matrix product" in instruction.operation for instruction in every)


def test_every_law_and_shape(bound: BoundModel) -> None:
    assert products(plan_of(bound)) > 0
    assert products(plan_of(bound, "natural")) == 0
    check_same_numbers(bound, particles_of(plan_of(bound)))


def test_densities_that_would_cancel_are_taken_one_by_one(bound: BoundModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """First all of them, then those of some particles."""
    particles = particles_of(plan_of(bound))
    for limit in (0.0, 20.0):
        monkeypatch.setattr(natural, "TOLERANCE", limit * torch.finfo(CPU.dtype).eps)
        monkeypatch.setattr(natural, "LARGEST_TERMS", limit)
        check_same_numbers(bound, particles)


def test_scales_far_below_the_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A standard deviation of 1e-9 where values spread by 1: the product would be off by 100 nats."""
    bound = bound_model(*MODELS["vector of normals"])
    particles = particles_of(plan_of(bound))
    particles.values["s"][0, 0] = 1e-9
    particles.values["a"][:, 2] = particles.values["m"][:, 4] + 1e-9
    check_same_numbers(bound, particles)
    monkeypatch.setattr(natural, "TOLERANCE", torch.inf)
    with pytest.raises((AssertionError, DiagnosticsError)):  # off, or no longer finite
        check_same_numbers(bound, particles)


def test_edges_of_what_arguments_can_be() -> None:
    """A probability of 0, whose natural parameter is infinite."""
    bound = bound_model(*MODELS["bernoulli"])
    particles = particles_of(plan_of(bound))
    particles.values["p"][0, :2] = torch.tensor([0.0, 1.0])
    check_same_numbers(bound, particles)


def test_corrected_densities_stay_elementwise() -> None:
    """The mass that bounds leave out is subtracted for each component."""
    bound = bound_model(LOCATION, "vector<lower=0>[3] a ~ normal(m, s); real sum_of_group = sum(a);")
    assert products(plan_of(bound)) == 0


def test_parameters_at_the_root_do_not_make_blocks_smaller() -> None:
    """Only what a member has of its own bounds how many members a block takes: (z, mu, psi), not the root's with all components."""
    text = """
data { dim n = 18; plate user; real y[user]; }
model { vector[n] mu ~ normal(0, 1); vector[n] psi ~ normal(0, 1);
  plate user { vector[n] z ~ normal(mu, exp(psi)); y ~ normal(sum(z), 1); } }
"""
    users, particles = 300, 30
    bound = compile_model(text=text).bind({"y": [0.0] * users})[0]
    plan = make_plan(bound, CPU, particles, separate=True)
    (level,) = (level for level in plan.slabs[0].program.levels if level.axis == "user")
    assert level.block == BLOCK_ENTRIES // particles**3
