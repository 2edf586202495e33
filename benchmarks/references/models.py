"""The densities of the examples in NumPyro, statement by statement as in their `model.qem`.

Each latent has the name that it has there, and each plate the name of its plate. A latent on a plate that the data leave weakly
identified is sampled in its non-centred form: `Reference.non_centred` names it, and the density stays as written. Discrete latents are
summed out: `Reference.integrated` names them, and `integrated` gives their moments given the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
from numpyro.distributions import constraints
from numpyro.distributions.transforms import ExpTransform, OrderedTransform

from benchmarks.references.chains import LinearGaussian, forward_backward

Data = dict[str, Any]


def _positions(members: Sequence[str], labels: Sequence[str]) -> np.ndarray[Any, Any]:
    """The position of each label among the members of its plate."""
    position = {member: i for i, member in enumerate(members)}
    return np.array([position[label] for label in labels])


def eight_schools(data: Data) -> None:
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    with numpyro.plate("school", len(data["school"])):
        theta = numpyro.sample("theta", dist.Normal(mu, tau))
        numpyro.sample("y", dist.Normal(theta, jnp.array(data["sigma"])), obs=jnp.array(data["y"]))


def radon(data: Data) -> None:
    g0 = numpyro.sample("g0", dist.Normal(0, 2))
    g1 = numpyro.sample("g1", dist.Normal(0, 1))
    s_a = numpyro.sample("s_a", dist.HalfNormal(1))
    b = numpyro.sample("b", dist.Normal(0, 1))
    s_y = numpyro.sample("s_y", dist.HalfNormal(1))
    with numpyro.plate("county", len(data["county"])):
        a = numpyro.sample("a", dist.Normal(g0 + g1 * jnp.array(data["uranium"]), s_a))
    a_of_house = a[_positions(data["county"], data["county_name"])]
    with numpyro.plate("house", len(data["log_radon"])):
        mean = a_of_house + b * jnp.array(data["first_floor"])
        numpyro.sample("log_radon", dist.Normal(mean, s_y), obs=jnp.array(data["log_radon"]))


def sleepstudy(data: Data) -> None:
    mu_a = numpyro.sample("mu_a", dist.Normal(250, 100))
    mu_b = numpyro.sample("mu_b", dist.Normal(0, 25))
    s_a = numpyro.sample("s_a", dist.HalfNormal(50))
    s_b = numpyro.sample("s_b", dist.HalfNormal(25))
    s = numpyro.sample("s", dist.HalfNormal(50))
    with numpyro.plate("subject", len(data["subject"])):
        a = numpyro.sample("a", dist.Normal(mu_a, s_a))
        b = numpyro.sample("b", dist.Normal(mu_b, s_b))
    subject = _positions(data["subject"], data["subject_id"])
    with numpyro.plate("test", len(data["reaction"])):
        mean = a[subject] + b[subject] * jnp.array(data["days"])
        numpyro.sample("reaction", dist.Normal(mean, s), obs=jnp.array(data["reaction"]))


def contraception(data: Data) -> None:
    x = jnp.array(data["x"])
    g0 = numpyro.sample("g0", dist.Normal(0, 2.5))
    tau = numpyro.sample("tau", dist.HalfNormal(1))
    beta = numpyro.sample("beta", dist.Normal(0, 2.5).expand([x.shape[1]]).to_event(1))
    with numpyro.plate("district", len(data["district"])):
        a = numpyro.sample("a", dist.Normal(g0, tau))
    a_of_woman = a[_positions(data["district"], data["district_id"])]
    with numpyro.plate("woman", len(data["use"])):
        numpyro.sample("use", dist.Bernoulli(logits=a_of_woman + x @ beta), obs=jnp.array(data["use"]))


def surgical(data: Data) -> None:
    mu = numpyro.sample("mu", dist.Normal(-2, 1.5))
    sigma = numpyro.sample("sigma", dist.HalfNormal(1))
    with numpyro.plate("hospital", len(data["hospital"])):
        b = numpyro.sample("b", dist.Normal(mu, sigma))
        numpyro.sample("deaths", dist.Binomial(jnp.array(data["n"]), logits=b), obs=jnp.array(data["deaths"]))


def melanoma(data: Data) -> None:
    mu = numpyro.sample("mu", dist.Normal(0, 1))
    beta = numpyro.sample("beta", dist.Normal(0, 0.2))
    s_nation = numpyro.sample("s_nation", dist.HalfNormal(1))
    s_region = numpyro.sample("s_region", dist.HalfNormal(1))
    with numpyro.plate("nation", len(data["nation"])):
        a = numpyro.sample("a", dist.Normal(mu, s_nation))
    a_of_region = a[_positions(data["nation"], data["nation_of"])]
    with numpyro.plate("region", len(data["region"])):
        b = numpyro.sample("b", dist.Normal(a_of_region, s_region))
    b_of_county = b[_positions(data["region"], data["region_of"])]
    with numpyro.plate("county", len(data["deaths"])):
        log_rate = b_of_county + beta * jnp.array(data["uvb"]) + jnp.log(jnp.array(data["expected"]))
        numpyro.sample("deaths", dist.Poisson(jnp.exp(log_rate)), obs=jnp.array(data["deaths"]))


def kidney(data: Data) -> None:
    days, is_removed = jnp.array(data["days"], float), jnp.array(data["removed"], bool)
    shape = numpyro.sample("shape", dist.Gamma(4, 4))
    mu = numpyro.sample("mu", dist.Normal(5, 2))
    beta = numpyro.sample("beta", dist.Normal(0, 1).expand([2]).to_event(1))
    s = numpyro.sample("s", dist.HalfNormal(1))
    with numpyro.plate("patient", len(data["patient"])):
        u = numpyro.sample("u", dist.Normal(mu + beta[0] * jnp.array(data["woman"]), s))
    decades = (jnp.array(data["age"]) - 40) / 10
    scale = jnp.exp(u[_positions(data["patient"], data["patient_id"])] + beta[1] * decades)
    with numpyro.plate("infection", len(data["days"])):
        numpyro.sample("days", dist.Weibull(scale, shape).mask(~is_removed), obs=days)
        numpyro.factor("censored", jnp.where(is_removed, -((days / scale) ** shape), 0.0))


def wine(data: Data) -> None:
    unordered = dist.Normal(0, 3).expand([4]).to_event(1)
    steps = dist.TransformedDistribution(dist.Normal(0, 1).expand([4]).to_event(1), OrderedTransform())
    c = numpyro.sample("c", steps)
    numpyro.factor("prior of c", unordered.log_prob(c) - steps.log_prob(c))
    beta = numpyro.sample("beta", dist.Normal(0, 2).expand([2]).to_event(1))
    s = numpyro.sample("s", dist.HalfNormal(1))
    with numpyro.plate("judge", len(data["judge"])):
        a = numpyro.sample("a", dist.Normal(0, s))
    eta = a[_positions(data["judge"], data["judge_id"])] + jnp.array(data["x"]) @ beta
    with numpyro.plate("tasting", len(data["rating"])):
        numpyro.sample("rating", dist.OrderedLogistic(eta, c), obs=jnp.array(data["rating"]) - 1)


def integrated(name: str, mean: jax.Array, variance: jax.Array) -> None:
    """Records the moments, given the latents that are sampled and the data, of one that is not: (member,) each."""
    numpyro.deterministic(name, jnp.stack([mean, variance]))


def enumerated(name: str, lowest: int, odds: jax.Array) -> None:
    """Records a latent of two values, `lowest` and the next, by the log odds of the latter: (member,)."""
    chance = jax.nn.sigmoid(odds)
    integrated(name, lowest + chance, chance * (1 - chance))


def gaussian_mixture(data: Data) -> None:
    w = numpyro.sample("w", dist.Dirichlet(jnp.full(2, 2.0)))
    unordered = dist.Normal(70, 20).expand([2]).to_event(1)
    steps = dist.TransformedDistribution(dist.Normal(0, 1).expand([2]).to_event(1), OrderedTransform())
    mu = numpyro.sample("mu", steps)
    numpyro.factor("prior of mu", unordered.log_prob(mu) - steps.log_prob(mu))
    sigma = numpyro.sample("sigma", dist.HalfNormal(10).expand([2]).to_event(1))
    log_joint = jnp.log(w) + dist.Normal(mu, sigma).log_prob(jnp.array(data["waiting"])[:, None])
    numpyro.factor("waiting", jax.nn.logsumexp(log_joint, 1).sum())
    enumerated("z", 1, log_joint[:, 1] - log_joint[:, 0])


def zero_inflation(data: Data) -> None:
    x, skips = jnp.array(data["x"]), jnp.array(data["skips"])
    mu = numpyro.sample("mu", dist.Normal(0, 2))
    s = numpyro.sample("s", dist.HalfNormal(1))
    beta = numpyro.sample("beta", dist.Normal(0, 1).expand([x.shape[1]]).to_event(1))
    g0 = numpyro.sample("g0", dist.Normal(0, 2))
    g = numpyro.sample("g", dist.Normal(0, 2).expand([x.shape[1]]).to_event(1))
    with numpyro.plate("pad", len(data["pad"])):
        a = numpyro.sample("a", dist.Normal(mu, s))
    log_rate = a[_positions(data["pad"], data["pad_type"])] + x @ beta
    log_odds = g0 + x @ g
    is_prone = jax.nn.log_sigmoid(log_odds) + dist.Poisson(jnp.exp(log_rate)).log_prob(skips)
    is_safe = jnp.where(skips > 0, -jnp.inf, jax.nn.log_sigmoid(-log_odds))
    numpyro.factor("skips", jnp.logaddexp(is_prone, is_safe).sum())
    enumerated("prone", 0, is_prone - is_safe)


def occupancy(data: Data) -> None:
    a = numpyro.sample("a", dist.Normal(0, 2).expand([2]).to_event(1))
    b = numpyro.sample("b", dist.Normal(0, 2).expand([5]).to_event(1))
    date, hour = jnp.array(data["date"]), jnp.array(data["hour"])
    seen = jnp.array(data["seen"])
    logits = b[0] + b[1] * date + b[2] * date**2 + b[3] * hour + b[4] * hour**2
    site = _positions(data["site"], data["site_id"])
    size = len(data["site"])
    log_seen = jax.ops.segment_sum(dist.Bernoulli(logits=logits).log_prob(seen), site, size)
    log_odds = a[0] + a[1] * jnp.array(data["edge"])
    is_there = jax.nn.log_sigmoid(log_odds) + log_seen
    is_absent = jnp.where(jax.ops.segment_sum(seen, site, size) > 0, -jnp.inf, jax.nn.log_sigmoid(-log_odds))
    numpyro.factor("seen", jnp.logaddexp(is_there, is_absent).sum())
    enumerated("occupied", 0, is_there - is_absent)
    chance = jax.nn.sigmoid(is_there - is_absent)
    integrated("n_occupied", chance.sum(), (chance * (1 - chance)).sum())


def capture_recapture(data: Data) -> None:
    """Histories are padded to the longest by years in which nobody looks."""
    phi = numpyro.sample("phi", dist.Uniform(0, 1).expand([2]).to_event(1))
    p = numpyro.sample("p", dist.Uniform(0, 1))
    seen, is_year = _padded(data["seen"])
    flood = np.nan_to_num(_padded(data["flood"])[0], nan=1).astype(int)
    log_live, log_die = jnp.log(phi)[flood - 1], jnp.log1p(-phi)[flood - 1]
    stay, never = jnp.zeros(seen.shape), jnp.full(seen.shape, -jnp.inf)
    log_steps = jnp.stack([jnp.stack([stay, never], -1), jnp.stack([log_die, log_live], -1)], -2)
    log_alive = jnp.where(seen > 0, jnp.log(p), jnp.where(is_year, jnp.log1p(-p), 0.0))
    log_emission = jnp.stack([jnp.where(seen > 0, -jnp.inf, 0.0), log_alive], -1)
    log_evidence, chance = jax.vmap(forward_backward)(log_steps[:, 0, 1], log_steps[:, 1:], log_emission)
    numpyro.factor("seen", log_evidence.sum())
    alive = chance[is_year][:, 1]
    integrated("alive", alive, alive * (1 - alive))


class PositiveOrdered(dist.TransformedDistribution):
    """Exponentials of ordered numbers, which NumPyro would take for positive ones in any order."""

    support = constraints.positive_ordered_vector


def hidden_markov(data: Data) -> None:
    first = numpyro.sample("first", dist.Dirichlet(jnp.ones(2)))
    a = numpyro.sample("A", dist.Dirichlet(jnp.ones((2, 2))).to_event(1))
    unordered = dist.Normal(20, 10).expand([2]).to_event(1)
    logs = dist.Normal(jnp.array([3.0, -1.0]), 0.5).to_event(1)
    steps = PositiveOrdered(logs, [OrderedTransform(), ExpTransform()])
    rate = numpyro.sample("rate", steps)
    numpyro.factor("prior of rate", unordered.log_prob(rate) - steps.log_prob(rate))
    log_emission = dist.Poisson(rate).log_prob(jnp.array(data["earthquakes"])[:, None])
    log_a = jnp.broadcast_to(jnp.log(a), (len(data["year"]) - 1, 2, 2))
    log_evidence, chance = forward_backward(jnp.log(first), log_a, log_emission)
    numpyro.factor("earthquakes", log_evidence)
    integrated("z", 1 + chance[:, 1], chance[:, 0] * chance[:, 1])


def sales(data: Data) -> None:
    q = numpyro.sample("q", dist.HalfNormal(2))
    r = numpyro.sample("r", dist.HalfNormal(5))
    beta = numpyro.sample("beta", dist.Normal(0, 10))
    one = jnp.ones(1)
    stores = LinearGaussian(50 * one, 20 * one, jnp.eye(1), q * one, r)
    leaflets = beta * np.nan_to_num(_padded(data["leaflet"])[0])
    _states(stores, data, leaflets, ("level",))


def trend(data: Data) -> None:
    q_slope = numpyro.sample("q_slope", dist.HalfNormal(0.5))
    q_level = numpyro.sample("q_level", dist.HalfNormal(2))
    r = numpyro.sample("r", dist.HalfNormal(5))
    transition = jnp.array([[1.0, 0.0], [1.0, 1.0]])
    noise = jnp.stack([q_slope, q_level])
    stores = LinearGaussian(jnp.array([0.0, 200.0]), jnp.array([1.0, 20.0]), transition, noise, r)
    _states(stores, data, jnp.zeros(()), ("slope", "level"))


def _states(stores: LinearGaussian, data: Data, shift: jax.Array, names: tuple[str, ...]) -> None:
    """The density of sales, less `shift`, with the states of every store integrated out; missing weeks and the padding say nothing."""
    sold, is_week = _padded(data["sales"])
    log_density, means, variances = jax.vmap(stores.smooth)(jnp.nan_to_num(sold) - shift, ~np.isnan(sold))
    numpyro.factor("sales", log_density.sum())
    for state, name in enumerate(names):
        integrated(name, means[is_week][:, state], variances[is_week][:, state])


def _padded(rows: Sequence[Sequence[float | None]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Rows of any length as a rectangle, and where in it they lie. The padding is NaN, as is what is missing."""
    table = pd.DataFrame(rows, dtype=float)
    lengths = np.array([len(row) for row in rows])
    return table.to_numpy(), np.arange(table.shape[1]) < lengths[:, None]


