"""The contraction against a sum over all K^n combinations, written out by hand for random small models.

Exact up to rounding, so there are no false alarms.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import logsumexp

from qemppl.compile.plan import make_plan
from qemppl.driver import compile_model
from qemppl.engine.draws import draw_indices
from qemppl.engine.evidence import Contraction
from qemppl.engine.particles import Particles
from qemppl.engine.qem import EStep, Sampler
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

MODEL = """
data {{
  plate g; plate h in g by g_of;
  real y[h];
  {data}
}}
model {{
  real mu ~ normal(0, 1);
  real<lower=0> tau ~ gamma(3, 2) approx gamma;
  plate g {{
    real theta ~ normal(mu, tau);
    {group_extra}
    plate h {{
      {member}
      y ~ normal({mean}, {scale});
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Case:
    """A random small model. sizes: members of h in each g. own: h has a latent; scale: g has a second group of its own."""

    sizes: tuple[int, ...]
    own: bool
    scale: bool
    seed: int
    particles: int

    @property
    def text(self) -> str:
        return MODEL.format(
            data="",
            group_extra="real<lower=0> s ~ gamma(2, 1) approx gamma;" if self.scale else "",
            member="real phi ~ normal(theta, 0.7);" if self.own else "",
            mean="phi" if self.own else "theta",
            scale="s" if self.scale else "0.8",
        )

    @property
    def data(self) -> dict[str, list[float] | list[int]]:
        rng = np.random.default_rng(self.seed)
        parents = [i + 1 for i, n in enumerate(self.sizes) for _ in range(n)]
        return {"g_of": parents, "y": list(rng.normal(size=len(parents)))}

    @property
    def combinations(self) -> int:
        indices = 2 + len(self.sizes) * (1 + self.scale) + sum(self.sizes) * self.own
        return int(self.particles**indices)


def cases() -> st.SearchStrategy[Case]:
    sizes = st.lists(st.integers(1, 2), min_size=1, max_size=3).map(tuple)
    return st.builds(Case, sizes, st.booleans(), st.booleans(), st.integers(0, 2**31), st.integers(1, 3)).filter(
        lambda case: case.combinations <= 4000
    )


def log_weight(case: Case, z: dict[tuple[str, int], float]) -> float:
    """log of the joint density, statement by statement. z: by latent and member."""
    parents, y = case.data["g_of"], case.data["y"]
    mu, tau = z["mu", 0], z["tau", 0]
    total = stats.norm.logpdf(mu, 0, 1) + stats.gamma.logpdf(tau, 3, scale=1 / 2)
    for g in range(len(case.sizes)):
        total += stats.norm.logpdf(z["theta", g], mu, tau)
        if case.scale:
            total += stats.gamma.logpdf(z["s", g], 2, scale=1)
    for h, parent in enumerate(parents):
        mean = z["theta", parent - 1]
        if case.own:
            total += stats.norm.logpdf(z["phi", h], mean, 0.7)
            mean = z["phi", h]
        total += stats.norm.logpdf(y[h], mean, z["s", parent - 1] if case.scale else 0.8)
    return float(total)


ROOT = ("mu", "tau")


@dataclass(frozen=True)
class Brute:
    """Every combination: the chosen particle of each (group, member), the log of its weight, and log Q / widened Q of its global
    particles."""

    keys: list[tuple[str, int]]
    choices: np.ndarray
    log_r: np.ndarray
    narrowing: np.ndarray


def brute_force(case: Case, particles: Particles, groups: dict[str, tuple[str, ...]]) -> Brute:
    keys = [(name, i) for name, cloud in particles.clouds.items() for i in range(cloud.log_q.shape[0])]
    choices = np.array(list(itertools.product(range(case.particles), repeat=len(keys))))
    log_r, narrowing = [], []
    for choice in choices:
        z, log_q = {}, 0.0
        for (name, member), k in zip(keys, choice, strict=True):
            log_q += float(particles.clouds[name].log_q[member, k]) + np.log(case.particles)
            for latent in groups[name]:
                z[latent, member] = float(particles.values[latent][member, k])
        log_r.append(log_weight(case, z) - log_q)
        chosen = zip(keys, choice, strict=True)
        narrowing.append(
            sum(float(particles.clouds[name].narrowing[member, k]) for (name, member), k in chosen if name in ROOT)
        )
    return Brute(keys, choices, np.array(log_r), np.array(narrowing))


def run(case: Case) -> tuple[Sampler, EStep, Brute]:
    bound, _ = compile_model(text=case.text).bind(case.data)
    plan = make_plan(bound, CPU, case.particles)
    generator = torch.Generator().manual_seed(case.seed)
    sampler = Sampler(plan, Contraction(plan), generator)
    step = sampler.e_step(starting_proposals(plan, generator))
    groups = {g.name: tuple(part.variable.name for part in g.parts) for g in plan.groups}
    return sampler, step, brute_force(case, step.particles, groups)


def tempered(brute: Brute, beta: float) -> np.ndarray:
    """log of the weight of every combination: that of its global particles, summed over all others, to the power beta."""
    at_root = [position for position, (name, _) in enumerate(brute.keys) if name in ROOT]
    _, same = np.unique(brute.choices[:, at_root], axis=0, return_inverse=True)
    of_root = np.array([logsumexp(brute.log_r[same == root]) for root in range(same.max() + 1)])[same]
    return brute.log_r - of_root + beta * of_root + (1 - beta) * brute.narrowing


@given(cases())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_evidence_and_weights_are_sums_over_all_combinations(case: Case) -> None:
    sampler, step, brute = run(case)
    for beta in (1.0, 0.3):
        weighted = sampler.weigh(step, beta)
        log_r = tempered(brute, beta)
        assert float(weighted.evidence.log_z) == pytest.approx(logsumexp(log_r), rel=1e-9, abs=1e-9)
        posterior = np.exp(log_r - logsumexp(log_r))
        for position, (name, member) in enumerate(brute.keys):
            expected = np.bincount(brute.choices[:, position], posterior, minlength=case.particles)
            np.testing.assert_allclose(weighted.weights[name][member].numpy(), expected, atol=1e-9)


def test_joint_draws_have_the_probabilities_of_the_combinations() -> None:
    """Chi-square of 20,000 draws over all combinations; the bound is passed by chance once in 100,000 runs."""
    case = Case(sizes=(2, 1), own=True, scale=False, seed=5, particles=2)
    sampler, step, brute = run(case)
    draws = 20_000
    indices = draw_indices(sampler.contraction, sampler.weigh(step).evidence, draws, sampler.generator)
    picked = np.stack([indices[name][:, member].expand(draws).numpy() for name, member in brute.keys], 1)
    powers = case.particles ** np.arange(len(brute.keys))[::-1]
    counts = np.bincount(picked @ powers, minlength=len(brute.log_r))
    expected = draws * np.exp(brute.log_r - logsumexp(brute.log_r))
    order = np.argsort(expected)
    kept = expected[order].cumsum() > 10  # pool the rarest combinations into one cell
    cells = [(counts[order][kept], expected[order][kept]), (counts[order][~kept].sum(), expected[order][~kept].sum())]
    chi2 = sum(float((((c - e) ** 2) / np.maximum(e, 1e-300)).sum()) for c, e in cells if np.sum(e) > 0)
    assert chi2 < stats.chi2.ppf(1 - 1e-5, df=int(kept.sum()))
