"""The engine and a plain MPIW that shares neither its laws nor its compiler find the same evidence and weights on the benchmark models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.performance import cases
from benchmarks.performance.cases import Data
from benchmarks.performance.plain import weigh
from qemppl.compile import memory, packs, precision
from qemppl.compile.plan import make_plan
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.qem import Sampler
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

PARTICLES = 3
DATA: dict[str, Callable[[], Data]] = {
    "linear": lambda: cases.linear(20, 100),
    "logistic": lambda: cases.logistic(20, 100),
    "poisson": lambda: cases.poisson(20),
    "occupancy": lambda: cases.occupancy(4),
    "bus": cases.bus,
    "preferences": cases.preferences,
    "preferences_not_centred": cases.preferences,
}


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("name", DATA)
def test_same_numbers(name: str, separate: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "FEWEST_ROWS", 1)
    monkeypatch.setattr(memory, "CACHE_ENTRIES", 500)
    monkeypatch.setattr(precision, "WORTH_IT", 10**12)
    bound = compile_model(cases.HERE / "models" / f"{name}.qem").bind(DATA[name]())[0]
    ours = make_plan(bound, CPU, PARTICLES, separate=separate)
    plain = make_plan(bound, replace(CPU, passes=frozenset()), PARTICLES, separate=separate)
    sampler = Sampler(ours, Contraction(ours), torch.Generator().manual_seed(1))
    step = sampler.e_step(starting_proposals(ours, sampler.generator))
    found = sampler.weigh(step)
    log_z, weights = weigh(plain, step.particles)
    assert float(found.evidence.log_z) == pytest.approx(float(log_z), rel=1e-9)
    assert set(found.weights) == set(weights)
    for group, weight in weights.items():
        torch.testing.assert_close(found.weights[group], weight, rtol=1e-6, atol=1e-9)
