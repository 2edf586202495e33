"""python -m benchmarks.paper.truth [NAME ...]: posterior means and sds by long NUTS runs, to benchmarks/paper/truth/."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.handlers import reparam
from numpyro.infer import MCMC, NUTS, init_to_uniform, init_to_value
from numpyro.infer.reparam import LocScaleReparam

from benchmarks.paper.experiments import EXPERIMENTS, Experiment
from benchmarks.performance.cases import Data
from benchmarks.performance.numpyro_models import model

CHAINS, WARMUP, DRAWS = 4, 1_000, 2_500
SMALLEST_ESS, LARGEST_RHAT, MOST_DIVERGENCES = 1_000, 1.01, 10
SEED = 20_262


def radon(data: Data) -> None:
    counties = len(data["county"])
    county = jnp.array([data["county"].index(name) for name in data["county_name"]])
    mean = numpyro.sample("mean", dist.Normal(0, 1))
    log_sd = numpyro.sample("log_sd", dist.Normal(0, 1))
    with reparam(config={"level": LocScaleReparam(0)}):
        level = numpyro.sample("level", dist.Normal(mean, jnp.exp(log_sd)).expand([counties]))
    log_spread = numpyro.sample("log_spread", dist.Normal(0, 1).expand([counties]))
    law = dist.Normal(level[county], jnp.exp(log_spread[county]))
    numpyro.sample("log_radon", law, obs=jnp.array(data["log_radon"]))


def epidemic(data: Data) -> None:
    """Centred: every day's cases say much of its state."""
    x = jnp.array(data["x"])
    cases = np.array(data["cases"], float)
    known = ~np.isnan(cases)
    beta = numpyro.sample("beta", dist.Normal(0, 0.1).expand([x.shape[-1]]))
    growth = numpyro.sample("growth", dist.Normal(0.1, 0.1))
    s = numpyro.sample("s", dist.HalfNormal(0.3))
    phi = numpyro.sample("phi", dist.Gamma(2, 0.1))
    state = numpyro.sample("log_infections", dist.ImproperUniform(dist.constraints.real, cases.shape, ()))
    numpyro.factor("first", dist.Normal(3, 2).log_prob(state[:, 0]).sum())
    drift = growth - x[:, 1:] @ beta
    numpyro.factor("steps", dist.Normal(state[:, :-1] + drift, s).log_prob(state[:, 1:]).sum())
    law = dist.NegativeBinomial2(jnp.exp(state[known]), phi)
    numpyro.sample("cases", law, obs=jnp.array(cases[known]))


def beginning(data: Data) -> dict[str, jnp.ndarray]:
    """Where chains of the epidemic begin: elsewhere, rates overflow."""
    cases = np.array(data["cases"], float)
    return {"log_infections": jnp.array(np.log(np.where(np.isnan(cases), np.nanmedian(cases), cases) + 0.5))}


@dataclass(frozen=True)
class Peer:
    """A model, where its chains begin, and how often they accept."""

    model: Callable[[Data], None]
    begin: Callable[[Data], Mapping[str, jnp.ndarray]] | None = None
    accept: float = 0.99


OWN = {"radon": Peer(radon), "epidemic": Peer(epidemic, beginning, 0.9)}
"""Those that no other benchmark has."""


def write(experiment: Experiment) -> None:
    """Raises ValueError for a run that has not converged."""
    start = time.perf_counter()
    data, peer = experiment.data("train"), OWN.get(experiment.peer) or Peer(model(experiment.peer))
    begin = init_to_uniform if peer.begin is None else init_to_value(values=peer.begin(data))
    kernel = NUTS(peer.model, target_accept_prob=peer.accept, init_strategy=begin)
    mcmc = MCMC(kernel, num_warmup=WARMUP, num_samples=DRAWS, num_chains=CHAINS, progress_bar=False)
    mcmc.run(jax.random.key(SEED), data)
    latents = {variable.name for variable in experiment.bind("train").ir.latents if not variable.enumerated}
    samples = {n: np.asarray(v) for n, v in mcmc.get_samples(group_by_chain=True).items() if n in latents}
    ess = min(float(np.min(effective_sample_size(v))) for v in samples.values())
    rhat = max(float(np.max(split_gelman_rubin(v))) for v in samples.values())
    divergences = int(mcmc.get_extra_fields()["diverging"].sum())
    print(f"{experiment.name}: smallest ESS {ess:.0f}, R-hat {rhat:.4f}, divergences {divergences}", flush=True)
    if ess < SMALLEST_ESS or rhat > LARGEST_RHAT or divergences > MOST_DIVERGENCES:
        raise ValueError("this run is no reference")
    table = {}
    for name, values in samples.items():
        flat = values.reshape(-1, *values.shape[2:])
        table[name] = {"mean": flat.mean(0).round(5).tolist(), "sd": flat.std(0).round(5).tolist()}
    experiment.truth.write_text(json.dumps(table) + "\n", encoding="utf-8")
    print(f"  {time.perf_counter() - start:.0f} s", flush=True)


def main(names: list[str]) -> None:
    numpyro.enable_x64()
    for experiment in EXPERIMENTS:
        if experiment.peer in names or not (names or experiment.truth.exists()):
            write(experiment)


if __name__ == "__main__":
    main(sys.argv[1:])
