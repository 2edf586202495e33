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

from benchmarks.performance.cases import Case, Data
from benchmarks.performance.numpyro_models import model
from benchmarks.references.models import REFERENCES
from benchmarks.references.sampling import moments

WARMUP, ROUND, ROUNDS = 500, 250, 200
STEPS, STEP_ROUNDS, RATE = 1000, 30, 0.01
ACCURATE = 0.05
"""Distance of every mean from the reference, in its sd; without a reference, Monte Carlo error of every mean."""
SAMPLES = 1000
"""Draws from a guide."""
LARGEST_GUIDE = 5000
"""Dimensions of a full-rank guide."""
Draws = dict[str, NDArray[np.float64]]


def nuts(case: Case) -> dict[str, Any]:
    """One chain: seconds until the means are accurate, looking after every round of draws."""
    data = case.data()
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

    draws, error = Draws(), np.inf
    for number in range(-(WARMUP // ROUND), ROUNDS):
        state, drawn = sample(state)
        if number < 0:
            continue
        for name, values in constrained(drawn).items():
            if not name.endswith("_decentered"):
                draws[name] = _joined(draws, name, values)
        error = _error(case, data, draws)
        if error <= ACCURATE:
            break
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "draws": len(next(iter(draws.values()))), "ess": _smallest_ess(draws), "error": error}


def svi_mean_field(case: Case) -> dict[str, Any]:
    return _svi(case, AutoNormal(model(case.peer)))


def svi_full_rank(case: Case) -> dict[str, Any]:
    sites = trace(seed(model(case.peer), jax.random.key(0))).get_trace(case.data()).values()
    size = sum(np.size(site["value"]) for site in sites if site["type"] == "sample" and not site["is_observed"])
    if size > LARGEST_GUIDE:
        return {"failed": f"a full covariance of {size:,} dimensions"}
    return _svi(case, AutoMultivariateNormal(model(case.peer)))


def _svi(case: Case, guide: AutoGuide) -> dict[str, Any]:
    """Seconds until the means are accurate, looking after every round of steps."""
    reference = case.reference()
    if reference is None:
        return {"failed": "no reference"}
    data, names = case.data(), sorted({name.partition("[")[0] for name in reference})
    start = time.perf_counter()
    svi = SVI(model(case.peer), guide, Adam(RATE), Trace_ELBO())
    state = svi.init(jax.random.key(1), data)
    run = jax.jit(lambda state: jax.lax.scan(lambda s, _: svi.update(s, data), state, None, length=STEPS)[0])

    @jax.jit
    def sample(params: Any) -> Any:
        predictive = Predictive(model(case.peer), guide=guide, params=params, num_samples=SAMPLES, return_sites=names)
        return predictive(jax.random.key(2), data)

    error, best, steps = np.inf, np.inf, 0
    for _ in range(STEP_ROUNDS):
        state, steps = run(state), steps + STEPS
        draws = {name: np.asarray(values) for name, values in sample(svi.get_params(state)).items()}
        error = _error(case, data, draws)
        best = min(best, error)
        if error <= ACCURATE:
            break
    return {"seconds": time.perf_counter() - start, "steps": steps, "error": best}


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
