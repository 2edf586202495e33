from __future__ import annotations

import numpy as np
import pytest

from qemppl.compile.budget import BUDGET, MOST_GLOBAL, MOST_LOCAL
from qemppl.compile.plan import Plan
from qemppl.compile.show import show_plan
from qemppl.driver import Settings, compile_model

TEXT = """
data { plate g; plate row in g by j; real x[row]; int<lower=0, upper=1> y[row]; }
model {
  joint { real mu ~ normal(0, 1); real<lower=0> tau ~ normal(0, 1); real b ~ normal(0, 1); }
  plate g { LATENT plate row { y ~ bernoulli_logit(a + b * x); } }
}
"""
ONE, TWO = "real a ~ normal(mu, tau);", "real c ~ normal(0, 1); real a ~ normal(mu + c, tau);"


def plan(groups: int, rows: int = 2, latent: str = ONE, particles: int | None = None) -> Plan:
    data = {
        "j": np.repeat(np.arange(1, groups + 1), rows),
        "x": np.random.default_rng(1).normal(size=groups * rows),
        "y": np.tile([0, 1], groups * rows // 2),
    }
    return compile_model(text=TEXT.replace("LATENT", latent)).plan(data, Settings(particles=particles))


def test_few_rows_get_all_particles_that_are_of_use() -> None:
    assert list(plan(4).particles.values()) == [MOST_GLOBAL, MOST_LOCAL]


def test_what_the_budget_allows_is_spent() -> None:
    found = plan(300)
    assert found.flops > 0.25 * BUDGET
    assert f"{BUDGET:,}" in found.choice.why


@pytest.mark.parametrize(("latent", "least"), [(ONE, 8), (TWO, 16)])
def test_many_rows_get_the_fewest_particles_that_serve(latent: str, least: int) -> None:
    found = plan(20_000, latent=latent)
    assert list(found.particles.values()) == [24, least]
    assert "the fewest" in show_plan(found)


def test_particles_asked_for_are_taken() -> None:
    found = plan(10, particles=5)
    assert list(found.particles.values()) == [5, 5]
    assert "--particles" in show_plan(found)
