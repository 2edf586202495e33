"""A law between two ends: its probability and its draws against scipy, far out in the tails too."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from qemppl.distributions.registry import LAWS
from qemppl.distributions.truncated import draw_between, log_mass

SIZE = 4_000
ENDS = [(None, -1.0), (-0.5, None), (-1.0, 2.0), (5.0, None), (None, -6.0), (5.0, 5.5), (-9.0, -8.0)]


def tensor(value: float | None) -> torch.Tensor | None:
    return None if value is None else torch.full((SIZE,), value, dtype=torch.float64)


@pytest.mark.parametrize(("low", "high"), ENDS)
@pytest.mark.parametrize("name", ["normal", "logistic", "student_t"])
def test_draws_and_mass_of_real_laws(name: str, low: float | None, high: float | None) -> None:
    """A Kolmogorov-Smirnov test of the probability integral transform that errs once in 10,000 seeds."""
    arguments = {"normal": (0.2, 1.1), "logistic": (0.2, 0.7), "student_t": (4.0, 0.2, 1.1)}[name]
    frozen = {"normal": stats.norm, "logistic": stats.logistic, "student_t": stats.t}[name](*arguments)
    tensors = [torch.full((SIZE,), a, dtype=torch.float64) for a in arguments]
    a, b = -math.inf if low is None else low, math.inf if high is None else high
    left = (frozen.cdf(b) - frozen.cdf(a), frozen.sf(a) - frozen.sf(b))
    exact = left[1] if a > 0 else left[0]
    mass = log_mass(LAWS[name], tensor(low), tensor(high), tensors)[0]
    assert float(mass) == pytest.approx(math.log(exact), rel=1e-9)
    x = draw_between(LAWS[name], torch.Generator().manual_seed(3), tensor(low), tensor(high), tensors).numpy()
    assert (x >= a).all()
    assert (x <= b).all()
    u = (frozen.sf(a) - frozen.sf(x)) / exact if a > 0 else (frozen.cdf(x) - frozen.cdf(a)) / exact
    assert stats.kstest(u, "uniform").pvalue > 1e-4


@pytest.mark.parametrize(("low", "high"), [(1.0, None), (None, 2.0), (2.0, 4.0), (15.0, None), (20.0, 22.0)])
def test_draws_and_mass_of_counts(low: float | None, high: float | None) -> None:
    """Both ends are possible values. A chi-squared test that errs once in 10,000 seeds."""
    rate = torch.full((SIZE,), 3.0, dtype=torch.float64)
    values = np.arange(0 if low is None else int(low), 60 if high is None else int(high) + 1)
    probability = stats.poisson(3.0).pmf(values)
    mass = log_mass(LAWS["poisson"], tensor(low), tensor(high), [rate])[0]
    assert float(mass) == pytest.approx(math.log(probability.sum()), rel=1e-7)
    x = draw_between(LAWS["poisson"], torch.Generator().manual_seed(4), tensor(low), tensor(high), [rate]).numpy()
    expected = SIZE * probability / probability.sum()
    often = expected > 10
    counts = np.array([(x == value).sum() for value in values[often]])
    rest = SIZE - counts.sum()
    assert np.isin(x, values).all()
    observed, wanted = np.append(counts, rest), np.append(expected[often], SIZE - expected[often].sum())
    keep = wanted > 5
    statistic = ((observed[keep] - wanted[keep]) ** 2 / wanted[keep]).sum()
    assert stats.chi2(max(keep.sum() - 1, 1)).sf(statistic) > 1e-4


def test_draws_on_a_circle_are_taken_round_it() -> None:
    arguments = [torch.full((SIZE,), a, dtype=torch.float64) for a in (3.0, 1.5)]
    low, high = tensor(0.0), tensor(math.tau)
    x = draw_between(LAWS["von_mises"], torch.Generator().manual_seed(5), low, high, arguments).numpy()
    assert ((x >= 0) & (x <= math.tau)).all()
    assert (
        stats.kstest(stats.vonmises(1.5, loc=3.0).cdf(x) - stats.vonmises(1.5, loc=3.0).cdf(0), "uniform").pvalue > 1e-4
    )
