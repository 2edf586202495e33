"""What the papers prove, on the code that runs: averages of noisy moments (Heap et al. 2025, Theorem 1), and invariance (their figure 5).

Moments by source terms, the third statement, are in test_baselines.py: the engine's weights are the derivatives of the evidence.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from qemppl.driver import Method, compile_model
from qemppl.engine.baselines import decaying_step
from qemppl.families.categorical import Bernoulli

CHAINS, LENGTH, TRUTH, START = 4_000, 3_000, 0.3, 0.9
VARIANCE = TRUTH * (1 - TRUTH)


def averages(power: float) -> tuple[float, float]:
    """Mean and variance, over chains, of the running average of an unbiased moment: coins as estimates of their probability."""
    family = Bernoulli(1)
    generator = torch.Generator().manual_seed(11)
    mean = torch.tensor([[1 - START, START]], dtype=torch.float64).repeat(CHAINS, 1)
    for iteration in range(LENGTH):
        coin = (torch.rand(CHAINS, generator=generator, dtype=torch.float64) < TRUTH).double()
        mean = family.blend(mean, torch.stack((1 - coin, coin), 1), decaying_step(iteration, power))
    return float(mean[:, 1].mean()), float(mean[:, 1].var())


@pytest.mark.parametrize("power", [0.3, 0.5, 0.7, 0.9])
def test_a_decaying_average_forgets_its_start_and_its_noise(power: float) -> None:
    """Unbiased within 5 standard errors; the variance is that of its recursion, var' = (1 - s)^2 var + s^2 v, about v s / 2, and near 0."""
    mean, variance = averages(power)
    exact = 0.0
    for iteration in range(LENGTH):
        step = decaying_step(iteration, power)
        exact = (1 - step) ** 2 * exact + step**2 * VARIANCE
    assert abs(mean - TRUTH) < 5 * (exact / CHAINS) ** 0.5
    assert variance == pytest.approx(exact, rel=0.15)  # 6 standard errors of a variance of 4,000 numbers
    assert exact < VARIANCE * decaying_step(LENGTH - 1, power)


def test_a_constant_step_keeps_its_noise() -> None:
    """The power 0: each estimate replaces all before it, and the variance stays that of one."""
    mean, variance = averages(0.0)
    assert abs(mean - TRUTH) < 5 * (VARIANCE / CHAINS) ** 0.5
    assert variance == pytest.approx(VARIANCE, rel=0.15)


def test_steps_whose_sum_is_finite_never_forget_their_start() -> None:
    """A power above 1. With 1 / (t + 1)^2 the product of 1 - s, which is what is left of the start, tends to 0 in the first step only
    if that step is 1; taken from the second on, half of the start stays."""
    left = np.prod([1 - decaying_step(iteration, 2.0) for iteration in range(1, LENGTH)])
    assert left == pytest.approx(0.5, rel=1e-3)


PAIRS = {
    "affine": ("real m ~ normal(-2, 10);", "real u ~ normal(0, 1); real m = 10 * u - 2;"),
    "monotone": ("real<lower=0> m ~ lognormal(0.5, 2);", "real u ~ normal(0.5, 2); real m = exp(u);"),
}
REST = "plate g { y ~ normal(m, 1); }"
Y = [1.2, 0.3, 2.2, 1.9]


def trace(prior: str, method: Method) -> NDArray[np.float64]:
    text = f"data {{ plate g; real y[g]; }} model {{ {prior} {REST} }}"
    fit = compile_model(text=text).fit({"y": Y}, seed=3, method=method, particles=30, max_iterations=25, draws=100)
    found: NDArray[np.float64] = fit.trace.elbo
    return found


@pytest.mark.parametrize("method", ["qem", "plain"])
@pytest.mark.parametrize("pair", PAIRS)
def test_qem_does_not_see_how_a_model_is_parameterised(pair: str, method: Method) -> None:
    first, second = (trace(prior, method) for prior in PAIRS[pair])
    np.testing.assert_allclose(first, second, rtol=1e-8)


@pytest.mark.parametrize("method", ["rws", "vi"])
def test_gradients_do(method: Method) -> None:
    """Adam moves the location by about its learning rate, whatever the unit."""
    first, second = (trace(prior, method) for prior in PAIRS["affine"])
    assert first[0] == pytest.approx(second[0], rel=1e-8)
    assert np.abs(first - second).max() > 0.1
