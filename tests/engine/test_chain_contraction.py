"""Chains: the contraction against a sum over all combinations of particles, whose joint densities come from the program of joint draws.

Exact up to rounding, so there are no false alarms; drawn paths have an error bound.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import log

import numpy as np
import pytest

from qemppl.compile import memory as memory_plan
from qemppl.compile import plan as plan_of
from qemppl.compile.layout import Target
from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import make_plan
from qemppl.driver import compile_model
from qemppl.engine import chain_sums
from qemppl.engine.draws import draw_indices
from qemppl.engine.evidence import Contraction
from qemppl.engine.joint import compile_joint
from qemppl.engine.particles import Particles, Proposal, make_charts
from qemppl.engine.qem import EStep, Sampler, Weighted
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

MODELS = {
    "one chain": (
        """data { chain t; real y[t]; }
        model { real m ~ normal(0, 1); chain t { real x ~ normal(m + 0.7 * prev(x), 0.8) init normal(m, 2); y ~ normal(x, 1); } }""",
        {"y": [0.3, -0.5, 1.2, 0.1]},
    ),
    "one step": (
        "data { chain t; real y[t]; } model { chain t { real x ~ normal(prev(x), 0.8) init normal(0, 2); y ~ normal(x, 1); } }",
        {"y": [0.3]},
    ),
    "unequal chains in a plate with latents": (
        """data { plate g; chain t in g; missing real y[t]; }
        model { real<lower=0> q ~ gamma(3, 2); plate g { real m ~ normal(0, q);
          chain t { real x ~ normal(m + prev(x), q) init normal(m, 2); y ~ normal(x, 1); } } }""",
        {"y": [[0.3], [], [1.0, None, 0.5], [-0.2, 0.4]]},
    ),
    "a plate without latents around": (
        """data { plate g; chain t in g; real y[t]; }
        model { real q ~ normal(0, 1); plate g { chain t { real x ~ normal(q + prev(x), 1) init normal(0, 2); y ~ normal(x, 1); } } }""",
        {"y": [[0.3, 1.0], [1.0, 0.5]]},
    ),
    "two states that depend on each other": (
        """data { chain t; real y[t]; }
        model { real<lower=0> q ~ gamma(3, 2); chain t {
          real trend ~ normal(prev(trend), q) init normal(0, 1);
          real level ~ normal(prev(level) + prev(trend), 0.5) init normal(0, 2); y ~ normal(level, 1); } }""",
        {"y": [0.3, 1.0, 1.4]},
    ),
    "a state that looks two steps back": (
        """data { chain t; real y[t]; }
        model { real<lower=0> q ~ gamma(3, 2); chain t {
          real x ~ normal(0.5 * prev(x) + 0.3 * prev(past), q) init normal(0, 1);
          real past ~ normal(prev(x), 0.5) init normal(0, 2); y ~ normal(x, 1); } }""",
        {"y": [0.3, 1.0, 1.4]},
    ),
    "a latent that follows a state": (
        """data { chain t; real y[t]; }
        model { real s ~ normal(0, 1); chain t {
          int<lower=0, upper=1> z ~ bernoulli(0.2 + 0.6 * prev(z)) init bernoulli(0.5);
          int<lower=0, upper=1> w ~ bernoulli(0.3 + 0.4 * prev(z)) init bernoulli(0.5); y ~ normal(w + z, exp(s)); } }""",
        {"y": [0.3, 1.0, 1.4]},
    ),
    "a hidden Markov chain": (
        """data { chain t; real y[t]; }
        model { real s ~ normal(0, 1); simplex[2] p ~ dirichlet(rep_vector(1, 2));
          chain t { int<lower=0, upper=2> z ~ binomial(2, p[1] * 0.3 + 0.2 * prev(z)) init binomial(2, p[2]); y ~ normal(z + s, 1); } }""",
        {"y": [0.3, 1.0, 1.4, 0.2, -0.1]},
    ),
    "a state that switches another": (
        """data { chain t; real y[t]; }
        model { real s ~ normal(0, 1); chain t {
          int<lower=0, upper=1> z ~ bernoulli(0.2 + 0.6 * prev(z)) init bernoulli(0.5);
          real x ~ normal(prev(x) + s * z, 0.5) init normal(z, 1); y ~ normal(x, 1); } }""",
        {"y": [0.3, 1.0, 1.4]},
    ),
    "latents inside a step": (
        """data { chain t; plate h in t; real y[h]; int<lower=0> n[t]; }
        model { real s ~ normal(0, 1); chain t {
          real x ~ normal(prev(x), 0.7) init normal(s, 1);
          int<lower=0, upper=1> z ~ bernoulli_logit(x); n ~ poisson_log(x + z);
          plate h { real e ~ normal(x, 1); y ~ normal(e + z, 1); } } }""",
        {"y": [[0.3, 0.1], [1.0], []], "n": [1, 3, 0]},
    ),
    "sampled counts": (
        """data { chain t; int<lower=0> y[t]; }
        model { real<lower=0, upper=1> keep ~ beta(2, 2);
          chain t { sampled int<lower=0> n ~ poisson(keep * prev(n) + 1) init poisson(4); y ~ poisson(n + 0.5); } }""",
        {"y": [3, 4, 1]},
    ),
    "a chain inside a chain's step": (
        """data { chain year; chain week in year; real y[week]; }
        model { chain year { real b ~ normal(prev(b), 1) init normal(0, 1);
          chain week { real x ~ normal(prev(x) + b, 1) init normal(b, 1); y ~ normal(x, 1); } } }""",
        {"y": [[0.3, 0.1], [1.0]]},
    ),
}


PARTICLES = replace(CPU, passes=ALL_PASSES - {"integrate"})
"""All states have particles."""


def weigh(name: str, particles: int, target: Target = PARTICLES) -> tuple[Sampler, EStep, Weighted]:
    """An E-step at particles that are spread widely."""
    text, data = MODELS[name]
    bound, _ = compile_model(text=text).bind(data)
    plan = make_plan(bound, target, particles)
    sampler = Sampler(plan, Contraction(plan), torch.Generator().manual_seed(3))
    charts, proposals = make_charts(plan), []
    for group in plan.groups:
        u = torch.randn(plan.axes.size(group.plate), 50, group.dimension, generator=sampler.generator, dtype=CPU.dtype)
        u = (2 + u).abs().round() if group.family.support.integer else u.sigmoid() if group.family.name == "beta" else u
        u = u.exp() if group.family.name == "gamma" else u
        moments = group.family.moments(u, torch.full_like(u[..., 0], 1 / 50))
        proposals.append(Proposal(group, group.family.project_mean(moments), charts[group.name]))
    step = sampler.e_step(proposals)
    return sampler, step, sampler.weigh(step)


def combinations(sampler: Sampler, particles: Particles) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """log of prod P / (K Q) of every combination, (combination,), and its indices: by dim, (combination, member)."""
    plan = sampler.plan
    dims = [(name, member) for name, home in plan.homes.items() for member in range(plan.axes.size(home))]
    dims = [(name, member) for name, member in dims if not name.startswith("prev(")]
    indices = torch.tensor(list(product(*(range(plan.particles[name]) for name, _ in dims))))
    by_dim = {
        name: indices[:, [i for i, (dim, _) in enumerate(dims) if dim == name]]
        for name in dict.fromkeys(n for n, _ in dims)
    }
    draws, log_r = {}, torch.zeros(len(indices), dtype=CPU.dtype)
    owners = {part.variable.name: group.name for group in plan.groups for part in group.parts}
    for name, values in particles.values.items():
        index = by_dim[owners.get(name, name)]
        draws[name] = values[torch.arange(len(values)), index.expand(-1, len(values))]
    for name, cloud in particles.clouds.items():
        index = by_dim[name]
        log_q = cloud.log_q[torch.arange(len(cloud.log_q)), index] + log(plan.particles[name])
        log_r -= log_q.sum(1)
    by_site, _ = compile_joint(plan.bound, plan.target, len(indices)).run(
        {n: v.transpose(0, 1) for n, v in draws.items()}
    )
    return log_r + torch.stack([log_p.sum(0) for log_p in by_site.values()]).sum(0), by_dim


@pytest.mark.parametrize("way", ["along", "in a tree"])
@pytest.mark.parametrize("name", MODELS)
def test_evidence_weights_and_paths(name: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_sums, "STEP_ENTRIES", 0 if way == "along" else 1 << 40)
    sampler, step, weighted = weigh(name, 3)
    log_r, by_dim = combinations(sampler, step.particles)
    np.testing.assert_allclose(weighted.evidence.log_z.item(), log_r.logsumexp(0).item(), rtol=1e-12)
    share = log_r.softmax(0)
    for dim, index in by_dim.items():
        expected = torch.zeros_like(weighted.weights[dim])
        for member in range(index.shape[1]):
            expected[member] = torch.bincount(index[:, member], share, minlength=expected.shape[1])
        torch.testing.assert_close(weighted.weights[dim], expected, rtol=1e-10, atol=1e-14)
    drawn = draw_indices(sampler.contraction, weighted.evidence, 4000, sampler.generator)
    sizes = [n for dim, index in by_dim.items() for n in [sampler.plan.particles[dim]] * index.shape[1]]

    def number(indices: dict[str, torch.Tensor]) -> torch.Tensor:
        """Of each combination."""
        columns = torch.cat([indices[dim] for dim in by_dim], 1)
        return (columns * torch.tensor([*np.cumprod([1, *sizes[::-1]])[:-1][::-1]])).sum(1)

    found = torch.bincount(number(drawn), minlength=len(share))
    likely = share * 4000 > 5
    spread = (found - 4000 * share)[likely] / (4000 * share * (1 - share))[likely].clamp_min(1e-9).sqrt()
    assert likely.any() or len(share) > 1000
    assert (spread.abs() < 6).all()
    assert found[share == 0].sum() == 0


@pytest.mark.parametrize("memory", [1 << 30, 1])
@pytest.mark.parametrize("entries", [1, 100])
@pytest.mark.parametrize("name", MODELS)
def test_the_same_in_slabs(name: str, entries: int, memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept, or computed whenever they are read."""
    whole = weigh(name, 4, replace(PARTICLES, passes=PARTICLES.passes - {"slabs"}))
    monkeypatch.setattr(memory_plan, "CACHE_ENTRIES", entries)
    monkeypatch.setattr(plan_of, "check_cost", lambda *_: None)
    cut = weigh(name, 4, replace(PARTICLES, memory=memory))
    assert cut[0].plan.is_kept == (memory > 1) or not cut[0].plan.slabs
    for sampler, _, weighted in (whole, cut):
        np.testing.assert_allclose(weighted.evidence.log_z.item(), whole[2].evidence.log_z.item(), rtol=1e-12)
        for dim, weight in weighted.weights.items():
            torch.testing.assert_close(weight, whole[2].weights[dim], rtol=1e-10, atol=1e-14)
        drawn = draw_indices(sampler.contraction, weighted.evidence, 1000, sampler.generator)
        for dim, weight in weighted.weights.items():
            found = torch.stack([(drawn[dim] == i).double().mean(0) for i in range(weight.shape[1])], 1)
            assert ((found - weight).abs() <= 6 * (weight * (1 - weight) / 1000).sqrt() + 1e-9).all()
