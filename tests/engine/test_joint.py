"""The model on joint draws: reduced sums are those of the rows."""

from __future__ import annotations

import numpy as np
import pytest

from qemppl.compile.plan import make_plan
from qemppl.driver import compile_model
from qemppl.engine import joint
from qemppl.engine.particles import draw_particles
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

TEXT = """
data { plate g; plate r in g by g_of; real x[r]; real y[r]; int<lower=0> n[r]; int<lower=0, upper=1> b[r]; }
model { real mu ~ normal(0, 1); real slope ~ normal(0, 1); real<lower=0> sigma ~ normal(0, 1);
  plate g { real a ~ normal(mu, 1);
    plate r { y ~ normal(a + slope * x, sigma); n ~ poisson_log(a); b ~ bernoulli_logit(a + slope * x); } } }
"""
DRAWS = 7


def test_sums_of_many_rows_are_reduced_and_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    rows = 3000
    data = {
        "g_of": np.concatenate([[1, 2, 3], rng.integers(1, 4, rows - 3)]),
        "x": rng.normal(size=rows),
        "y": rng.normal(size=rows),
        "n": rng.poisson(1.0, rows),
        "b": rng.integers(0, 2, rows),
    }
    plan = make_plan(compile_model(text=TEXT).bind(data)[0], CPU, DRAWS)
    generator = torch.Generator().manual_seed(1)
    proposals = starting_proposals(plan, generator)
    values = draw_particles(proposals, plan, generator).values
    draws = {name: value.transpose(0, 1) for name, value in values.items()}
    by_row = joint.evaluate(plan, proposals, draws, torch.zeros(()))
    monkeypatch.setattr(joint, "MOST_LOG_LIKELIHOODS", 0)
    reduced = joint.evaluate(plan, proposals, draws, torch.zeros(()))
    assert set(by_row.log_likelihood) == {"y", "n", "b"}
    assert not reduced.log_likelihood
    torch.testing.assert_close(reduced.log_joint, by_row.log_joint, rtol=1e-11, atol=0)


def test_rows_with_latents_of_their_own_are_not_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
    data { plate r; int<lower=0, upper=1> b[r]; }
    model { real mu ~ normal(0, 1); plate r { real eps ~ normal(0, 1); b ~ bernoulli_logit(mu + eps); } }
    """
    rng = np.random.default_rng(2)
    plan = make_plan(compile_model(text=text).bind({"b": rng.integers(0, 2, 3000)})[0], CPU, DRAWS)
    generator = torch.Generator().manual_seed(1)
    proposals = starting_proposals(plan, generator)
    draws = {n: v.transpose(0, 1) for n, v in draw_particles(proposals, plan, generator).values.items()}
    by_row = joint.evaluate(plan, proposals, draws, torch.zeros(()))
    monkeypatch.setattr(joint, "MOST_LOG_LIKELIHOODS", 0)
    torch.testing.assert_close(
        joint.evaluate(plan, proposals, draws, torch.zeros(())).log_joint, by_row.log_joint, rtol=1e-11, atol=0
    )
