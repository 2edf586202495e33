"""A plain MPIW, as published research code computes it: what an iteration costs without a compiler.

Log-densities are those of torch.distributions, broadcast over [member, K, ..., K, event], every row of data by itself; a plate's latents
are summed out of one dense tensor with `logsumexp`; marginal weights are gradients of log Zhat with respect to source terms of zeros,
by automatic differentiation (Bowyer et al. 2024). It shares the language with the engine, and none of the laws that stand in `LAWS`, the
passes, the slabs or the elimination: so the tests compare the engine with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import torch
import torch.distributions as dist

from benchmarks.performance.cases import Case
from benchmarks.performance.ours import PARTICLES, plan_of, sampler_of
from qemppl.compile.plan import Plan
from qemppl.compile.program import Level
from qemppl.engine.particles import Particles, draw_particles, unary_log_factors
from qemppl.engine.start import starting_proposals

ITERATIONS = 5
LAWS: dict[str, Callable[..., dist.Distribution]] = {
    "bernoulli_logit": lambda logit: dist.Bernoulli(logits=logit, validate_args=False),
    "cauchy": lambda mu, sigma: dist.Cauchy(mu, sigma, validate_args=False),
    "gamma": lambda shape, rate: dist.Gamma(shape, rate, validate_args=False),
    "normal": lambda mu, sigma: dist.Normal(mu, sigma, validate_args=False),
    "poisson_log": lambda log_rate: dist.Poisson(log_rate.exp(), validate_args=False),
}
"""The laws of the benchmark models, by name."""


@dataclass(frozen=True)
class Factor:
    """A log-density, (member, *particles), its plate and the groups of its particles."""

    plate: str | None
    groups: tuple[str, ...]
    value: torch.Tensor


def factors(plan: Plan, particles: Particles, sources: Mapping[str, torch.Tensor]) -> list[Factor]:
    """Of every statement, and of the particles themselves with their source terms."""
    layouts = {factor.site: factor.layout for level in plan.levels for factor in level.factors}
    densities, _ = replace(plan.trunk, levels=tuple(map(_whole, plan.trunk.levels))).densities(particles.values)
    found = [
        Factor(layouts[site].plate, layouts[site].groups, value if layouts[site].groups else value[:, 0])
        for site, value in densities.items()
    ]
    for group, value in unary_log_factors(particles, plan).items():
        found.append(Factor(plan.homes[group], (group,), value + sources[group]))
    for group, source in sources.items():
        if group not in particles.clouds:
            found.append(Factor(plan.homes[group], (group,), source))
    return found


def _whole(level: Level) -> Level:
    """All members at once, with densities of torch.distributions."""
    instructions = tuple(
        replace(i, apply=partial(_log_prob, LAWS[i.operation])) if i.operation in LAWS else i
        for i in level.instructions
    )
    return replace(level, block=max(level.size, 1), instructions=instructions)


def _log_prob(law: Callable[..., dist.Distribution], value: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
    return law(*arguments).log_prob(value)  # type: ignore[no-untyped-call]


def log_evidence(plan: Plan, found: list[Factor]) -> torch.Tensor:
    """Sums every plate's latents out of one tensor with all particles that meet there, the deepest plate first."""
    order = [*plan.particles]
    plates = sorted({f.plate for f in found}, key=plan.axes.depth, reverse=True)
    for plate in plates:
        here = [f for f in found if f.plate == plate]
        found = [f for f in found if f.plate != plate]
        groups = tuple(g for g in order if any(g in f.groups for f in here))
        own = tuple(g for g in groups if plan.homes[g] == plate)
        total = sum((_spread(f, groups) for f in here), torch.zeros(()))
        if own:
            total = total.logsumexp(tuple(1 + groups.index(g) for g in own))
        rest = tuple(g for g in groups if g not in own)
        if plate is None:
            return total.reshape(())
        home = plan.axes.deepest([plan.homes[g] for g in rest])
        found.append(Factor(home, rest, _plate_sum(plan, plate, home, total)))
    raise AssertionError("the root comes last")


def _spread(factor: Factor, groups: tuple[str, ...]) -> torch.Tensor:
    order = [g for g in groups if g in factor.groups]
    value = factor.value.permute(0, *(1 + factor.groups.index(g) for g in order))
    sizes = iter(value.shape[1:])
    return value.reshape(len(value), *(next(sizes) if g in factor.groups else 1 for g in groups))


def _plate_sum(plan: Plan, plate: str, home: str | None, value: torch.Tensor) -> torch.Tensor:
    if home is None:
        return value.sum(0, keepdim=True)
    total = value.new_zeros(plan.axes.size(home), *value.shape[1:])
    return total.index_add(0, torch.as_tensor(plan.axes[plate].parents[home]), value)


def weigh(plan: Plan, particles: Particles) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """log Zhat, and the marginal weights of every group."""
    sources = {
        group: torch.zeros(plan.axes.size(home), plan.particles[group], dtype=plan.target.dtype, requires_grad=True)
        for group, home in plan.homes.items()
    }
    value = log_evidence(plan, factors(plan, particles, sources))
    gradients = torch.autograd.grad(value, list(sources.values()))
    return value.detach(), dict(zip(sources, gradients, strict=True))


def iterations(case: Case, particles: int = PARTICLES) -> dict[str, Any]:
    """Seconds of an iteration, the median: draw, weigh, moments."""
    plan = plan_of(case, particles, frozenset())
    sampler = sampler_of(plan)
    proposals = starting_proposals(plan, sampler.generator)
    seconds = []
    for _ in range(ITERATIONS):
        start = time.perf_counter()
        drawn = draw_particles(proposals, plan, sampler.generator)
        _, weights = weigh(plan, drawn)
        for group in plan.groups:
            group.family.moments(drawn.clouds[group.name].u, weights[group.name])
        seconds.append(time.perf_counter() - start)
    return {"seconds": median(seconds[1:])}