@dataclass(frozen=True)
class Reference:
    """How the posterior of one example is sampled: its density, the latents in non-centred form, and the settings of NUTS.

    integrated: the latents that the density integrates out, each with the plates it lives on.
    """

    model: Callable[[Data], None]
    non_centred: tuple[str, ...] = ()
    integrated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    draws: int = 50_000
    target_accept: float = 0.9


REFERENCES: dict[str, Reference] = {
    "eight_schools": Reference(eight_schools, non_centred=("theta",), draws=100_000, target_accept=0.99),
    "radon": Reference(radon, non_centred=("a",)),
    "sleepstudy": Reference(sleepstudy),
    "contraception": Reference(contraception, non_centred=("a",)),
    "surgical": Reference(surgical, non_centred=("b",), target_accept=0.98),
    "melanoma": Reference(melanoma),
    "kidney": Reference(kidney, non_centred=("u",), target_accept=0.98),
    "wine": Reference(wine, non_centred=("a",), target_accept=0.98),
    "gaussian_mixture": Reference(gaussian_mixture, integrated={"z": ("eruption",)}, draws=30_000),
    "zero_inflation": Reference(zero_inflation, integrated={"prone": ("board",)}),
    "occupancy": Reference(occupancy, integrated={"occupied": ("site",), "n_occupied": ()}),
    "capture_recapture": Reference(capture_recapture, integrated={"alive": ("bird", "year")}, draws=20_000),
    "hidden_markov": Reference(hidden_markov, integrated={"z": ("year",)}, draws=20_000),
    "sales": Reference(sales, integrated={"level": ("store", "week")}, draws=20_000),
    "trend": Reference(
        trend, integrated={"slope": ("store", "week"), "level": ("store", "week")}, draws=30_000, target_accept=0.8
    ),
}
