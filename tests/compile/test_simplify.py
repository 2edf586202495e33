"""Sufficient statistics of cells against the rows they replace, at the same particles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qemppl.compile import simplify
from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.qem import Sampler
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

RNG = np.random.default_rng(8)
ROWS = 200
COUNTS = RNG.poisson(3, ROWS)
POSITIVE = RNG.gamma(2, 1, ROWS)
LAWS = {
    "normal(a + b * x, s)": RNG.normal(size=ROWS),
    "lognormal(a + b * x, s)": POSITIVE,
    "exponential(exp(a + b * x))": POSITIVE,
    "gamma(s, exp(a))": POSITIVE,
    "inv_gamma(s, exp(b * x))": POSITIVE,
    "beta(s, exp(a + b * x))": RNG.beta(2, 2, ROWS),
    "bernoulli(inv_logit(a + b * x))": COUNTS % 2,
    "bernoulli_logit(a + b * x)": COUNTS % 2,
    "binomial(n, inv_logit(a))": np.minimum(COUNTS, 9),
    "binomial_logit(n, a + b * x)": np.minimum(COUNTS, 9),
    "poisson(exp(a + b * x))": COUNTS,
    "poisson_log(a + b * x)": COUNTS,
    "geometric(inv_logit(a + b * x))": COUNTS,
    "von_mises(a + b * x, s)": RNG.vonmises(0, 1, ROWS),
    "categorical(softmax(a + x * effect))": COUNTS % 3 + 1,
    "categorical_logit(a + x * effect)": COUNTS % 3 + 1,
    "ordered_logistic(a + b * x, cut)": COUNTS % 3 + 1,
}


def model(law: str) -> str:
    kind = "int" if LAWS[law].dtype.kind == "i" else "real"
    return (
        f"data {{ plate g; plate row in g by g_of; real x[row]; int<lower=0> n[row]; {kind} y[row]; "
        f"vector[3] effect; ordered[2] cut; }} "
        f"model {{ real b ~ normal(0, 1); real<lower=0> s ~ gamma(2, 2); "
        f"plate g {{ real a ~ normal(0, 1); plate row {{ y ~ {law}; }} }} }}"
    )


def plan(law: str) -> Plan:
    data = {
        "g_of": RNG.permutation(np.arange(ROWS) % 10 + 1),
        "x": RNG.integers(0, 3, ROWS).astype(float),
        "n": RNG.integers(9, 12, ROWS),
        "y": LAWS[law],
        "effect": [0.0, 0.5, -1.0],
        "cut": [-0.5, 1.0],
    }
    target = replace(CPU, passes=ALL_PASSES - {"moments"})
    return make_plan(compile_model(text=model(law)).bind(data)[0], target, particles=16)


@pytest.mark.parametrize("law", LAWS)
def test_cells_have_the_log_density_of_their_rows(law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    state = RNG.bit_generator.state
    reduced = plan(law)
    RNG.bit_generator.state = state
    monkeypatch.setattr(simplify, "WORTH_IT", -1.0)
    full = plan(law)
    assert [reduction.rows.site for reduction in reduced.reductions] == ["y"]
    assert not full.reductions
    assert reduced.reductions[0].left <= 30
    generator = torch.Generator().manual_seed(1)
    sampler = Sampler(full, Contraction(full), generator)
    particles = sampler.e_step(starting_proposals(full, generator)).particles
    log_z = [
        float(s.weigh(s.log_factors(particles)).evidence.log_z)
        for s in (sampler, Sampler(reduced, Contraction(reduced), generator))
    ]
    assert log_z[1] == pytest.approx(log_z[0], rel=1e-10)


def test_rows_of_counts_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
    data { dim V; plate g; plate row in g by g_of; array[V] int<lower=0> y[row]; }
    model { plate g { simplex[V] p ~ dirichlet(rep_vector(2, V)); plate row { y ~ multinomial(p); } } }
    """
    data = {"g_of": [1, 2, 1, 2, 2], "y": [[1, 0, 4], [2, 2, 2], [0, 0, 1], [9, 1, 0], [0, 3, 3]]}
    evidence = []
    for worth_it in (0.8, -1.0):
        monkeypatch.setattr(simplify, "WORTH_IT", worth_it)
        compiled = make_plan(compile_model(text=text).bind(data)[0], CPU, particles=16)
        assert len(compiled.reductions) == (worth_it > 0)
        generator = torch.Generator().manual_seed(1)
        sampler = Sampler(compiled, Contraction(compiled), generator)
        evidence.append(float(sampler.weigh(sampler.e_step(starting_proposals(compiled, generator))).evidence.log_z))
    assert evidence[0] == pytest.approx(evidence[1], rel=1e-10)


def test_known_rows_only_are_merged() -> None:
    text = "data { plate row; missing int y[row]; } model { real m ~ normal(0, 1); plate row { y ~ poisson_log(m); } }"
    (reduction,) = make_plan(compile_model(text=text).bind({"y": [3, None, 1, 2, None]})[0], CPU).reductions
    assert (reduction.count, reduction.left) == (3, 1)


def test_a_latent_of_the_row_itself_prevents_cells() -> None:
    text = "data { plate row; real y[row]; } model { real m ~ normal(0, 1); plate row { real e ~ normal(m, 1); y ~ normal(e, 1); } }"
    assert not make_plan(compile_model(text=text).bind({"y": [1.0, 1.0, 1.0]})[0], CPU).reductions


def test_a_constant_parameter_gives_one_cell_a_group() -> None:
    text = (
        "data { plate g; plate row in g by g_of; real y[row]; } "
        "model { plate g { real m ~ normal(0, 1); real twice = 2 * m; plate row { y ~ normal(twice, 1); } } }"
    )
    rows = {"g_of": [2, 1, 2, 1, 1], "y": [1.0, 2.0, 3.0, 4.0, 5.0]}
    (reduction,) = make_plan(compile_model(text=text).bind(rows)[0], CPU).reductions
    assert reduction.left == 2


def test_data_arguments_of_an_outer_plate_reach_their_rows() -> None:
    """`n` lives on the group and `k` on its rows: each row takes its own group's n."""
    text = (
        "data { plate g; plate h in g by g_of; int n[g]; int k[h]; } "
        "model { plate g { real<lower=0,upper=1> p ~ beta(1, 1); plate h { k ~ binomial(n, p); } } }"
    )
    data = {"g_of": [1, 1, 2, 2, 2], "n": [5, 50], "k": [1, 2, 20, 30, 25]}
    fit = compile_model(text=text).fit(data, seed=1)
    a, b = 1 + np.array([3, 75]), 1 + np.array([7, 75])
    estimate = fit.estimate("p")
    assert (np.abs(estimate.mean - a / (a + b)) <= 5 * estimate.mcse + 1e-6).all()


def test_groups_far_apart_keep_their_digits() -> None:
    text = "data { plate g; plate h in g by g_of; real y[h]; } model { plate g { real m ~ flat(); plate h { y ~ normal(m, 0.01); } } }"
    rows = RNG.normal(0, 0.01, 100)
    rows[50:] += 1e7
    data = {"g_of": np.repeat([1, 2], 50), "y": rows}
    reduced = make_plan(compile_model(text=text).bind(data)[0], CPU, particles=2)
    (reduction,) = reduced.reductions
    squares = next(v for v in reduced.trunk.constants.values() if v.shape == (2,) and float(v.max()) < 1)
    assert reduction.left == 2
    np.testing.assert_allclose(squares.numpy(), [rows[:50].var() * 50, (rows[50:] - 1e7).var() * 50], rtol=1e-6)
