"""The methods to compare with: derivatives against differences, weights against the engine's own, fits against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import special, stats

from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.driver import compile_model
from qemppl.engine.differentiable import evaluate, log_evidence
from qemppl.engine.evidence import Contraction
from qemppl.engine.particles import unary_log_factors
from qemppl.engine.qem import Sampler
from qemppl.engine.start import starting_proposals
from qemppl.families.gamma import log_gamma_draws
from tests.engine.targets import CPU

MODELS = {
    "normal": "real m ~ normal(0, 1); plate g { real a ~ normal(m, 1); y ~ normal(a, 0.5); }",
    "scale": "real<lower=0> s ~ gamma(2, 1); plate g { real<lower=0> a ~ gamma(2, s); y ~ normal(a, 0.5); }",
    "share": "real<lower=0, upper=1> p ~ beta(2, 3); plate g { real<lower=0, upper=1> q ~ beta(3 * p, 2); y ~ normal(q, 0.5); }",
    "simplex": "simplex[3] w ~ dirichlet(rep_vector(2, 3)); plate g { y ~ normal(w[1] - 2 * w[3], 0.5); }",
    "heavy": "real<lower=0> t ~ cauchy(0, 1); real m ~ student_t(3, 0, 1); plate g { real a ~ normal(m, t); y ~ normal(a, 0.5); }",
    "vector": "vector[2] b ~ normal(0, 1); plate g { vector[2] a ~ normal(b, 1); y ~ normal(a[1] * a[2], 0.5); }",
    "inverse": "real<lower=0> v ~ inv_gamma(3, 2) approx inv_gamma; plate g { y ~ normal(0, sqrt(v)); }",
    "circle": "real<lower=-3.1416, upper=3.1416> a ~ von_mises(0.5, 2); plate g { y ~ von_mises(a, 3); }",
    "exponential": "real<lower=0> r ~ gamma(1, 1) approx exponential; plate g { y ~ normal(0, r); }",
    "mixture": "real m ~ normal(0, 1); plate g { int<lower=0, upper=1> z ~ bernoulli(0.3); y ~ normal(m + 2 * z, 0.5); }",
}
DATA = {"y": [0.3, 1.2, 0.9, 2.1]}


def plan_of(model: str, passes: frozenset[str] = frozenset(), particles: int = 5) -> Plan:
    text = f"data {{ plate g; real y[g]; }} model {{ {MODELS[model]} }}"
    return make_plan(compile_model(text=text).bind(DATA)[0], replace(CPU, passes=passes), particles)


BY_QUANTILES = ("normal", "heavy", "vector", "circle", "exponential", "mixture")
"""Models whose particles are quantiles of fixed uniforms."""


@pytest.mark.parametrize("model", BY_QUANTILES)
def test_derivatives_are_those_of_differences(model: str) -> None:
    """By the free coordinates of every family, along a random direction; a difference of 2e-5 is good to seven digits or so."""
    plan = plan_of(model)
    proposals = starting_proposals(plan, torch.Generator().manual_seed(1))
    families = {p.group.name: p.group.family for p in proposals}
    free = {p.group.name: p.group.family.to_free(p.standard).requires_grad_() for p in proposals}

    def log_z(moved: dict[str, torch.Tensor]) -> torch.Tensor:
        standards = {name: families[name].from_free(value) for name, value in moved.items()}
        return evaluate(plan, proposals, standards, torch.Generator().manual_seed(2)).evidence.log_z

    torch.autograd.backward(log_z(free))
    for name, value in free.items():
        assert value.grad is not None
        direction = torch.randn(value.shape, generator=torch.Generator().manual_seed(3), dtype=value.dtype)
        slope = float((value.grad * direction).sum())
        ends = [log_z(free | {name: value + sign * 1e-5 * direction}).detach() for sign in (1, -1)]
        assert slope == pytest.approx(float(ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize("shape", [0.3, 1.0, 4.0, 50.0])
def test_gamma_draws_move_with_their_shape_as_their_quantile_does(shape: float) -> None:
    """dx / da = -(dF / da) / f, by differences of scipy's F. torch's own series are good to three digits."""
    a = torch.tensor([shape], dtype=torch.float64, requires_grad=True)
    log_x = log_gamma_draws(a.expand(200), torch.Generator().manual_seed(5))
    x = log_x.detach().exp().numpy()
    slopes = torch.stack([torch.autograd.grad(value, a, retain_graph=True)[0] for value in log_x]).squeeze().numpy() * x
    step = 1e-5 * shape
    slope_of_cdf = (special.gammainc(shape + step, x) - special.gammainc(shape - step, x)) / (2 * step)
    np.testing.assert_allclose(slopes, -slope_of_cdf / stats.gamma(shape).pdf(x), rtol=2e-3)


@pytest.mark.parametrize("model", MODELS)
def test_marginal_weights_are_derivatives_of_the_evidence(model: str) -> None:
    """The engine's contraction, with all passes, against automatic differentiation without any."""
    plan, plain = plan_of(model, ALL_PASSES - {"single"}), plan_of(model)
    sampler = Sampler(plan, Contraction(plan), torch.Generator().manual_seed(4))
    step = sampler.e_step(starting_proposals(plan, sampler.generator))
    weighted = sampler.weigh(step)
    found = log_evidence(plain, step.particles.values, unary_log_factors(step.particles, plain))
    torch.testing.assert_close(found.evidence.log_z.detach(), weighted.evidence.log_z, rtol=1e-10, atol=1e-10)
    for name, weights in found.weights.items():
        torch.testing.assert_close(weights, weighted.weights[name], rtol=1e-8, atol=1e-10)
