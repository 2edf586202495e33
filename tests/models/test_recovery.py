"""The example models of the language on simulated data: every parameter is recovered.

A parameter lies within 4.5 posterior sd of its true value; under a right posterior the data of one of these seeds miss that less than
once in ten thousand, taken over all parameters.
"""

from __future__ import annotations

import numpy as np
import pytest

from qemppl.driver import compile_model
from qemppl.result.fit import FitResult
from tests.lang.thirteen import THIRTEEN
from tests.models.simulate import SIMULATORS

SIGMAS = 4.5
MODELS = dict(enumerate(THIRTEEN.values(), start=1))


def fit(number: int) -> tuple[FitResult, dict[str, np.ndarray]]:
    data, true = SIMULATORS[number](np.random.default_rng(100 + number))
    return compile_model(text=MODELS[number]).fit(data, seed=1, draws=500, tolerance=0.05), true


def test_every_model_is_simulated() -> None:
    assert SIMULATORS.keys() == MODELS.keys()


@pytest.mark.parametrize("number", sorted(SIMULATORS))
def test_parameters_are_recovered(number: int) -> None:
    found, true = fit(number)
    for name, value in true.items():
        estimate = found.estimate(name)
        assert (np.abs(estimate.mean - value) <= SIGMAS * estimate.sd).all(), name
        assert (estimate.sd > 0).all()
    assert not {"QEM901", "QEM902", "QEM903"} & {warning.code for warning in found.warnings}
