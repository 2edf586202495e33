"""The densities of the examples in NumPyro, statement by statement as in their `model.qem`.

Each latent has the name that it has there, and each plate the name of its plate. A latent on a plate that the data leave weakly
identified is sampled in its non-centred form: `Reference.non_centred` names it, and the density stays as written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.distributions.transforms import OrderedTransform

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


@dataclass(frozen=True)
class Reference:
    """How the posterior of one example is sampled: its density, the latents in non-centred form, and the settings of NUTS."""

    model: Callable[[Data], None]
    non_centred: tuple[str, ...] = ()
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
}
