"""The benchmark models in NumPyro as its users write them: discrete latents summed out by hand, effects of groups centred where their rows
say much, else not, whichever is faster."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax.nn import log_sigmoid
from numpyro.handlers import reparam
from numpyro.infer.reparam import LocScaleReparam

from benchmarks.performance.cases import Data
from benchmarks.references.models import REFERENCES

Model = Callable[[Data], None]


def _effects(name: str, size: int, mean: jnp.ndarray, sd: jnp.ndarray) -> jnp.ndarray:
    with numpyro.plate(f"{name} plate", size), reparam(config={name: LocScaleReparam(0)}):
        return numpyro.sample(name, dist.Normal(mean, sd))


def linear(data: Data) -> None:
    group, x, y = (jnp.array(data[name]) for name in ("group_of", "x", "y"))
    mu = numpyro.sample("mu", dist.Normal(0, 2))
    tau = numpyro.sample("tau", dist.HalfNormal(1))
    slope = numpyro.sample("slope", dist.Normal(0, 2))
    sigma = numpyro.sample("sigma", dist.HalfNormal(1))
    with numpyro.plate("group", int(data["group_of"].max())):
        alpha = numpyro.sample("alpha", dist.Normal(mu, tau))
    numpyro.sample("y", dist.Normal(alpha[group - 1] + slope * x, sigma), obs=y)


def logistic(data: Data) -> None:
    group, x, treated, y = (jnp.array(data[name]) for name in ("group_of", "x", "treated", "y"))
    mu = numpyro.sample("mu", dist.Normal(0, 2))
    tau = numpyro.sample("tau", dist.HalfNormal(1))
    slope = numpyro.sample("slope", dist.Normal(0, 2))
    effect = numpyro.sample("effect", dist.Normal(0, 2))
    alpha = _effects("alpha", int(data["group_of"].max()), mu, tau)
    numpyro.sample("y", dist.Bernoulli(logits=alpha[group - 1] + slope * x + effect * treated), obs=y)


def poisson(data: Data) -> None:
    mu = numpyro.sample("mu", dist.Normal(0, 2))
    tau = numpyro.sample("tau", dist.HalfNormal(1))
    log_rate = _effects("log_rate", len(data["y"]), mu, tau)
    numpyro.sample("y", dist.Poisson(jnp.array(data["exposure"]) * jnp.exp(log_rate)), obs=jnp.array(data["y"]))


def occupancy(data: Data) -> None:
    year, species, site = (jnp.array(data[name]) - 1 for name in ("year_of", "species_of", "site_of"))
    mu = numpyro.sample("mu", dist.Normal(0, 1))
    tau = numpyro.sample("tau", dist.HalfNormal(1))
    b = numpyro.sample("b", dist.Normal(0, 1).expand([3]).to_event(1))
    detect = numpyro.sample("detect", dist.Normal(0, 1))
    g = numpyro.sample("g", dist.Normal(0, 1))
    with numpyro.plate("year", 6):
        level = numpyro.sample("level", dist.Normal(0, 0.5))
    alpha = _effects("alpha", 72, mu + level[year], tau)
    eta = alpha[species] + jnp.array(data["weather"]) @ b
    seen, quality = jnp.array(data["seen"]), jnp.array(data["quality"])
    present, absent = (
        jnp.zeros(len(eta)).at[site].add(dist.Bernoulli(logits=logits).log_prob(seen))
        for logits in (detect + g * quality, jnp.full(len(seen), -10.0))
    )
    numpyro.factor("seen", jnp.logaddexp(log_sigmoid(eta) + present, log_sigmoid(-eta) + absent).sum())


def bus(data: Data) -> None:
    year, borough = (jnp.array(data[name]) - 1 for name in ("year_of", "borough_of"))
    psi = numpyro.sample("psi", dist.Normal(0, 1).expand([8]).to_event(1))
    phi = numpyro.sample("phi", dist.Normal(0, 1).expand([59]).to_event(1))
    mu_beta = numpyro.sample("mu_beta", dist.Normal(0, 1))
    sigma_beta = numpyro.sample("sigma_beta", dist.Normal(0, 1))
    with numpyro.plate("year", 2):
        sigma_alpha = numpyro.sample("sigma_alpha", dist.Normal(0, 1))
    beta = _effects("beta", 2, mu_beta, jnp.exp(sigma_beta))
    alpha = _effects("alpha", 6, beta[year], jnp.exp(sigma_alpha[year]))
    eta = alpha[borough] + jnp.array(data["company"]) @ phi + jnp.array(data["run_type"]) @ psi
    numpyro.sample("delayed", dist.Bernoulli(logits=eta), obs=jnp.array(data["delayed"]))


def preferences(data: Data) -> None:
    mu = numpyro.sample("mu", dist.Normal(0, 1).expand([18]).to_event(1))
    psi = numpyro.sample("psi", dist.Normal(0, 1).expand([18]).to_event(1))
    with numpyro.plate("user", 300), reparam(config={"z": LocScaleReparam(0)}):
        z = numpyro.sample("z", dist.Normal(mu, jnp.exp(psi)).to_event(1))
    eta = (z[jnp.array(data["user_of"]) - 1] * jnp.array(data["genre"])).sum(-1)
    numpyro.sample("liked", dist.Bernoulli(logits=eta), obs=jnp.array(data["liked"]))


def model(name: str) -> Model:
    if name in REFERENCES:
        reference = REFERENCES[name]
        return reparam(reference.model, config={latent: LocScaleReparam(0) for latent in reference.non_centred})
    return partial(_MODELS[name])


_MODELS: dict[str, Model] = {f.__name__: f for f in (linear, logistic, poisson, occupancy, bus, preferences)}
