"""A pass of the compiler changes what an iteration costs, and nothing of what it finds: random programs with and without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qemppl.compile import memory, packs, precision
from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.data.bind import bind
from qemppl.data.bound import BoundModel
from qemppl.data.raw import raw_from_mapping
from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.engine.evidence import Contraction
from qemppl.engine.particles import Particles
from qemppl.engine.qem import Sampler, Weighted
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.data.matching import Matching
from tests.engine.targets import CPU
from tests.fuzz import MORE
from tests.lang.programs import check
from tests.lang.typed_programs import typed_program

PROGRAMS = 25 * MORE
"""Random programs for each pass; most of them bind and start."""
PARTICLES = 3


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes that small models do not need."""
    monkeypatch.setattr(packs, "FEWEST_ROWS", 1)
    monkeypatch.setattr(memory, "CACHE_ENTRIES", 20)


@pytest.mark.parametrize("name", sorted(ALL_PASSES - {"integrate"}))
def test_random_programs_have_the_same_numbers_without_a_pass(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "single":
        monkeypatch.setattr(precision, "WORTH_IT", 1)
    compared = [compare(bound, name, seed) for seed in range(PROGRAMS) if (bound := bound_program(seed)) is not None]
    assert sum(compared) > PROGRAMS / 3


def bound_program(seed: int) -> BoundModel | None:
    """A random program with latents and data; None where these do not fit."""
    model = check(typed_program(seed)).model
    if model is None or not model.latents:
        return None
    try:
        return bind(model, raw_from_mapping(Matching(model, np.random.default_rng(seed)).json())).model
    except DiagnosticsError:
        return None


def compare(bound: BoundModel, name: str, seed: int) -> bool:
    """Whether the program could be started, and so compared."""
    try:
        without = make_plan(bound, replace(CPU, passes=ALL_PASSES - {name}), PARTICLES, separate=seed % 2 == 1)
        every = make_plan(bound, CPU, PARTICLES, separate=seed % 2 == 1)
        particles = particles_of(without, seed)
        theirs = weighted(without, particles)
    except DiagnosticsError:
        return False
    ours = weighted(every, particles)
    rounding = every.single_error or 0.0
    assert float(ours.evidence.log_z) == pytest.approx(float(theirs.evidence.log_z), rel=1e-9, abs=1e-9 + rounding)
    for group, weights in theirs.weights.items():
        torch.testing.assert_close(ours.weights[group], weights, rtol=1e-6 + 10 * rounding, atol=1e-9 + rounding)
    return True


def particles_of(plan: Plan, seed: int) -> Particles:
    generator = torch.Generator().manual_seed(seed)
    proposals = starting_proposals(plan, generator) if plan.groups else ()
    return Sampler(plan, Contraction(plan), generator).e_step(proposals).particles


def weighted(plan: Plan, particles: Particles) -> Weighted:
    sampler = Sampler(plan, Contraction(plan), torch.Generator())
    return sampler.weigh(sampler.log_factors(particles))
