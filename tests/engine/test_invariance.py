"""What must not change the evidence: the order of statements and members, the size of blocks, the parameterisation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from qemppl.compile import memory
from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.particles import Particles
from qemppl.engine.qem import Sampler, Weighted
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from qemppl.result.fit import FitResult
from tests.engine.targets import CPU

DATA = "data { plate g; plate h in g by g_of; real x[h]; real y[h]; }"
MODEL = (
    DATA + "model { real mu ~ normal(0, 1); real<lower=0> tau ~ normal(0, 1); real slope ~ normal(0, 1);"
    "plate g { real theta ~ normal(mu, tau); plate h { y ~ student_t(4, theta + slope * x, 0.8); } } }"
)
SHUFFLED = (
    DATA + "model { real slope ~ normal(0, 1); real<lower=0> tau ~ normal(0, 1); real mu ~ normal(0, 1);"
    "plate g { real theta ~ normal(mu, tau); plate h { real m = slope * x; y ~ student_t(4, m + theta, 0.8); } } }"
)
CROSSED = (
    DATA + "model { real mu ~ normal(0, 1); real slope ~ normal(0, 1);"
    "plate g { real theta ~ normal(mu, 1); plate h { y ~ student_t(4, theta + slope * x, 0.8); } } }"
)
RNG = np.random.default_rng(3)
ROWS = {"g_of": RNG.integers(1, 8, 60), "x": RNG.normal(size=60), "y": RNG.normal(size=60)}
ROWS["g_of"][:7] = np.arange(1, 8)


def evidence(plan: Plan, particles: Particles) -> float:
    """log Zhat at given particles."""
    sampler = Sampler(plan, Contraction(plan), torch.Generator())
    return float(sampler.weigh(sampler.log_factors(particles)).evidence.log_z)


def weighted(plan: Plan, particles: Particles, beta: float) -> Weighted:
    sampler = Sampler(plan, Contraction(plan), torch.Generator())
    return sampler.weigh(sampler.log_factors(particles), beta)


def plan_of(text: str, rows: dict[str, np.ndarray], particles: int = 16, **target: Any) -> Plan:
    bound = compile_model(text=text).bind(rows)[0]
    return make_plan(bound, replace(CPU, **target), particles, separate=text is CROSSED)


def check_same_numbers(first: Plan, second: Plan) -> None:
    """Evidence and weights of the same particles, tempered and not."""
    particles = particles_of(second)
    for beta in (1.0, 0.1):
        ours, theirs = (weighted(plan, particles, beta) for plan in (first, second))
        assert float(ours.evidence.log_z) == pytest.approx(float(theirs.evidence.log_z), rel=1e-12)
        for name, weights in theirs.weights.items():
            torch.testing.assert_close(ours.weights[name], weights, rtol=1e-9, atol=1e-14)


def particles_of(plan: Plan) -> Particles:
    generator = torch.Generator().manual_seed(7)
    return Sampler(plan, Contraction(plan), generator).e_step(starting_proposals(plan, generator)).particles


@pytest.mark.parametrize(
    ("text", "budget"), [(MODEL, 1 << 30), (CROSSED, 1 << 30), (MODEL, 380_000), (CROSSED, 420_000)]
)
def test_slabs_of_any_size_give_the_same_numbers(text: str, budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are kept, and those that are computed anew whenever they are read."""
    whole = plan_of(text, ROWS, particles=64, passes=ALL_PASSES - {"slabs"})
    monkeypatch.setattr(memory, "CACHE_ENTRIES", 10_000)
    cut = plan_of(text, ROWS, particles=64, memory=budget)
    assert not whole.slabs
    assert len(cut.slabs) > 1
    assert cut.is_kept == (budget == 1 << 30)
    assert cut.peak_bytes <= budget
    check_same_numbers(cut, whole)


def test_factors_multiplied_as_matrices_give_the_same_numbers() -> None:
    """Two groups that meet in the latents of a plate only: neither of their tables has the particles of all three."""
    dense, products = (plan_of(CROSSED, ROWS, passes=passes) for passes in (ALL_PASSES - {"products"}, ALL_PASSES))
    assert all(len(step.parts) == 1 for step in dense.elimination.steps)
    assert any(len(step.parts) == 2 for step in products.elimination.steps)
    check_same_numbers(products, dense)


def test_order_of_statements_does_not_matter() -> None:
    first, second = plan_of(MODEL, ROWS), plan_of(SHUFFLED, ROWS)
    particles = particles_of(first)
    renamed = {ours.name: theirs.name for ours, theirs in zip(first.groups, second.groups, strict=True)}
    moved = Particles(particles.values, {renamed[name]: cloud for name, cloud in particles.clouds.items()})
    assert evidence(second, moved) == pytest.approx(evidence(first, particles), rel=1e-12)


def test_order_of_members_does_not_matter() -> None:
    labels = RNG.permutation(7) + 1
    order = RNG.permutation(60)
    moved_rows = {"g_of": labels[ROWS["g_of"] - 1][order], "x": ROWS["x"][order], "y": ROWS["y"][order]}
    first, second = plan_of(MODEL, ROWS), plan_of(MODEL, moved_rows)
    particles = particles_of(first)
    back = torch.as_tensor(np.argsort(labels))
    values = {name: v[back] if v.shape[0] == 7 else v for name, v in particles.values.items()}
    clouds = {
        name: replace(cloud, log_q=cloud.log_q[back] if len(cloud.log_q) == 7 else cloud.log_q)
        for name, cloud in particles.clouds.items()
    }
    assert evidence(second, Particles(values, clouds)) == pytest.approx(evidence(first, particles), rel=1e-12)


CENTRED = "data { plate g; real y[g]; } model { real mu ~ normal(3, 2); plate g { real z ~ normal(mu, 1.5); y ~ normal(z, 1); } }"
MOVED = (
    "data { plate g; real y[g]; } model { real m ~ normal(0, 1); real mu = 3 + 2 * m;"
    "plate g { real e ~ normal((mu - 5) / 10, 0.15); real z = 10 * e + 5; y ~ normal(z, 1); } }"
)


def test_an_affine_change_of_the_latents_changes_nothing() -> None:
    """z -> a z + b in the model text, with the same seed: the evidence trace agrees to 1e-9, so do the posterior means."""
    data = {"y": RNG.normal(3, 2, size=9)}
    plain, moved = (compile_model(text=text).fit(data, seed=5) for text in (CENTRED, MOVED))
    np.testing.assert_allclose(moved.trace.elbo, plain.trace.elbo, rtol=1e-9)
    assert moved.log_evidence == pytest.approx(plain.log_evidence, rel=1e-9)
    np.testing.assert_allclose(3 + 2 * mean(moved, "m"), mean(plain, "mu"), rtol=1e-9)
    np.testing.assert_allclose(10 * mean(moved, "e") + 5, mean(plain, "z"), rtol=1e-9)


def mean(fit: FitResult, name: str) -> np.ndarray:
    return fit.estimate(name).mean


def test_the_same_seed_gives_the_same_fit_and_another_does_not() -> None:
    model, data = compile_model(text=CENTRED), {"y": [1.0, 2.0, 4.0]}
    first, again, other = (model.fit(data, seed=seed, draws=200) for seed in (1, 1, 2))
    assert (first.estimate("z").draws == again.estimate("z").draws).all()
    assert first.log_evidence == again.log_evidence != other.log_evidence
