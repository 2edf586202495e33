"""python -m benchmarks.references.posteriors [NAME ...]: sample the public benchmark posteriors that have no published moments.

Each is stated in tests/reference/NAME.qem, and here once more, in NumPyro; the table of its moments goes to tests/reference/NAME.json. The
data are read from the shared folder. Discrete latents are summed out.
"""

from __future__ import annotations

import sys
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

from benchmarks.posteriors import MODELS, POSTERIORS
from benchmarks.references.models import Data, Reference
from benchmarks.references.sampling import record

SEED = 20_261


def glm_poisson(data: Data) -> None:
    year = jnp.array(data["year"])
    alpha = numpyro.sample("alpha", dist.Uniform(-20, 20))
    beta1, beta2, beta3 = (numpyro.sample(f"beta{i}", dist.Uniform(-10, 10)) for i in (1, 2, 3))
    log_rate = alpha + beta1 * year + beta2 * year**2 + beta3 * year**3
    numpyro.sample("C", dist.Poisson(jnp.exp(log_rate)), obs=jnp.array(data["C"]))


def m0(data: Data) -> None:
    """An animal that is not there is never seen."""
    omega = numpyro.sample("omega", dist.Uniform(0, 1))
    p = numpyro.sample("p", dist.Uniform(0, 1))
    y = np.array(data["y"])
    seen = jnp.array(y.sum(1))
    there = jnp.log(omega) + seen * jnp.log(p) + (y.shape[1] - seen) * jnp.log1p(-p)
    numpyro.factor("y", jnp.where(seen > 0, there, jnp.logaddexp(there, jnp.log1p(-omega))).sum())


def rate_3(data: Data) -> None:
    theta = numpyro.sample("theta", dist.Beta(1, 1))
    for i in (1, 2):
        numpyro.sample(f"k{i}", dist.Binomial(data[f"n{i}"], theta), obs=data[f"k{i}"])


def radon_hierarchical_intercept(data: Data) -> None:
    mu_alpha = numpyro.sample("mu_alpha", dist.Normal(0, 10))
    sigma_alpha = numpyro.sample("sigma_alpha", dist.HalfNormal(1))
    beta = numpyro.sample("beta", dist.Normal(0, 10).expand([2]).to_event(1))
    sigma_y = numpyro.sample("sigma_y", dist.HalfNormal(1))
    with numpyro.plate("county", len(data["county"])):
        alpha = numpyro.sample("alpha", dist.Normal(mu_alpha, sigma_alpha))
    slopes = beta[0] * jnp.array(data["log_uppm"]) + beta[1] * jnp.array(data["floor_measure"])
    mean = alpha[jnp.array(data["county_idx"]) - 1] + slopes
    numpyro.sample("log_radon", dist.Normal(mean, sigma_y), obs=jnp.array(data["log_radon"]))


def radon_variable_intercept_slope(data: Data) -> None:
    mu_alpha = numpyro.sample("mu_alpha", dist.Normal(0, 10))
    mu_beta = numpyro.sample("mu_beta", dist.Normal(0, 10))
    sigma_y, sigma_alpha, sigma_beta = (
        numpyro.sample(f"sigma_{name}", dist.HalfNormal(1)) for name in ("y", "alpha", "beta")
    )
    with numpyro.plate("county", len(data["county"])):
        alpha = numpyro.sample("alpha", dist.Normal(mu_alpha, sigma_alpha))
        beta = numpyro.sample("beta", dist.Normal(mu_beta, sigma_beta))
    county = jnp.array(data["county_idx"]) - 1
    mean = alpha[county] + beta[county] * jnp.array(data["floor_measure"])
    numpyro.sample("log_radon", dist.Normal(mean, sigma_y), obs=jnp.array(data["log_radon"]))


