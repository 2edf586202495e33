"""NumPyro on the same models and data: NUTS, and SVI with a mean-field and a full-rank guide. Compilation counts, once; imports do not."""

from __future__ import annotations

import time
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray
from numpyro.diagnostics import effective_sample_size
from numpyro.handlers import seed, trace
from numpyro.infer import NUTS, SVI, Predictive, Trace_ELBO
from numpyro.infer.autoguide import AutoGuide, AutoMultivariateNormal, AutoNormal
from numpyro.optim import Adam

from benchmarks.performance.cases import ACCURATE, Case, Data
from benchmarks.performance.numpyro_models import model
from benchmarks.references.models import REFERENCES
from benchmarks.references.sampling import moments

WARMUP, ROUND, ROUNDS = 500, 250, 200
STEPS, STEP_ROUNDS = 1000, 30
RATE, DECAY = 0.1, 10_000
"""The step size of Adam at the start, and the number of steps that divide it by ten."""
SAMPLES, MOST_VALUES = 20_000, 1 << 26
"""Draws from a guide, so that their noise is far below ACCURATE; fewer where all latents have more values than that."""
LARGEST_GUIDE = 5000
"""Dimensions of a full-rank guide."""
Draws = dict[str, NDArray[np.float64]]


def nuts(case: Case) -> dict[str, Any]:
    """One chain: seconds until the means are accurate, looking after every round of draws; the looks are not counted."""
    data, names = case.data(), _names(case)
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

    draws, error, seconds = Draws(), np.inf, 0.0
    for number in range(-(WARMUP // ROUND), ROUNDS):
        state, drawn = jax.block_until_ready(sample(state))
        if number < 0:
            continue
        found = jax.block_until_ready(constrained(drawn))
        seconds += time.perf_counter() - start
        for name in names or [name for name in found if not name.endswith("_decentered")]:
            draws[name] = _joined(draws, name, found[name])
        error = _error(case, data, draws)
        if error <= ACCURATE:
            break
        start = time.perf_counter()
    return {"seconds": seconds, "draws": len(next(iter(draws.values()))), "ess": _smallest_ess(draws), "error": error}


def svi_mean_field(case: Case) -> dict[str, Any]:
    return _svi(case, AutoNormal(model(case.peer)))


def svi_full_rank(case: Case) -> dict[str, Any]:
    size = _size(case)
    if size > LARGEST_GUIDE:
        return {"failed": f"a full covariance of {size:,} dimensions"}
    return _svi(case, AutoMultivariateNormal(model(case.peer)))


def _svi(case: Case, guide: AutoGuide) -> dict[str, Any]:
    """Seconds until the means are accurate, looking after every round of steps; the looks are not counted."""
    names = _names(case)
    if names is None:
        return {"failed": "no reference"}
    data, samples = case.data(), min(SAMPLES, MOST_VALUES // _size(case))
    start = time.perf_counter()
    svi = SVI(model(case.peer), guide, Adam(lambda step: RATE * 0.1 ** (step / DECAY)), Trace_ELBO())
    state = svi.init(jax.random.key(1), data)
    run = jax.jit(lambda state: jax.lax.scan(lambda s, _: svi.update(s, data), state, None, length=STEPS)[0])

    @jax.jit
    def sample(params: Any) -> Any:
        predictive = Predictive(model(case.peer), guide=guide, params=params, num_samples=samples, return_sites=names)
        return predictive(jax.random.key(2), data)

    error, best, steps, seconds = np.inf, np.inf, 0, 0.0
    for _ in range(STEP_ROUNDS):
        state, steps = jax.block_until_ready(run(state)), steps + STEPS
        seconds += time.perf_counter() - start
        draws = {name: np.asarray(values) for name, values in sample(svi.get_params(state)).items()}
        error = _error(case, data, draws)
        best = min(best, error)
        if error <= ACCURATE:
            break
        start = time.perf_counter()
    return {"seconds": seconds, "steps": steps, "error": best}


def _names(case: Case) -> list[str] | None:
    """The latents that have a reference."""
    reference = case.reference()
    return None if reference is None else sorted({name.partition("[")[0] for name in reference})


def _size(case: Case) -> int:
    """Number of latent values."""
    sites = trace(seed(model(case.peer), jax.random.key(0))).get_trace(case.data()).values()
    return sum(np.size(site["value"]) for site in sites if site["type"] == "sample" and not site["is_observed"])


def _joined(draws: Draws, name: str, values: jax.Array) -> NDArray[np.float64]:
    fresh = np.asarray(values, dtype=np.float64)
    return np.concatenate([draws[name], fresh]) if name in draws else fresh


def _error(case: Case, data: Data, draws: Draws) -> float:
    """The largest distance of a mean from the reference, in its sd; without one, the largest Monte Carlo error."""
    reference = case.reference()
    if reference is None:
        return float(1 / np.sqrt(_smallest_ess(draws)))
    if case.peer in REFERENCES:
        table = moments(REFERENCES[case.peer], data, {name: values[None] for name, values in draws.items()})
        means = {name: row["mean"] for name, row in table.items()}
    else:
        means = {name: float(values.mean()) for name, values in draws.items() if values.ndim == 1}
    return max(abs(means[name] - truth["mean"]) / truth["sd"] for name, truth in reference.items())


def _smallest_ess(draws: Draws) -> float:
    """Of the means of numbers outside plates, and of up to a hundred members of each plate."""
    parts = (values.reshape(len(values), -1) for values in draws.values())
    return min(float(np.min(effective_sample_size(part[None, :, :100]))) for part in parts)
