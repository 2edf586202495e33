"""How replicates are weighed, on synthetic ones whose answer is known."""

from __future__ import annotations

import pytest
import torch

from qemppl.engine.pooling import VERY_MANY, Rule, log_mean, pool

SIGMAS = 6.0


def replicates(count: int, sd: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """log Zhat ~ normal(0, sd), and a moment that is normal(0, 1) with correlation 0.8 to it: E[Zhat m] / E[Zhat] is 0.8 sd."""
    noise = torch.randn(2, count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return sd * noise[0], 0.8 * noise[0] + 0.6 * noise[1]


def test_weights_are_those_of_the_evidence_where_these_can_be_trusted() -> None:
    log_z, _ = replicates(100, 0.1, seed=1)
    pooling = pool(log_z, members=VERY_MANY)
    assert pooling.rule is Rule.BY_EVIDENCE
    torch.testing.assert_close(pooling.weights.sort().values, pooling.for_draws.sort().values)
    assert float((pooling.weights - log_z.softmax(0)).abs().max()) < 0.01


@pytest.mark.parametrize("seed", range(20))
def test_replicates_that_agree_to_rounding_can_be_trusted(seed: int) -> None:
    """One real latent is integrated to rounding: what is left has no tail that a law could be fitted to."""
    last_digit = torch.randint(-3, 4, (100,), generator=torch.Generator().manual_seed(seed))
    assert pool(-3.25 * (1 + last_digit * 2.2e-16), members=1).rule is Rule.BY_EVIDENCE


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_noise_of_very_many_members_is_tilted_away(seed: int) -> None:
    """Mean and evidence within SIGMAS of their errors: sqrt((1 + sd^2) / R) at most, and the stated one."""
    sd, count = 3.0, 400
    log_z, moment = replicates(count, sd, seed)
    pooling = pool(log_z, members=VERY_MANY)
    assert pooling.rule is Rule.BY_TILT
    assert float(pooling.weights.sum()) == pytest.approx(1)
    assert abs(float((pooling.weights * moment).sum()) - 0.8 * sd) <= SIGMAS * ((1 + sd**2) / count) ** 0.5
    assert (pooling.for_draws == 1 / count).all()
    found, error = log_mean(log_z, pooling.rule)
    assert error is not None
    assert abs(found - sd**2 / 2) <= SIGMAS * error


def test_few_members_or_a_skewed_law_are_not_tilted() -> None:
    log_z, _ = replicates(400, 3.0, seed=1)
    assert pool(log_z, members=VERY_MANY - 1).rule is Rule.EQUAL
    skewed = -log_z.exp().log1p().square()
    assert pool(-skewed / skewed.std() * 3, members=VERY_MANY).rule is Rule.EQUAL
    assert pool(2 * log_z, members=VERY_MANY).rule is Rule.EQUAL
    assert log_mean(log_z, Rule.EQUAL)[1] is None
