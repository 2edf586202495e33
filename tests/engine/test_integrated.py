"""Chains that are integrated in closed form, against the Gaussian integral of the model's own joint density.

log p(states, outcomes | all else), as the program of joint draws computes it row by row, is a quadratic form in the states: its values at
0, at the unit vectors and at their sums tell mode, covariance and integral, without a filter and without an equation.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import log, pi

import numpy as np
import pytest

from qemppl.compile import memory as memory_plan
from qemppl.compile import plan as plan_of
from qemppl.compile.plan import Plan, make_plan
from qemppl.data.bound import BoundModel
from qemppl.driver import compile_model
from qemppl.engine.ancestral import prior_draws
from qemppl.engine.evidence import Contraction
from qemppl.engine.integrated import states_given
from qemppl.engine.joint import compile_joint
from qemppl.engine.qem import Sampler
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

Draws = dict[str, "torch.Tensor"]

MODELS = {
    "a walk": (
        "data { chain t; missing real y[t]; } model { chain t { real x ~ normal(prev(x), 0.8) init normal(0, 2); y ~ normal(x, 1); } }",
        {"y": [0.3, None, 1.2, 0.1]},
    ),
    "one step": (
        """data { chain t; real y[t]; }
        model { real<lower=0> q ~ gamma(3, 2); chain t { real x ~ normal(prev(x), q) init normal(0, 2); y ~ normal(x, 1); } }""",
        {"y": [0.3]},
    ),
    "unequal chains in a plate with latents": (
        """data { plate g; chain t in g; missing real y[t]; real u[t]; }
        model { real<lower=0> q ~ gamma(3, 2); real phi ~ normal(0.5, 0.3); plate g { real m ~ normal(0, q);
          chain t { real x ~ normal(m + phi * (prev(x) - m) + 0.1 * u, q) init normal(m, 2); y ~ normal(2 - x / q, 1 + u * u); } } }""",
        {"y": [[0.3], [], [1.0, None, 0.5], [-0.2, 0.4]], "u": [[0.3], [], [1.0, 0.2, 0.5], [-0.2, 0.4]]},
    ),
    "a level with a trend": (
        """data { chain t; missing real y[t]; missing real z[t]; real u[t]; }
        model { real<lower=0> q ~ gamma(3, 2); real a ~ normal(0, 1); chain t {
          real trend ~ normal(0.9 * prev(trend) + u, q) init normal(0, 1);
          real level ~ normal(prev(level) + trend + lag(u, 1), 0.5) init normal(a - 2 * trend, 2);
          real seen = level + a * (trend - u);
          y ~ normal(seen, 1); z ~ normal(-(trend + trend) / 3, q); } }""",
        {"y": [0.3, 1.0, None, 1.4], "z": [None, 0.2, None, 0.1], "u": [0.1, -1, 0.4, 0.2]},
    ),
    "three numbers, next to exact": (
        """data { chain t; real y[t]; }
        model { real<lower=0> q ~ gamma(3, 2); chain t {
          real a ~ normal(0.5 * prev(a), q) init normal(0, 1);
          real b ~ normal(prev(a) - prev(b), 1e-3) init normal(a, 1);
          real c ~ normal(prev(b) + b - a, 1e-3) init normal(0, 1);
          y ~ normal(a + b + c, 0.3); } }""",
        {"y": [1.0, 0.2, -0.7, -0.4, 1.1, 0.1]},
    ),
    "outcomes in plates inside of a step": (
        """data { dim P; chain t; plate h in t; plate k in h;
          int<lower=1, upper=P> item[h]; real u[h]; missing real y[h]; real w[k]; real z[t]; }
        model { real<lower=0> q ~ gamma(3, 2); vector[P] e ~ normal(0, q); chain t {
          real x ~ normal(0.9 * prev(x), q) init normal(0, 1); z ~ normal(x + q, 1);
          plate h { y ~ normal(2 * x + e[item] * u, q); plate k { w ~ normal(e[item] * x - u, 1 + u^2); } } } }""",
        {
            "P": 3,
            "item": [[1, 3], [], [2, 2, 1]],
            "u": [[0.3, -1.0], [], [0.5, 0.1, 2.0]],
            "y": [[0.4, None], [], [1.0, -0.3, 0.8]],
            "w": [[[0.1, 0.7], []], [], [[1.0], [0.2, -0.5, 0.9], []]],
            "z": [0.3, 0.1, -0.4],
        },
    ),
    "a coefficient that is unknown where the outcome is missing": (
        """data { chain t; missing real y[t]; real u[t]; }
        model { real<lower=0> q ~ gamma(3, 2); chain t {
          real x ~ normal(prev(x), q) init normal(0, 1); y ~ normal(lag(u, 1) * x - lag(u, 1), 0.5); } }""",
        {"y": [None, 0.2, -0.7, None], "u": [1.0, 0.4, -0.3, 0.2]},
    ),
    "a chain of one step beside longer ones, which have something to reach back to": (
        """data { plate g; chain t in g; real y[t]; real u[t]; }
        model { real<lower=0> q ~ gamma(3, 2); plate g { chain t {
          real x ~ normal(prev(x) + lag(u, 1), q) init normal(0, 1); y ~ normal(x, 1); } } }""",
        {"y": [[0.5], [0.3, 1.0, 1.2], [0.1, 0.2]], "u": [[1.0], [1.0, 2.0, 1.0], [0.0, 1.0]]},
    ),
    "coefficients that drift, and what they drift towards": (
        """data { dim P; chain t; missing real y[t]; vector[P] x[t]; }
        model { vector[P] b ~ normal(0, 1); vector<lower=0>[P] q ~ gamma(3, 2); real<lower=0> keep ~ gamma(3, 4); chain t {
          vector[P] beta ~ normal(b + keep * (prev(beta) - b) / 2 + 0.1 * x, q) init normal(b, 2);
          real level ~ normal(prev(level) + beta[2] - 0.5 * sum(prev(beta)), 0.7) init normal(beta[1], 1);
          vector[P] moved = 2 * beta - 0.3;
          y ~ normal(dot_product(x, beta) + level - dot_product(moved, b), q[1]); } }""",
        {"P": 2, "y": [0.4, None, 1.0], "x": [[1.0, 0.3], [1.0, -0.4], [1.0, 0.9]]},
    ),
    "a season, whose past is declared further down": (
        """data { chain t; real y[t]; }
        model { real<lower=0> q ~ gamma(3, 2); chain t {
          real s ~ normal(-prev(s) - prev(s1) - prev(s2), q) init normal(0, 1);
          real s1 ~ normal(prev(s), 1e-3) init normal(0, 1);
          real s2 ~ normal(prev(s1), 1e-3) init normal(0, 1);
          y ~ normal(s, 0.3); } }""",
        {"y": [1.0, 0.2, -0.7, -0.4, 1.1]},
    ),
    "an effect of each step, and another outcome": (
        """data { chain t; real y[t]; int<lower=0> n[t]; }
        model { real<lower=0> q ~ gamma(3, 2); chain t { n ~ poisson(q);
          real x ~ normal(prev(x), q) init normal(0, 1); real e ~ normal(0.5 * x, 0.4); y ~ normal(x + e, 1); } }""",
        {"y": [1.0, 0.2, -0.7], "n": [1, 0, 2]},
    ),
    "chains inside a chain's step": (
        """data { chain year; chain week in year; real y[week]; }
        model { chain year { real b ~ normal(prev(b), 1) init normal(0, 1);
          chain week { real x ~ normal(prev(x) + b, 1) init normal(b, 1); y ~ normal(x, 1); } } }""",
        {"y": [[0.3, 0.1], [1.0]]},
    ),
}
DRAWS = 3


def planned(name: str, **changes: object) -> Plan:
    text, data = MODELS[name]
    plan = make_plan(compile_model(text=text).bind(data)[0], replace(CPU, **changes), 3)
    assert plan.integrated
    return plan


def others(plan: Plan, draws: Draws) -> Draws:
    """Without the states. draws: by latent, (draw, member, *event)."""
    states = {name for chain in plan.integrated for name in chain.names}
    return {name: values for name, values in draws.items() if name not in states}


def surroundings(plan: Plan) -> Draws:
    """Prior draws of all but the states, (draw, member, *event)."""
    drawn = prior_draws(plan.bound, DRAWS, torch.Generator().manual_seed(1), CPU)
    return others(plan, {name: values.transpose(0, 1) for name, values in drawn.items()})


def log_joint(plan: Plan, around: Draws, states: torch.Tensor, *, only_states: bool = True) -> torch.Tensor:
    """log p(states, outcomes | around) at states (draw, number), all numbers of all states in the order of the plan: (draw,)."""
    draws = {name: values.expand(len(states), *values.shape[1:]) for name, values in around.items()}
    begin = 0
    for chain in plan.integrated:
        for state in chain.states:
            shape = (plan.axes.size(chain.plate), *(plan.bound.size(size) for size in state.type.event))
            count = int(np.prod(shape))
            draws[state.name] = states[:, begin : begin + count].reshape(-1, *shape)
            begin += count
    program = compile_joint(plan.bound, plan.target, len(states))
    by_site, _ = program.run({name: values.transpose(0, 1) for name, values in draws.items()})
    mine = {v.name for chain in plan.integrated for v in (*chain.states, *chain.outcomes)}
    return torch.stack([log_p.sum(0) for name, log_p in by_site.items() if name in mine or not only_states]).sum(0)


def gaussian(plan: Plan, around: Draws) -> tuple[float, torch.Tensor, torch.Tensor]:
    """log integral, mean and covariance of the states given one draw of all else."""
    size = sum(plan.axes.size(chain.plate) * len(chain.numbers) for chain in plan.integrated)
    unit = torch.eye(size, dtype=CPU.dtype)
    zero = log_joint(plan, around, torch.zeros(1, size, dtype=CPU.dtype))
    plus, minus = log_joint(plan, around, unit), log_joint(plan, around, -unit)
    both = log_joint(plan, around, (unit[:, None] + unit).flatten(0, 1)).reshape(size, size)
    slope, curve = (plus - minus) / 2, both - plus[:, None] - plus + zero
    precision = -(curve + curve.T) / 2
    precision.diagonal().copy_(-(plus + minus - 2 * zero))
    covariance = precision.inverse()
    mean = covariance @ slope
    log_z = zero + slope @ mean / 2 + size / 2 * log(2 * pi) - precision.logdet() / 2
    return float(log_z), mean, covariance


def stacked(plan: Plan, values: Draws) -> torch.Tensor:
    """By name, ([draw,] member, *event) -> ([draw,] number)."""
    states = [state for chain in plan.integrated for state in chain.states]
    flat = [values[s.name].flatten(values[s.name].dim() - 1 - len(s.type.event)) for s in states]
    return torch.cat(flat, -1)


@pytest.mark.parametrize("name", MODELS)
def test_evidence_and_moments_are_those_of_the_gaussian_integral(name: str) -> None:
    plan = planned(name)
    around = surroundings(plan)
    every = states_given(plan, around, DRAWS, torch.Generator().manual_seed(2))
    for number in range(DRAWS):
        one = {name: values[number : number + 1] for name, values in around.items()}
        log_z, mean, covariance = gaussian(plan, one)
        found = states_given(plan, one, 1, torch.Generator().manual_seed(2))
        np.testing.assert_allclose(every.log_evidence[number], log_z, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(found.log_evidence[0], log_z, rtol=1e-7, atol=1e-7)
        sd = covariance.diagonal().sqrt()
        centre = stacked(plan, {name: found.moments[name].mean for name in found.moments})
        spread = stacked(plan, {name: found.moments[name].sd for name in found.moments})
        assert ((centre - mean).abs() < 1e-5 * sd).all()
        assert ((spread / sd - 1).abs() < 1e-5).all()


@pytest.mark.parametrize("name", MODELS)
def test_moments_over_draws_are_those_of_the_mixture(name: str) -> None:
    plan = planned(name)
    around = surroundings(plan)
    each = [gaussian(plan, {n: values[i : i + 1] for n, values in around.items()}) for i in range(DRAWS)]
    means, variances = (torch.stack(parts) for parts in zip(*((m, c.diagonal()) for _, m, c in each), strict=True))
    mean = means.mean(0)
    spread = variances + (means - mean).square()
    found = states_given(plan, around, DRAWS, torch.Generator().manual_seed(2)).moments
    sd, scale = spread.mean(0).sqrt(), variances.mean(0).sqrt()
    expected = {
        "mean": mean,
        "sd": sd,
        "mcse": means.std(0) / DRAWS**0.5,
        "sd_mcse": spread.std(0) / DRAWS**0.5 / (2 * sd),
    }
    for field, values in expected.items():
        ours = stacked(plan, {n: getattr(moments, field) for n, moments in found.items()})
        assert ((ours - values).abs() < 1e-5 * scale).all()


@pytest.mark.parametrize("name", MODELS)
def test_paths_are_drawn_jointly(name: str) -> None:
    """Means and covariances of 20,000 paths, standardised: each of some hundred numbers is off by 5 of its errors once in a million."""
    plan, count = planned(name), 20_000
    one = {name: values[:1] for name, values in surroundings(plan).items()}
    _, mean, covariance = gaussian(plan, one)
    same = {name: values.expand(count, *values.shape[1:]) for name, values in one.items()}
    drawn = states_given(plan, same, count, torch.Generator().manual_seed(3)).draws
    z = (stacked(plan, dict(drawn)) - mean) @ torch.linalg.cholesky(covariance.inverse())
    assert (z.mean(0).abs() < 5 / count**0.5).all()
    products = z.T @ z / count - torch.eye(z.shape[1], dtype=z.dtype)
    assert (products.abs() < 5 * (2 / count) ** 0.5).all()


@pytest.mark.parametrize("memory", [1 << 30, 1])
@pytest.mark.parametrize("entries", [1, 1 << 20])
@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("a walk", "chains inside a chain's step")])
def test_the_evidence_sums_over_all_combinations_of_what_is_around(
    name: str, entries: int, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_plan, "CACHE_ENTRIES", entries)
    monkeypatch.setattr(plan_of, "check_cost", lambda *_: None)
    plan = planned(name, memory=memory)
    sampler = Sampler(plan, Contraction(plan), torch.Generator().manual_seed(4))
    step = sampler.e_step(starting_proposals(plan, sampler.generator))
    dims = [(group.name, member) for group in plan.groups for member in range(plan.axes.size(group.plate))]
    index = torch.tensor(list(product(range(3), repeat=len(dims))))
    log_r, draws = -len(dims) * log(3) * torch.ones(len(index), dtype=CPU.dtype), {}
    for group in plan.groups:
        own, cloud = (
            index[:, [i for i, dim in enumerate(dims) if dim[0] == group.name]],
            step.particles.clouds[group.name],
        )
        member = torch.arange(own.shape[1])
        log_r -= cloud.log_q[member, own].sum(1)
        draws |= {p.variable.name: step.particles.values[p.variable.name][member, own] for p in group.parts}
    zeros = torch.zeros(
        len(index), sum(plan.axes.size(c.plate) * len(c.numbers) for c in plan.integrated), dtype=CPU.dtype
    )
    log_r += log_joint(plan, draws, zeros, only_states=False) - log_joint(plan, draws, zeros)
    log_r += states_given(plan, draws, len(index), sampler.generator).log_evidence
    np.testing.assert_allclose(sampler.weigh(step).evidence.log_z.item(), log_r.logsumexp(0).item(), rtol=1e-10)


HEAD = "data { plate g; chain t in g; real y[t]; int n[t]; plate h in t; real w[h]; } model { real a ~ normal(0, 1); "
STEP = "real x ~ normal(prev(x), 1) init normal(0, 1); "


@pytest.mark.parametrize(
    ("globals_", "step", "after"),
    [
        ("", "real x ~ normal(prev(x), 1) init normal(0, 1) approx normal; y ~ normal(x, 1);", ""),
        ("", STEP + "n ~ poisson_log(x);", ""),
        ("", STEP + "y ~ normal(x, 1); n ~ poisson_log(x);", ""),
        ("", STEP + "y ~ normal(x * x, 1);", ""),
        ("", STEP + "y ~ normal(1 / x, 1);", ""),
        ("", STEP + "y ~ normal(0, exp(x));", ""),
        ("", STEP + "y ~ student_t(3, x, 1);", ""),
        ("", STEP + "plate h { real e ~ normal(x, 1); w ~ normal(e, 1); } y ~ normal(x, 1);", ""),
        ("", "real x ~ normal(prev(x) * prev(x), 1) init normal(0, 1); y ~ normal(x, 1);", ""),
        ("", "real x ~ normal(prev(x), exp(prev(x))) init normal(0, 1); y ~ normal(x, 1);", ""),
        ("", "real x ~ normal(prev(x), 1) init student_t(3, 0, 1); y ~ normal(x, 1);", ""),
        ("", "real<lower=0> x ~ normal(prev(x), 1) init normal(0, 1); y ~ normal(x, 1);", ""),
        ("", "vector[2] x ~ normal(prev(x), 1) init normal(0, 1); y ~ normal(dot_product(x, x), 1);", ""),
        ("", "vector[3] x ~ normal(prev(x), 1) init normal(0, 1); y ~ normal(x[n + 1], 1);", ""),
        ("", "vector[9] x ~ normal(prev(x), 1) init normal(0, 1); y ~ normal(sum(x), 1);", ""),
        ("", STEP + "int<lower=0, upper=1> z ~ bernoulli(0.5); y ~ normal(x + z, 1);", ""),
        ("", STEP + "y ~ normal(0, 1);", ""),
    ],
)
def test_chains_that_have_particles(globals_: str, step: str, after: str) -> None:
    text = f"{HEAD}{globals_} plate g {{ chain t {{ {step} }} {after} }} }}"
    assert make_plan(bound_to_something(text), CPU).integrated == ()


def test_what_else_stands_at_a_step_does_not_matter() -> None:
    text = f"{HEAD} plate g {{ real b ~ normal(a, 1); chain t {{ {STEP} y ~ normal(x + a * b, exp(a)); n ~ poisson_log(a + b); }} }} }}"
    (chain,) = make_plan(bound_to_something(text), CPU).integrated
    assert (chain.names, [outcome.name for outcome in chain.outcomes]) == (("x",), ["y"])


def bound_to_something(text: str) -> BoundModel:
    return compile_model(text=text).bind(
        {"y": [[0.1, 0.2], [0.3]], "n": [[1, 0], [2]], "w": [[[1.0], []], [[0.5, 0.2]]]}
    )[0]


def test_joint_draws_weigh_alike_where_the_posterior_is_known() -> None:
    """lp - lp_approx of each draw is the log evidence: nothing is approximate here."""
    text, data = MODELS["a walk"]
    fit = compile_model(text=text).fit(data, seed=1, draws=200)
    np.testing.assert_allclose(fit.lp - fit.lp_approx, fit.log_evidence, rtol=1e-10)
    assert fit.replicates >= 1
    assert not fit.warnings


def test_a_chain_that_explodes_ends_where_it_ends() -> None:
    """However long the one beside it is."""
    text = """data { plate g; chain t in g; real y[t]; real a[g]; } model { plate g { chain t {
      real x ~ normal(a * prev(x), 1) init normal(0, 1); y ~ normal(x, 1); } } }"""
    model = compile_model(text=text)
    alone = model.fit({"y": [[0.5, 1.0]], "a": [2.0]}, seed=1, draws=10)
    beside = model.fit({"y": [[0.5, 1.0], [0.1] * 1200], "a": [2.0, 0.5]}, seed=1, draws=10)
    np.testing.assert_allclose(beside.estimate("x").mean[:2], alone.estimate("x").mean, rtol=1e-12)
    np.testing.assert_allclose(beside.estimate("x").sd[:2], alone.estimate("x").sd, rtol=1e-12)
    assert np.isfinite(beside.draws("x")).all()


def exact_walk(q: float, first: float, y: list[float]) -> tuple[float, list[float]]:
    """log evidence and sds of a walk seen with noise of the same sd, in rational numbers."""
    step, noise = Fraction(q) ** 2, Fraction(q) ** 2
    m, p, log_z = Fraction(0), Fraction(first) ** 2, 0.0
    filtered: list[Fraction] = []
    for number, value in enumerate(y):
        p += step if number else 0
        s, gap = p + noise, Fraction(value) - m
        log_z -= 0.5 * (np.log(2 * pi * float(s)) + float(gap**2 / s))
        m, p = m + p / s * gap, p * noise / s
        filtered.append(p)
    variances = [filtered[-1]]
    for p in filtered[-2::-1]:
        back = p / (p + step)
        variances.insert(0, p + back**2 * (variances[0] - p - step))
    return log_z, [float(v) ** 0.5 for v in variances]


@pytest.mark.parametrize(("first", "q"), [(1e5, 0.01), (1e7, 0.1), (1e8, 1.0), (1.0, 1e-8)])
def test_a_first_step_that_says_nothing(first: float, q: float) -> None:
    y = [10.01, 10.03, 10.02, 10.05]
    text = f"""data {{ chain t; real y[t]; }}
      model {{ chain t {{ real x ~ normal(prev(x), {q}) init normal(0, {first}); y ~ normal(x, {q}); }} }}"""
    fit = compile_model(text=text).fit({"y": y}, seed=1)
    log_z, sds = exact_walk(q, first, y)
    assert fit.log_evidence == pytest.approx(log_z, rel=1e-9, abs=1e-6)
    np.testing.assert_allclose(fit.estimate("x").sd, sds, rtol=1e-6)


@pytest.mark.parametrize(
    ("prior", "law", "dtype"),
    [
        ("real a ~ normal(0, 1);", "normal(a * prev(x), 1)", "float64"),
        ("real a ~ normal(0, 20);", "normal(prev(x), exp(a))", "float32"),
        ("real a ~ cauchy(0, 10);", "normal(prev(x), exp(a))", "float64"),
    ],
)
def test_what_overflows_is_next_to_impossible(prior: str, law: str, dtype: str) -> None:
    text = f"data {{ chain t; missing real y[t]; }} model {{ {prior} chain t {{ real x ~ {law} init normal(0, 10); y ~ normal(x, 1); }} }}"
    fit = compile_model(text=text).fit({"y": [0.0, 0.1, *[None] * 300, 1.0]}, seed=1, dtype=dtype)
    assert np.isfinite(fit.log_evidence or np.nan)
    assert np.isfinite(fit.estimate("x").mean).all()


def test_moments_do_not_hang_on_how_many_draws_are_kept() -> None:
    text = """data { chain t; real y[t]; } model { real m ~ normal(0, 3); real<lower=0> q ~ gamma(3, 2); chain t {
      real x ~ normal(prev(x) + 0.1 * m, q) init normal(m, 1); y ~ normal(x, 1); } }"""
    few, many = (compile_model(text=text).fit({"y": [1.0, 0.5]}, seed=1, draws=draws) for draws in (1, 4000))
    assert few.draws("x").shape == (1, 2)
    assert (np.abs(few.estimate("x").mean - many.estimate("x").mean) < 5 * few.estimate("x").mcse).all()
    np.testing.assert_allclose(few.estimate("x").sd, many.estimate("x").sd, rtol=0.1)


def test_several_starts_are_one_where_nothing_has_particles() -> None:
    text, data = MODELS["a walk"]
    assert compile_model(text=text).fit(data, seed=1, starts=3).starts == ()


def test_many_rows_a_step_are_left_to_particles() -> None:
    text = """data { chain t; plate h in t by of; real y[h]; } model { chain t {
      real x ~ normal(prev(x), 1) init normal(0, 1); plate h { y ~ normal(x, 1); } } }"""
    bound, _ = compile_model(text=text).bind({"t": [str(i) for i in range(200)], "of": ["0"] * 2000, "y": [0.1] * 2000})
    assert make_plan(bound, CPU).integrated == ()


def test_particles_agree() -> None:
    """Of states and of what is around, with the bounds of a fit."""
    text, data = MODELS["a level with a trend"]
    model = compile_model(text=text)
    ours, theirs = model.fit(data, seed=1), model.fit(data, seed=1, without=("integrate",))
    assert abs(ours.log_evidence - theirs.log_evidence) < 0.05
    for name in ("q", "a", "trend", "level", "seen"):
        here, there = ours.estimate(name), theirs.estimate(name)
        assert (np.abs(here.mean - there.mean) < 0.1 * there.sd).all()
        assert (np.abs(here.sd / there.sd - 1) < 0.1).all()
