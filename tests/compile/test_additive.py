"""Rows packed under an additive predictor have the densities of their rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qemppl.compile import packs
from qemppl.compile.packs import side_by_side
from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.particles import Particles
from qemppl.engine.qem import Sampler, Weighted
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

LAWS = {"bernoulli_logit": (0, 2), "poisson_log": (0, 30)}
PREDICTORS = {
    "intercepts": "a + b * x - c * w",
    "slopes": "a + d * x + b * w + x",
    "named": "eta",
    "negated": "-(b * x - a)",
}


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "FEWEST_ROWS", 10)


def model(law: str, predictor: str) -> str:
    return f"""
    data {{ plate top; plate g in top by top_of; plate r in g by g_of; real x[r]; real w[r]; missing int<lower=0> y[r]; }}
    model {{
      real b ~ normal(0, 1);
      real c ~ normal(0, 1);
      plate top {{
        real m ~ normal(0, 1);
        plate g {{
          real a ~ normal(m, 1);
          real d ~ normal(0, 1);
          plate r {{
            real eta = (a - x) + m * w + c;
            y ~ {law}({predictor});
          }}
        }}
      }}
    }}"""


def data(law: str, seed: int, scale: float = 1.0) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    rows = 120
    y = rng.integers(*LAWS[law], rows).astype(object)
    y[rng.random(rows) < 0.1] = None
    return {
        "top_of": [1, 1, 2, 2, 2, 3, 3],
        "g_of": np.concatenate([np.arange(1, 8), rng.integers(1, 8, rows - 7)]),
        "x": scale * rng.normal(size=rows),
        "w": rng.normal(size=rows),
        "y": y,
    }


def plan(law: str, predictor: str, seed: int, *, without: str = "", scale: float = 1.0) -> Plan:
    bound = compile_model(text=model(law, PREDICTORS[predictor])).bind(data(law, seed, scale))[0]
    return make_plan(bound, replace(CPU, passes=ALL_PASSES - {without}), particles=6)


def weighted(plan: Plan, particles: Particles) -> Weighted:
    sampler = Sampler(plan, Contraction(plan), torch.Generator())
    return sampler.weigh(sampler.log_factors(particles))


def check_same_numbers(packed: Plan, by_row: Plan) -> None:
    generator = torch.Generator().manual_seed(1)
    particles = Sampler(by_row, Contraction(by_row), generator).e_step(starting_proposals(by_row, generator)).particles
    ours, theirs = weighted(packed, particles), weighted(by_row, particles)
    assert float(ours.evidence.log_z) == pytest.approx(float(theirs.evidence.log_z), rel=1e-11)
    for name, weights in theirs.weights.items():
        torch.testing.assert_close(ours.weights[name], weights, rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("predictor", PREDICTORS)
@pytest.mark.parametrize("law", LAWS)
def test_packs_have_the_density_of_their_rows(law: str, predictor: str, seed: int) -> None:
    packed = plan(law, predictor, seed)
    assert any("packs" in str(level.axis) for level in packed.levels)
    check_same_numbers(packed, plan(law, predictor, seed, without="additive"))


def test_rows_of_a_pack_agree_in_the_data_of_every_outer_plate() -> None:
    text = """
    data { plate top; plate g in top by top_of; plate r in g by g_of; real w[g]; real x[r]; int<lower=0, upper=1> y[r]; }
    model { real b ~ normal(0, 1); plate top { real a ~ normal(0, 1);
      plate g { plate r { y ~ bernoulli_logit(a + b * (x + w)); } } } }
    """
    rng = np.random.default_rng(3)
    values = data("bernoulli_logit", 3) | {"w": rng.normal(size=7), "y": rng.integers(0, 2, 120)}
    bound = compile_model(text=text).bind(values)[0]
    packed, by_row = (
        make_plan(bound, replace(CPU, passes=ALL_PASSES - without), particles=6)
        for without in (set(), {"additive", "binary"})
    )
    assert any("packs" in str(level.axis) for level in packed.levels)
    check_same_numbers(packed, by_row)


@pytest.mark.parametrize("law", LAWS)
def test_an_outcome_outside_of_every_plate_is_fitted(law: str) -> None:
    text = f"data {{ int<lower=0> y; }} model {{ real a ~ normal(0, 1); y ~ {law}(a); }}"
    found = compile_model(text=text).fit({"y": 1}, seed=1)
    grid = np.linspace(-8, 8, 2001)
    likelihood = 1 / (1 + np.exp(-grid)) if law == "bernoulli_logit" else np.exp(grid - np.exp(grid))
    exact = np.log((likelihood * np.exp(-(grid**2) / 2)).sum() * (grid[1] - grid[0]) / np.sqrt(2 * np.pi))
    assert found.log_evidence == pytest.approx(exact, abs=1e-3)


def test_binary_latents_are_summed_out_by_a_matrix_product() -> None:
    """Their value meets the particles of the group and the global ones apart; of both together, only the normaliser is a table."""
    text = """
    data { plate g; plate site in g by g_of; plate visit in site by site_of; real x[site]; int<lower=0, upper=1> y[visit]; }
    model { real b ~ normal(0, 1); real p ~ normal(0, 1); plate g { real a ~ normal(0, 1); plate site {
      int<lower=0, upper=1> z ~ bernoulli_logit(a + b * x);
      plate visit { y ~ bernoulli_logit(z ? p : -3); } } } }
    """
    rng = np.random.default_rng(6)
    values = {
        "g_of": np.repeat(np.arange(1, 6), 12),
        "site_of": np.repeat(np.arange(1, 61), 3),
        "x": rng.normal(size=60),
        "y": rng.integers(0, 2, 180),
    }
    bound = compile_model(text=text).bind(values)[0]
    apart, together = (
        make_plan(bound, replace(CPU, passes=ALL_PASSES - without), particles=6) for without in (set(), {"additive"})
    )
    widths = [[len(step.parts) for step in plan.elimination.steps if step.exact] for plan in (apart, together)]
    assert widths == [[2], [1]]
    assert [reduction.rows.site for reduction in apart.reductions] == ["z", "y"]
    check_same_numbers(apart, together)


@pytest.mark.parametrize("rows", [4, 5])
@pytest.mark.parametrize("law", LAWS)
def test_a_predictor_without_data_of_rows_is_counted_for_every_pack(law: str, rows: int) -> None:
    text = f"""
    data {{ plate g; plate r in g by g_of; int<lower=0> y[r]; }}
    model {{ real b ~ normal(0, 1); plate g {{ real a ~ normal(0, 1); plate r {{ y ~ {law}(a + b); }} }} }}
    """
    rng = np.random.default_rng(4)
    values = {"g_of": np.repeat(np.arange(1, 11), rows), "y": rng.integers(0, 2, 10 * rows)}
    bound = compile_model(text=text).bind(values)[0]
    packed, by_row = (
        make_plan(bound, replace(CPU, passes=ALL_PASSES - without), particles=6)
        for without in ({"statistics", "counts"}, {"statistics", "counts", "additive", "binary"})
    )
    assert any("packs" in str(level.axis) for level in packed.levels)
    check_same_numbers(packed, by_row)


def test_products_that_would_overflow_are_not_taken() -> None:
    check_same_numbers(
        plan("bernoulli_logit", "intercepts", 1, scale=1e3),
        plan("bernoulli_logit", "intercepts", 1, scale=1e3, without="additive"),
    )


def test_a_pack_has_rows_of_one_member() -> None:
    parents = np.repeat([0, 1, 2, 3], [7, 1, 40, 3])
    rows, counts = side_by_side(parents, 100 + np.arange(51))
    assert sorted(rows[counts]) == list(100 + np.arange(51))
    of_rows = parents[rows - 100]
    assert (of_rows == of_rows[:, :1]).all()
    assert counts.any(1).all()
