"""Scales near 0, whose members' laws given the global latents are narrow: how that is seen, and that more particles mend it.

Seeds are fixed. Truth is quadrature: with normal outcomes all latents but the scale have closed forms given it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.special import logsumexp

import qemppl.engine.qem as engine
from qemppl.compile.plan import make_plan
from qemppl.driver import Progress, Settings, compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.qem import Adaptation, Sampler
from qemppl.engine.resolution import LOSS, NARROW, enough, unresolved
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from qemppl.numerics.quasi import uniforms
from qemppl.numerics.special import normal_scores
from qemppl.result.fit import FitResult
from tests.engine.targets import CPU
from tests.result.test_file import assert_same

TEXT = """
data { plate g; real y[g]; real<lower=0> s[g]; }
model {
  real mu ~ normal(0, 5);
  real<lower=0> tau ~ normal(0, 1);
  plate g { real a ~ normal(mu, tau); y ~ normal(a, s); }
}
"""
VECTORS = TEXT.replace("real a ~ normal(mu, tau);", "real a ~ normal(mu, tau); real b ~ normal(0, 1);").replace(
    "normal(a, s)", "normal(a + b, s)"
)
MODEL = compile_model(text=TEXT)
Floats = NDArray[np.float64]


def alike(members: int, seed: int) -> dict[str, Any]:
    """Data of members that do not differ: the scale may be 0."""
    rng = np.random.default_rng(seed)
    s = rng.uniform(0.7, 1.3, members)
    return {"y": 1 + s * rng.normal(size=members), "s": s}


@dataclass(frozen=True)
class Truth:
    """log evidence; mean and sd of the scale, and its distribution function on a grid."""

    log_z: float
    mean: float
    sd: float
    grid: Floats
    cdf: Floats


def truth(y: Floats, s: Floats) -> Truth:
    """mu and the members are integrated in closed form, the scale by the midpoint rule on (0, 5)."""
    grid = (np.arange(20000) + 0.5) / 4000
    variance = s**2 + grid[:, None] ** 2
    precision = 1 / 25 + (1 / variance).sum(1)
    centre = (y / variance).sum(1) / precision
    log_p = stats.halfnorm.logpdf(grid) - 0.5 * np.log(25 * precision)
    log_p -= 0.5 * (np.log(2 * np.pi * variance).sum(1) + (y**2 / variance).sum(1) - centre**2 * precision)
    weights = np.exp(log_p - logsumexp(log_p))
    mean = weights @ grid
    return Truth(
        float(logsumexp(log_p)) - np.log(4000), mean, np.sqrt(weights @ (grid - mean) ** 2), grid, weights.cumsum()
    )


def particles(fit: FitResult) -> dict[str, int]:
    return {group.name: group.particles for group in fit.groups}


@pytest.fixture(scope="module")
def fit() -> FitResult:
    return MODEL.fit(alike(60, 6001), seed=1)


def test_a_scale_near_0_agrees_with_quadrature(fit: FitResult) -> None:
    """With the particles that the planner chose, its mean is 0.022 sd too large, the log evidence 0.014 too small, and half of the mass
    below a tenth of an sd is lost."""
    data = alike(60, 6001)
    exact = truth(data["y"], data["s"])
    tau = fit.estimate("tau")
    assert abs(float(tau.mean) - exact.mean) < 0.01 * exact.sd
    assert abs(float(tau.sd) / exact.sd - 1) < 0.005
    assert fit.log_evidence is not None
    assert abs(fit.log_evidence - exact.log_z) < 0.006
    below = np.interp(0.1 * exact.sd, exact.grid, exact.cdf)
    draws = tau.draws.size
    assert abs((tau.draws < 0.1 * exact.sd).mean() - below) < 4 * np.sqrt(below / draws)
    assert not fit.warnings


def test_the_group_has_got_more_particles_and_no_other(fit: FitResult) -> None:
    planned = MODEL.plan(alike(60, 6001)).particles
    assert particles(fit) == {"mu+tau": planned["mu+tau"], "a": 4 * planned["a"]}


def test_particles_that_are_asked_for_stay_and_the_fit_warns() -> None:
    fit = MODEL.fit(alike(60, 6001), seed=1, particles=64)
    assert set(particles(fit).values()) == {64}
    (warning,) = (w for w in fit.warnings if w.code == "QEM909")
    assert warning.message.startswith("the 64 particles of `a` at each g are too far apart where a scale is near 0: ")
    assert "--particles" in str(warning.hint)


def test_a_model_that_needs_none_is_bitwise_as_if_nobody_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = alike(20, 7)
    data["y"] = data["y"] + np.linspace(-5, 5, 20)
    settings = Settings(draws=50)
    looked = MODEL.fit(data, seed=4, settings=settings)
    assert particles(looked) == dict(MODEL.plan(data).particles)
    monkeypatch.setattr(engine, "unresolved", lambda *_: {})
    assert_same(timeless(MODEL.fit(data, seed=4, settings=settings)), timeless(looked))


def timeless(fit: FitResult) -> FitResult:
    return dataclasses.replace(fit, seconds=0.0, provenance=dataclasses.replace(fit.provenance, created_at=""))


def test_a_fit_resumed_after_it_got_more_particles_is_bitwise_the_same(tmp_path: Path) -> None:
    data, settings, path = alike(8, 2), Settings(draws=50, tolerance=0.9), tmp_path / "run.checkpoint"
    whole = MODEL.fit(data, seed=2, settings=settings)
    assert particles(whole)["a"] > MODEL.plan(data).particles["a"]
    for stop in (("adapt", whole.iterations - 3), ("report", 3)):

        def watch(progress: Progress, stop: tuple[str, int] = stop) -> None:
            if (progress.phase, progress.iteration) == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            MODEL.fit(data, seed=2, settings=settings, progress=watch, resume=path)
    assert_same(timeless(MODEL.fit(data, settings=settings, resume=path)), timeless(whole))


@pytest.mark.parametrize("members", [60, 1000])
def test_the_loss_on_a_grid_is_as_stated(members: int) -> None:
    """Sums of a normal density over shifted grids, at the spacing where its effective particles are as many as are enough."""
    plan = make_plan(MODEL.bind(alike(3, 1))[0], CPU, 8)
    group = next(group for group in plan.groups if group.name == "a")
    n = enough([group], members)
    spacing = 2 * np.sqrt(np.pi) / n
    offsets = spacing * (np.arange(-200, 201) + np.arange(400)[:, None] / 400)
    density = stats.norm.pdf(offsets)
    assert (density.sum(1) ** 2 / (density**2).sum(1)).mean() == pytest.approx(
        n, rel=0.1
    )  # n itself varies with the shift
    sums = spacing * density.sum(1)
    assert members * sums.var() / 2 == pytest.approx(LOSS, rel=0.02)


@pytest.mark.parametrize("narrow", [0.05, 0.1, 0.2])
def test_the_loss_of_quasi_random_points_is_as_stated(narrow: float) -> None:
    """A normal law narrow in one of two dimensions, by 60 scrambled sets of 128 points, each with 100 shifts. That v is 4 / n^3 is rough:
    right within a factor of 2."""
    plan = make_plan(compile_model(text=VECTORS).bind(alike(3, 1))[0], CPU, 8)
    group = next(group for group in plan.groups if group.plate == "g")
    generator = torch.Generator().manual_seed(1)
    points = (
        1.2 * normal_scores(torch.cat([uniforms(generator, 100, 128, 2, torch.float64) for _ in range(60)])).numpy()
    )
    target = stats.norm.pdf(points[..., 0], scale=narrow) * stats.norm.pdf(points[..., 1], scale=0.6)
    weights = target / stats.norm.pdf(points, scale=1.2).prod(-1)
    n = (weights.sum(1) ** 2 / (weights**2).sum(1)).mean()
    members = LOSS / 2 * n**3  # the number for which n is enough
    assert group.dimension == 2
    assert enough([group], members) == pytest.approx(n)
    assert LOSS / 2 < members * weights.mean(1).var() / 2 < 2 * LOSS


def test_the_share_is_that_of_brute_force() -> None:
    """Every particle of the global latents by itself, on a fit's first particles."""
    data = alike(5, 3)
    plan = make_plan(MODEL.bind(data)[0], CPU, {"mu+tau": 128, "a": 12})
    generator = torch.Generator().manual_seed(5)
    sampler = Sampler(plan, Contraction(plan), generator)
    state = engine.adapt(sampler, Adaptation(starting_proposals(plan, generator)), 30, lambda _: None)
    step = sampler.e_step(state.proposals)
    values = {name: value.numpy() for name, value in step.particles.values.items()}
    log_q = {name: cloud.log_q.numpy() for name, cloud in step.particles.clouds.items()}
    mu, tau, a = values["mu"][0], values["tau"][0], values["a"]
    terms = (
        stats.norm.pdf(a[:, :, None], mu, tau) * stats.norm.pdf(data["y"][:, None], a, data["s"][:, None])[..., None]
    )
    terms /= np.exp(log_q["a"])[..., None]
    weight = stats.norm.pdf(mu, 0, 5) * stats.halfnorm.pdf(tau) / np.exp(log_q["mu+tau"][0]) * terms.sum(1).prod(0)
    weight /= weight.sum()
    ess = (terms.sum(1) ** 2 / (terms**2).sum(1)).mean(0)
    group = next(group for group in plan.groups if group.name == "a")
    limit = min(2 * enough([group], 5), max(enough([group], 5), NARROW * float(weight @ ess)))
    expected = float(weight[ess < limit].sum())
    assert 0 < expected < 1
    found = unresolved(plan, sampler.contraction, sampler.weigh(step).evidence)
    assert found == {"a": pytest.approx(expected, abs=1e-5)}
