"""Bands of ranks against every possible set of ranks, against simulation, and against Kolmogorov and Smirnov."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from scipy import stats

from qemppl.numerics.rank_law import RankLaw, rank


@pytest.mark.parametrize(("simulations", "draws"), [(4, 3), (6, 2), (3, 5), (7, 1), (1, 4)])
def test_p_values_are_those_of_all_sets_of_ranks(simulations: int, draws: int) -> None:
    law = RankLaw(simulations, draws)
    sets = [np.array(ranks) for ranks in product(range(draws + 1), repeat=simulations)]
    extremes = np.array([law.extreme(ranks) for ranks in sets])
    for extreme in np.unique(extremes):
        share = (extremes <= extreme * (1 + 1e-9)).mean()
        assert law.p_value(float(extreme)) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.5, 0.05, 1e-3])
def test_a_band_holds_just_where_the_p_value_is_larger(alpha: float) -> None:
    law, generator = RankLaw(40, 19), np.random.default_rng(1)
    least, most = law.band(alpha)
    for skew in (1.0, 1.3, 2.0):
        for _ in range(300):
            ranks = (20 * generator.uniform(size=40) ** skew).astype(np.int64)
            below = law.below(ranks)
            holds = bool(((least <= below) & (below <= most)).all())
            assert holds == (law.p_value(law.extreme(ranks)) > alpha)


def test_a_band_covers_as_often_as_it_says() -> None:
    """20,000 sets: four standard errors, missed once in 16,000 seeds. The band is discrete, and covers a little more than asked for."""
    law, sets = RankLaw(100, 99), 20_000
    least, most = law.band(0.05)
    values = np.random.default_rng(2).integers(0, 100, size=(sets, 100))
    below = np.stack([(values < r).sum(1) for r in range(1, 100)], 1)
    covered = ((least <= below) & (below <= most)).all(1).mean()
    error = 4 * np.sqrt(0.05 * 0.95 / sets)
    assert 0.95 - error < covered < 0.955 + error


def test_pointwise_tails_are_binomial() -> None:
    law = RankLaw(50, 9)
    for ranks in np.random.default_rng(3).integers(0, 10, size=(50, 50)):
        p = np.arange(1, 10) / 10
        binomial = stats.binom(50, p)
        tails = 2 * np.minimum(binomial.cdf(law.below(ranks)), binomial.sf(law.below(ranks) - 1))
        assert law.extreme(ranks) == pytest.approx(min(1.0, tails.min()), rel=1e-10)


def test_ranks_that_stray_far_are_found_as_by_kolmogorov_and_smirnov() -> None:
    """Of ranks that are 10 % too low, both p-values are small; of uniform ones, neither is (each less than 1e-4 by chance)."""
    law, generator = RankLaw(1000, 999), np.random.default_rng(4)
    u = generator.uniform(size=1000)
    for values, is_far in ((u, False), (u**1.25, True)):
        ours = law.p_value(law.extreme((1000 * values).astype(np.int64)))
        theirs = stats.kstest(values, "uniform").pvalue
        assert (ours < 1e-3, theirs < 1e-3) == (is_far, is_far)


def test_ranks_count_draws_below_and_break_ties_evenly() -> None:
    generator = np.random.default_rng(5)
    draws = np.array([[0.0, 2.0], [1.0, 3.0], [5.0, 4.0]])
    np.testing.assert_array_equal(rank(np.array([2.0, 9.0]), draws, generator), [2, 3])
    drawn = Counter(int(rank(np.array(1.0), np.array([0.0, 1.0, 1.0, 7.0]), generator)) for _ in range(3000))
    assert set(drawn) == {1, 2, 3}
    assert stats.chisquare(list(drawn.values())).pvalue > 1e-4
    near = rank(np.array(1.0), np.full(4, 1.0 + 1e-12), generator, slack=1e-9)
    assert 0 <= int(near) <= 4
