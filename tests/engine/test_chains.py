"""Fits of chains against the Kalman filter and smoother, the forward-backward algorithm, and sums over a grid of parameters.

Without global latents a grid of particles is all but exact; bounds are those that the engine promises, 0.05 sd and 5 %.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.driver import compile_model
from tests.engine.kalman import Floats, Linear, forward_backward, viterbi, walk

WALK = """
data {{ plate store; chain week in store; missing real y[week]; }}
model {{ {globals} plate store {{ chain week {{ real x ~ normal(prev(x), {q}) init normal(0, 3); y ~ normal(x, {r}); }} }} }}
"""


def walks(q: float, r: float, lengths: list[int], seed: int) -> list[Floats]:
    """Random walks seen with noise, a twentieth of them missing."""
    rng = np.random.default_rng(seed)
    found = []
    for length in lengths:
        x = rng.normal(0, 3) + np.cumsum(np.append(0, rng.normal(0, q, length - 1)))
        found.append(np.where(rng.random(length) < 0.05, np.nan, rng.normal(x, r)))
    return found


def as_data(series: list[Floats]) -> dict[str, object]:
    return {"y": [[None if np.isnan(value) else value for value in y.tolist()] for y in series]}


PARTICLES = ("integrate",)
"""What to leave out so that all states have particles."""


def check_walks(q: float, r: float, lengths: list[int], **settings: object) -> tuple[str, ...]:
    """Fits random walks of known scales; what is warned of."""
    series = walks(q, r, lengths, seed=0)
    fit = compile_model(text=WALK.format(globals="", q=q, r=r)).fit(as_data(series), seed=1, **settings)
    exact = [walk(q, r, 3).smooth(y) for y in series]
    mean = np.concatenate([m[:, 0] for _, m, _ in exact])
    sd = np.sqrt(np.concatenate([v[:, 0, 0] for _, _, v in exact]))
    x = fit.estimate("x")
    assert (np.abs(x.mean - mean) < 0.05 * sd).all()
    assert (np.abs(x.sd / sd - 1) < 0.05).all()
    assert fit.log_evidence is not None
    assert abs(fit.log_evidence - sum(log_z for log_z, _, _ in exact)) < 0.5 * len(series)
    return tuple(warning.code for warning in fit.warnings)


@pytest.mark.parametrize("without", [(), PARTICLES])
def test_a_thousand_steps_in_fifty_plates(without: tuple[str, ...]) -> None:
    assert check_walks(0.5, 1.0, [1000] * 50, draws=50, without=without) == ()


@pytest.mark.parametrize("without", [(), PARTICLES])
def test_unequal_lengths(without: tuple[str, ...]) -> None:
    assert check_walks(0.5, 1.0, [30, 1, 12, 55], without=without) == ()


@pytest.mark.parametrize("q", [0.1, 0.03])
def test_states_that_hardly_change_get_more_particles(q: float) -> None:
    assert check_walks(q, 1.0, [200] * 3, without=PARTICLES) == ()


@pytest.mark.parametrize("without", [(), PARTICLES])
def test_the_scales_of_walks(without: tuple[str, ...]) -> None:
    """Against the posterior of q and r on a grid, whose likelihood is that of the filter."""
    series = walks(0.5, 1.0, [60] * 3, seed=1)
    text = WALK.format(globals="real<lower=0> q ~ normal(0, 1); real<lower=0> r ~ normal(0, 1);", q="q", r="r")
    fit = compile_model(text=text).fit(as_data(series), seed=1, without=without)
    q, r = np.exp(np.linspace(-2.2, 0.5, 28)), np.exp(np.linspace(-0.7, 0.6, 28))
    log_p = np.array([[sum(walk(a, b, 3).smooth(y)[0] for y in series) for b in r] for a in q])
    log_p += stats.halfnorm.logpdf(q)[:, None] + stats.halfnorm.logpdf(r) + np.log(q)[:, None] + np.log(r)
    cell = np.log(q[1] / q[0] * 1.0) * np.log(r[1] / r[0])
    share = np.exp(log_p - logsumexp(log_p))
    assert fit.log_evidence is not None
    assert abs(fit.log_evidence - logsumexp(log_p) - np.log(cell)) < 0.05
    for name, values, weight in (("q", q, share.sum(1)), ("r", r, share.sum(0))):
        mean = weight @ values
        sd = np.sqrt(weight @ (values - mean) ** 2)
        assert abs(fit.estimate(name).mean - mean) < 0.05 * sd
        assert abs(fit.estimate(name).sd / sd - 1) < 0.05
    assert not fit.warnings


@pytest.mark.parametrize("without", [(), PARTICLES])
def test_a_level_with_a_trend(without: tuple[str, ...]) -> None:
    """Two states a step, the level moved by the trend of the step before."""
    text = """
    data { chain t; real y[t]; }
    model { chain t {
      real trend ~ normal(prev(trend), 0.2) init normal(0, 0.5);
      real level ~ normal(prev(level) + prev(trend), 0.5) init normal(0, 3);
      y ~ normal(level, 1); } }
    """
    rng = np.random.default_rng(0)
    y = np.cumsum(np.cumsum(rng.normal(0, 0.2, 50)) + rng.normal(0, 0.5, 50)) + rng.normal(0, 1, 50)
    move, first = np.array([[1.0, 0.0], [1.0, 1.0]]), np.diag([0.25, 9.0])
    chain = Linear(np.zeros(2), first, move, np.diag([0.04, 0.25]), np.array([0.0, 1.0]), 1.0)
    log_z, mean, covariance = chain.smooth(y)
    fit = compile_model(text=text).fit({"y": y}, seed=1, without=without)
    for i, name in enumerate(("trend", "level")):
        sd = np.sqrt(covariance[:, i, i])
        assert (np.abs(fit.estimate(name).mean - mean[:, i]) < 0.05 * sd).all()
        assert (np.abs(fit.estimate(name).sd / sd - 1) < 0.05).all()
    assert fit.log_evidence is not None
    assert abs(fit.log_evidence - log_z) < 0.1
    drawn = np.stack([fit.draws("trend"), fit.draws("level")], -1)
    neighbours = np.mean((drawn[:, 1:, 1] - mean[1:, 1]) * (drawn[:, :-1, 1] - mean[:-1, 1]), 0)
    assert (neighbours > 0.2 * covariance[1:, 1, 1]).all(), "paths hang together"


HIDDEN = """
data { dim K; chain t; real y[t]; simplex[K] first; array[K] simplex[K] A; vector[K] mu; }
model { chain t { int<lower=1, upper=K> z ~ categorical(A[prev(z)]) init categorical(first); y ~ normal(mu[z], 1); } }
"""


def hidden(steps: int) -> tuple[dict[str, object], tuple[Floats, Floats, Floats]]:
    """Data of HIDDEN, and the logs of the chances of first states, of moves, and of what is seen in each state."""
    rng = np.random.default_rng(steps)
    first, moves = rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3), 3)
    mu, y = np.array([-1.0, 0, 2]), rng.normal(size=steps)
    data = {"K": 3, "y": y, "first": first, "A": moves, "mu": mu}
    return data, (np.log(first), np.log(moves), stats.norm.logpdf(y[:, None], mu, 1))


@pytest.mark.parametrize("steps", [1, 2, 7, 200])
def test_a_hidden_markov_model_is_exact(steps: int) -> None:
    data, logs = hidden(steps)
    log_z, chance = forward_backward(*logs)
    fit = compile_model(text=HIDDEN).fit(data, seed=1)
    assert fit.log_evidence is not None
    assert abs(fit.log_evidence - log_z) < 1e-8
    states = np.arange(1, 4)
    np.testing.assert_allclose(fit.estimate("z").mean, chance @ states, atol=1e-8)
    found = (fit.draws("z")[..., None] == states).mean(0)
    assert (np.abs(found - chance) < 5 * np.sqrt(chance * (1 - chance) / len(fit.draws("z"))) + 1e-9).all()


@pytest.mark.parametrize("steps", [4, 9])
def test_the_most_likely_path_is_drawn_as_often_as_it_should(steps: int) -> None:
    """The path of the Viterbi algorithm, whose chance is its likelihood over the evidence."""
    data, logs = hidden(steps)
    path, log_p = viterbi(*logs)
    chance = np.exp(log_p - forward_backward(*logs)[0])
    assert 0.02 < chance < 0.5
    drawn = compile_model(text=HIDDEN).fit(data, seed=1, draws=20_000).draws("z")
    found = (drawn == path + 1).all(1).mean()
    assert abs(found - chance) < 4 * np.sqrt(chance * (1 - chance) / len(drawn))


@pytest.mark.parametrize(("method", "sds"), [("rws", 0.3), ("plain", 1.0), ("is", 1.0)])
def test_other_methods_fit_short_chains(method: str, sds: float) -> None:
    """Less well: within some posterior sd."""
    (y,) = walks(0.5, 1.0, [5], seed=3)
    fit = compile_model(text=WALK.format(globals="", q=0.5, r=1.0)).fit(as_data([y]), seed=1, method=method)
    _, mean, covariance = walk(0.5, 1.0, 3).smooth(y)
    assert (np.abs(fit.estimate("x").mean - mean[:, 0]) < sds * np.sqrt(covariance[:, 0, 0])).all()


def test_vi_has_no_derivatives_along_a_chain() -> None:
    with pytest.raises(DiagnosticsError, match=r"QEM510.*x is a state of a chain"):
        compile_model(text=WALK.format(globals="", q=0.5, r=1.0)).fit({"y": [[0.3, 0.2]]}, method="vi")


def test_a_lag_in_the_law_of_later_steps_is_not_needed_at_the_first() -> None:
    """The same numbers as with any value there."""
    model = """
    data {{ plate s; chain t in s; int first[t]; missing real y[t]; real u[t]; }}
    transformed data {{ plate s {{ chain t {{ real before = first == 1 ? 5 : lag(u, 1); }} }} }}
    model {{ real c ~ normal(0, 1); plate s {{ chain t {{
      real x ~ normal(prev(x) + c * {}, 0.5) init normal(0, 2); vector[2] v ~ normal(prev(v) + {}, 1) init normal(0, 1);
      y ~ normal(x + sum(v), 1); }} }} }}
    """
    rng, lengths = np.random.default_rng(1), (3, 1, 4)
    y, u = ([rng.normal(size=n).tolist() for n in lengths] for _ in range(2))
    data = {"first": [[1, *[0] * (n - 1)] for n in lengths], "y": y, "u": u}
    lagged, filled = (compile_model(text=model.format(each, each)) for each in ("lag(u, 1)", "before"))
    ours, theirs = lagged.fit(data, seed=1, particles=4), filled.fit(data, seed=1, particles=4)
    assert ours.log_evidence == pytest.approx(theirs.log_evidence, rel=1e-12)
    np.testing.assert_allclose(ours.estimate("v").mean, theirs.estimate("v").mean, rtol=1e-9)
