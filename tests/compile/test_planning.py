"""What planning costs, counted in calls, which are the same on every machine."""

from __future__ import annotations

import cProfile
import pstats

import numpy as np

from qemppl.compile.plan import make_plan
from qemppl.driver import compile_model
from tests.engine.targets import CPU

ROWS = 20


def calls_to_plan(terms: int) -> int:
    predictor = " + ".join(f"sin({number} * a) * x" for number in range(1, terms + 1))
    text = f"""
data {{ plate row; real x[row]; int<lower=0, upper=1> y[row]; }}
model {{ real a ~ normal(0, 1); plate row {{ y ~ bernoulli_logit({predictor}); }} }}
"""
    bound = compile_model(text=text).bind({"x": np.arange(ROWS) / ROWS, "y": np.arange(ROWS) % 2})[0]
    profile = cProfile.Profile()
    profile.enable()
    make_plan(bound, CPU, 16)
    profile.disable()
    calls = pstats.Stats(profile).total_calls  # type: ignore[attr-defined]
    return int(calls)


def test_planning_grows_in_proportion_to_the_predictor() -> None:
    """Ten times the terms take about ten times the calls; anything quadratic takes far more."""
    calls_to_plan(10)  # what is imported and cached once
    assert calls_to_plan(1000) < 11 * calls_to_plan(100)
