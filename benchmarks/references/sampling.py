"""Long NUTS runs, checked, and the table of moments that they give."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpyro
from numpy.typing import NDArray
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.handlers import block, reparam, seed, substitute, trace
from numpyro.infer import MCMC, NUTS
from numpyro.infer.reparam import LocScaleReparam

from benchmarks.references.models import Data, Reference

CHAINS = 4
WARMUP = 2_000
MINIMUM_ESS = 40_000
MAXIMUM_RHAT = 1.005
AVERAGED = 40_000
"""Draws at most, evenly spaced, over which the moments of integrated latents are averaged."""
CERTAIN = 1e-6
"""A smaller sd is written as 0."""

Draws = dict[str, NDArray[np.float64]]


class UnreliableError(Exception):
    """A run that does not meet the requirements on a reference."""


def sample(reference: Reference, data: Data, key: int) -> Draws:
    """Draws of every sampled latent, each with the axes (chain, draw, *shape); raises `UnreliableError` if they miss the bar."""
    density = block(reference.model, hide=list(reference.integrated))
    model = reparam(density, config={name: LocScaleReparam(0) for name in reference.non_centred})
    kernel = NUTS(model, target_accept_prob=reference.target_accept, dense_mass=True)
    mcmc = MCMC(
        kernel,
        num_warmup=WARMUP,
        num_samples=reference.draws,
        num_chains=CHAINS,
        chain_method="sequential",
        progress_bar=False,
    )
    mcmc.run(jax.random.key(key), data)
    divergences = int(mcmc.get_extra_fields()["diverging"].sum())
    samples = mcmc.get_samples(group_by_chain=True)
    draws = {name: np.asarray(samples[name]) for name in _latents(reference, data)}
    _check(draws, divergences)
    return draws


def _latents(reference: Reference, data: Data) -> dict[str, tuple[str, ...]]:
    """The plates (none or one) of each latent, in the order of the model."""
    with numpyro.validation_enabled(is_validate=False):  # draws of a vague prior may overflow
        sites = trace(seed(reference.model, jax.random.key(0))).get_trace(data)
    return {
        name: tuple(frame.name for frame in site["cond_indep_stack"])
        for name, site in sites.items()
        if site["type"] == "sample" and not site["is_observed"]
    }


def _check(draws: Draws, divergences: int) -> None:
    """Print how good the run is, and refuse one that is not good enough."""
    ess = min(float(np.min(effective_sample_size(value))) for value in draws.values())
    spread = {name: (value - value.mean((0, 1))) ** 2 for name, value in draws.items()}
    ess_spread = min(float(np.min(effective_sample_size(value))) for value in spread.values())
    rhat = max(float(np.max(split_gelman_rubin(value))) for value in draws.values())
    print(f"  smallest ESS: means {ess:.0f}, variances {ess_spread:.0f}; R-hat {rhat:.5f}; divergences {divergences}")
    if ess < MINIMUM_ESS or rhat > MAXIMUM_RHAT or divergences:
        raise UnreliableError(
            f"required: ESS of every mean at least {MINIMUM_ESS}, R-hat at most {MAXIMUM_RHAT}, no divergence"
        )


def moments(reference: Reference, data: Data, draws: Draws) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of every component, by its name: `mu`, `beta[1]`, `theta[A]`."""
    table: dict[str, dict[str, float]] = {}
    for name, plates in _latents(reference, data).items():
        values = draws[name].reshape(-1, *draws[name].shape[2:])
        for index in np.ndindex(values.shape[1:]):
            labels = [str(i + 1) for i in index]
            if plates:
                labels[0] = data[plates[0]][index[0]]
            row = f"{name}[{','.join(labels)}]" if labels else name
            table[row] = _rounded(float(values[:, *index].mean()), float(values[:, *index].std(ddof=1)))
    return table | _integrated(reference, data, draws)


def _integrated(reference: Reference, data: Data, draws: Draws) -> dict[str, dict[str, float]]:
    """The same of the latents that the density integrates out: the average of their mean given the sampled latents, and by the law of total
    variance the sd."""
    step = -(-next(iter(draws.values())).shape[1] * CHAINS // AVERAGED)
    flat = {name: value[:, ::step].reshape(-1, *value.shape[2:]) for name, value in draws.items()}

    def given(values: dict[str, Any]) -> dict[str, Any]:
        sites = trace(substitute(reference.model, values)).get_trace(data)
        return {name: sites[name]["value"] for name in reference.integrated}

    table: dict[str, dict[str, float]] = {}
    for name, moment in jax.lax.map(given, flat, batch_size=100).items():
        means, variances = np.moveaxis(np.asarray(moment).reshape(len(moment), 2, -1), 1, 0)
        sds = np.sqrt(variances.mean(0) + means.var(0))
        rows = _rows(data, name, reference.integrated[name], sds.size)
        table |= {row: _rounded(float(mean), float(sd)) for row, mean, sd in zip(rows, means.mean(0), sds, strict=True)}
    return table


def _rows(data: Data, name: str, plates: tuple[str, ...], size: int) -> list[str]:
    """What the members are called: of no plate, of one, or of one nested by lists in another, whose labels recur there."""
    if not plates:
        return [name]
    *above, plate = plates
    if above:
        nested = zip(data[above[0]], data[plate], strict=True)
        return [f"{name}[{parent},{label}]" for parent, members in nested for label in members]
    return [f"{name}[{label}]" for label in data.get(plate, range(1, size + 1))]


def _rounded(mean: float, sd: float) -> dict[str, float]:
    """Both to a thousandth of the sd's leading digit, below the error of the run. A discrete latent may be certain but for rounding."""
    if sd < CERTAIN:
        return {"mean": round(mean, 6), "sd": 0.0}
    decimals = 3 - math.floor(math.log10(sd))
    return {"mean": round(mean, decimals), "sd": round(sd, decimals)}


def record(reference: Reference, data: Data, key: int, path: Path) -> None:
    """Samples a posterior and writes its table, with the name of the file and the time on the terminal."""
    print(path, flush=True)
    start = time.perf_counter()
    write(path, moments(reference, data, sample(reference, data, key)))
    print(f"  {time.perf_counter() - start:.0f} s", flush=True)


def write(path: Path, table: dict[str, dict[str, float]]) -> None:
    """JSON with one quantity a line."""
    rows = (f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(row)}" for name, row in table.items())
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def load(path: Path) -> dict[str, Any]:
    """A JSON object."""
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