def rats(data: Data) -> None:
    mu_alpha = numpyro.sample("mu_alpha", dist.Normal(0, 100))
    mu_beta = numpyro.sample("mu_beta", dist.Normal(0, 100))
    variance = {
        name: numpyro.sample(f"sigmasq_{name}", dist.InverseGamma(0.001, 0.001)) for name in ("y", "alpha", "beta")
    }
    with numpyro.plate("animal", len(data["animal"])):
        alpha = numpyro.sample("alpha", dist.Normal(mu_alpha, jnp.sqrt(variance["alpha"])))
        beta = numpyro.sample("beta", dist.Normal(mu_beta, jnp.sqrt(variance["beta"])))
    rat = jnp.array(data["rat"]) - 1
    mean = alpha[rat] + beta[rat] * (jnp.array(data["x"]) - data["xbar"])
    numpyro.sample("y", dist.Normal(mean, jnp.sqrt(variance["y"])), obs=jnp.array(data["y"]))


def seeds(data: Data) -> None:
    alpha = {i: numpyro.sample(f"alpha{i}", dist.Normal(0, 1000)) for i in (0, 1, 12, 2)}
    tau = numpyro.sample("tau", dist.Gamma(0.001, 0.001))
    with numpyro.plate("dish", len(data["dish"])):
        b = numpyro.sample("b", dist.Normal(0, 1 / jnp.sqrt(tau)))
    x1, x2 = jnp.array(data["x1"]), jnp.array(data["x2"])
    logits = alpha[0] + alpha[1] * x1 + alpha[2] * x2 + alpha[12] * x1 * x2 + b
    numpyro.sample("n", dist.Binomial(jnp.array(data["N"]), logits=logits), obs=jnp.array(data["n"]))


def surgical(data: Data) -> None:
    mu = numpyro.sample("mu", dist.Normal(0, 1000))
    sigmasq = numpyro.sample("sigmasq", dist.InverseGamma(0.001, 0.001))
    with numpyro.plate("hospital", len(data["hospital"])):
        b = numpyro.sample("b", dist.Normal(mu, jnp.sqrt(sigmasq)))
    numpyro.sample("r", dist.Binomial(jnp.array(data["n"]), logits=b), obs=jnp.array(data["r"]))


def wells_dae(data: Data) -> None:
    start = dist.Normal(0, 1)
    alpha = numpyro.sample("alpha", start)
    beta = numpyro.sample("beta", start.expand([3]).to_event(1))
    numpyro.factor("flat priors", -start.log_prob(alpha) - start.log_prob(beta).sum())
    x = np.stack([np.array(data["dist"]) / 100, data["arsenic"], np.array(data["educ"]) / 4], 1)
    numpyro.sample("switched", dist.Bernoulli(logits=alpha + jnp.array(x) @ beta), obs=jnp.array(data["switched"]))


REFERENCES: dict[str, Reference] = {
    "glm_poisson": Reference(glm_poisson),
    "m0": Reference(m0),
    "rate_3": Reference(rate_3),
    "radon_hierarchical_intercept": Reference(radon_hierarchical_intercept, non_centred=("alpha",), target_accept=0.95),
    "radon_variable_intercept_slope": Reference(
        radon_variable_intercept_slope, non_centred=("beta",), target_accept=0.95
    ),
    "rats": Reference(rats),
    "seeds": Reference(seeds, non_centred=("b",), target_accept=0.99),
    "surgical": Reference(surgical, non_centred=("b",), target_accept=0.99),
    "wells_dae": Reference(wells_dae),
}
PLATES = {"county": "J", "animal": "N", "dish": "I", "hospital": "N"}
"""Plates with latents, and the size of each in the data; members are numbered."""


def labelled(data: dict[str, Any]) -> Data:
    """The data with the labels of every plate that may be in them."""
    sizes = {plate: data[size] for plate, size in PLATES.items() if isinstance(data.get(size), int)}
    return data | {plate: [str(i + 1) for i in range(size)] for plate, size in sizes.items()}


def main(names: list[str]) -> None:
    numpyro.enable_x64()
    for posterior in POSTERIORS:
        name = posterior.name
        if name in REFERENCES and (not names or name in names):
            record(REFERENCES[name], labelled(posterior.data()), SEED, MODELS / f"{name}.json")


if __name__ == "__main__":
    main(sys.argv[1:])
