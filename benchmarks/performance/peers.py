"""NumPyro on the same models and data: NUTS, and SVI with a mean-field and a full-rank guide. Compilation counts, once; imports do not."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray
from numpyro.diagnostics import effective_sample_size
from numpyro.handlers import seed, trace
from numpyro.infer import NUTS, SVI, Predictive, Trace_ELBO
from numpyro.infer.autoguide import AutoGuide, AutoMultivariateNormal, AutoNormal
from numpyro.optim import Adam

from benchmarks.performance.cases import ACCURATE, Case
from benchmarks.performance.numpyro_models import model

WARMUP, ROUND, ROUNDS = 500, 250, 200
STEPS, STEP_ROUNDS = 1000, 30
RATE, DECAY = 0.1, 10_000
"""The step size of Adam at the start, and the number of steps that divide it by ten."""
SAMPLES, MOST_VALUES = 32_768, 1 << 26
"""Draws from a guide, so that their noise is far below ACCURATE, in batches of at most so many values."""
NOISE = 5
"""Standard errors by which the worst of many means of draws may be off by chance."""
KEPT = 100
"""Components of a latent whose effective sample size is looked at."""
LARGEST_GUIDE = 5000
"""Dimensions of a full-rank guide."""
Floats = NDArray[np.float64]


@dataclass
class Tally:
    """What is kept of draws: sums over them of every component of every latent, and the draws themselves of the first KEPT."""

    count: int = 0
    sums: dict[str, Floats] = field(default_factory=dict)
    draws: dict[str, list[Floats]] = field(default_factory=lambda: defaultdict(list))

    def add(self, found: dict[str, jax.Array]) -> None:
        for name, values in found.items():
            flat = np.asarray(values).reshape(len(values), -1)
            self.sums[name] = self.sums.get(name, 0) + flat.sum(0, dtype=np.float64)
            self.draws[name].append(flat[:, :KEPT])
        self.count += len(next(iter(found.values())))

    def smallest_ess(self) -> float:
        parts = (np.concatenate(draws).astype(np.float64) for draws in self.draws.values())
        return min(float(np.min(effective_sample_size(part[None]))) for part in parts)


class Truth:
    """Posterior mean and sd of the components of every latent that has a reference, in the order of the reference."""

    def __init__(self, reference: dict[str, dict[str, float]]) -> None:
        rows: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for name, row in reference.items():
            rows[name.partition("[")[0]].append((row["mean"], row["sd"]))
        self.moments = {name: np.array(values).T for name, values in rows.items()}

    def error(self, tally: Tally) -> float:
        """The largest distance of a mean, in its sd."""
        return max(
            float(np.abs((tally.sums[name] / tally.count - mean) / sd).max())
            for name, (mean, sd) in self.moments.items()
        )


def _truth(case: Case) -> Truth | None:
    reference = case.reference()
    return None if reference is None else Truth(reference)


def nuts(case: Case) -> dict[str, Any]:
    """One chain: seconds until the means are accurate, looking after every round of draws; the looks are not counted."""
    data, truth = case.data(), _truth(case)
    start = time.perf_counter()
    kernel = NUTS(model(case.peer))
    state = kernel.init(jax.random.key(1), WARMUP, None, (data,), {})
    constrained = jax.jit(jax.vmap(kernel.postprocess_fn((data,), {})))

    @jax.jit
    def sample(state: Any) -> tuple[Any, Any]:
        def one(state: Any, _: None) -> tuple[Any, Any]:
            new = kernel.sample(state, (data,), {})
            return new, new.z

        return jax.lax.scan(one, state, None, length=ROUND)

    tally, error, seconds = Tally(), np.inf, 0.0
    for number in range(-(WARMUP // ROUND), ROUNDS):
        state, drawn = jax.block_until_ready(sample(state))
        if number < 0:
            continue
        found = jax.block_until_ready(constrained(drawn))
        seconds += time.perf_counter() - start
        tally.add({name: found[name] for name in (truth.moments if truth else _latents(found))})
        error = truth.error(tally) if truth else float(1 / np.sqrt(tally.smallest_ess()))
        if error <= ACCURATE:
            break
        start = time.perf_counter()
    return {"seconds": seconds, "draws": tally.count, "ess": tally.smallest_ess(), "error": error}


def _latents(found: Iterable[str]) -> list[str]:
    return [name for name in found if not name.endswith("_decentered")]


def svi_mean_field(case: Case) -> dict[str, Any]:
    return _svi(case, AutoNormal(model(case.peer)))


def svi_full_rank(case: Case) -> dict[str, Any]:
    size = _size(case)
    if size > LARGEST_GUIDE:
        return {"failed": f"a full covariance of {size:,} dimensions"}
    return _svi(case, AutoMultivariateNormal(model(case.peer)))


def _svi(case: Case, guide: AutoGuide) -> dict[str, Any]:
    """Seconds until the means are accurate, looking after every round of steps; the looks are not counted."""
    truth = _truth(case)
    if truth is None:
        return {"failed": "no reference"}
    data = case.data()
    start = time.perf_counter()
    svi = SVI(model(case.peer), guide, Adam(lambda step: RATE * 0.1 ** (step / DECAY)), Trace_ELBO())
    state = svi.init(jax.random.key(1), data)
    run = jax.jit(lambda state: jax.lax.scan(lambda s, _: svi.update(s, data), state, None, length=STEPS)[0])
    batch = min(SAMPLES, MOST_VALUES // _size(case))

    @jax.jit
    def sample(params: Any, key: jax.Array) -> Any:
        sites = list(truth.moments)
        predictive = Predictive(model(case.peer), guide=guide, params=params, num_samples=batch, return_sites=sites)
        return predictive(key, data)

    error, best, steps, seconds = np.inf, np.inf, 0, 0.0
    for _ in range(STEP_ROUNDS):
        state, steps = jax.block_until_ready(run(state)), steps + STEPS
        seconds += time.perf_counter() - start
        error = _guide_error(truth, lambda key, state=state: sample(svi.get_params(state), key))
        best = min(best, error)
        if error <= ACCURATE:
            break
        start = time.perf_counter()
    return {"seconds": seconds, "steps": steps, "error": best}


def _guide_error(truth: Truth, sample: Callable[[jax.Array], dict[str, jax.Array]]) -> float:
    """From SAMPLES draws; from fewer, where these show already that a mean is not accurate."""
    tally = Tally()
    while tally.count < SAMPLES:
        tally.add(sample(jax.random.key(tally.count)))
        error = truth.error(tally)
        if error > ACCURATE + NOISE / np.sqrt(tally.count):
            break
    return error


def _size(case: Case) -> int:
    """Number of latent values."""
    sites = trace(seed(model(case.peer), jax.random.key(0))).get_trace(case.data()).values()
    return sum(np.size(site["value"]) for site in sites if site["type"] == "sample" and not site["is_observed"])
