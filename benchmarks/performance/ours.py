"""This engine: a whole fit, its iterations, and where their time goes."""

from __future__ import annotations

import time
from itertools import pairwise
from statistics import median
from typing import Any

import torch

from benchmarks.performance.cases import Case
from qemppl.compile.layout import Target
from qemppl.compile.passes import ALL_PASSES
from qemppl.compile.plan import Plan, make_plan
from qemppl.driver import Settings, compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.qem import Adaptation, Sampler, adapt
from qemppl.engine.start import starting_proposals
from qemppl.result.fit import FitResult

PARTICLES = 30
"""K of every group, as published, where iterations are compared."""
ITERATIONS = 40
MEASURED = 10
"""The last of at most ITERATIONS: by then nothing is tempered any more, as in the plain engine and in the kernel."""
PROFILED = 5
CLOSE, MEDIAN = 0.75, 5
"""Nats from the log evidence; iterations."""
KINDS = {
    "matrix products": ("mm", "bmm", "addmm", "baddbmm", "addmv", "addmv_", "mv", "dot"),
    "exponentials": ("exp", "exp_", "exp2", "exp2_", "softplus", "sigmoid", "_softmax", "expm1"),
    "logarithms": ("log", "log_", "log1p", "log1p_", "logsumexp", "_log_softmax", "lgamma"),
    "sums and maxima": ("sum", "amax", "index_add_", "scatter_add_", "max", "linalg_vector_norm", "cumsum"),
    "arithmetic": (
        *(
            "add",
            "add_",
            "sub",
            "sub_",
            "mul",
            "mul_",
            "div",
            "div_",
            "neg",
            "neg_",
            "addcmul",
            "addcmul_",
            "square",
            "pow",
        ),
        *("where", "clamp_min", "clamp", "abs", "sqrt", "reciprocal", "square_", "masked_fill_"),
    ),
    "copies": ("copy_", "cat", "index_select", "fill_", "zero_", "gather", "stack", "index"),
    "drawing": (
        "_sobol_engine_scramble_",
        "_sobol_engine_draw",
        "special_ndtri",
        "uniform_",
        "random_",
        "multinomial",
        "sin",
    ),
}
"""Operations of torch by what they do; what is in none of them is counted with the calls."""


def plan_of(case: Case, particles: int | None = None, passes: frozenset[str] = ALL_PASSES) -> Plan:
    """particles: K of every group; None for the planner's choice."""
    bound = compile_model(case.model).bind(case.data())[0]
    target = Target(torch.float64, "cpu", case.memory, passes)
    return make_plan(bound, target, particles, separate=case.separate)


def sampler_of(plan: Plan) -> Sampler:
    return Sampler(plan, Contraction(plan), torch.Generator(plan.target.device).manual_seed(1))


@torch.inference_mode()
def iterations(case: Case, particles: int | None = PARTICLES) -> dict[str, Any]:
    """Seconds of an iteration, the median, and the beta that it came to; particles by group; shares of the time by kind of operation."""
    plan = plan_of(case, particles)
    sampler = sampler_of(plan)
    state = Adaptation(starting_proposals(plan, sampler.generator))
    times = [time.perf_counter()]
    adapt(sampler, state, ITERATIONS, lambda _: times.append(time.perf_counter()))
    seconds = [after - before for before, after in pairwise(times)]
    return {
        "seconds": median(seconds[-MEASURED:]),
        "beta": state.history[-1].beta,
        "particles": dict(plan.particles),
        "entries": plan.flops,
        "profile": _profile(sampler, state),
    }


def chosen(case: Case) -> dict[str, Any]:
    """The same at the planner's own particle numbers."""
    return iterations(case, None)


def _profile(sampler: Sampler, state: Adaptation) -> dict[str, float]:
    """Shares of the time of iterations."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        start = time.perf_counter()
        adapt(sampler, Adaptation(state.proposals), PROFILED, lambda _: None)
        total = time.perf_counter() - start
    kind_of = {f"aten::{name}": kind for kind, names in KINDS.items() for name in names}
    spent = dict.fromkeys(KINDS, 0.0)
    for event in profile.key_averages():
        if event.key in kind_of:
            spent[kind_of[event.key]] += event.self_cpu_time_total * 1e-6 / total
    return spent | {"calls": max(1 - sum(spent.values()), 0.0)}


def fit(case: Case) -> dict[str, Any]:
    """Seconds from the text of the model and data in memory to the result, and how far it is from the reference."""
    data = case.data()
    trace: list[tuple[float, float]] = []
    start = time.perf_counter()
    result = compile_model(case.model).fit(
        data,
        seed=1,
        settings=Settings(memory=case.memory),
        progress=lambda progress: trace.append((time.perf_counter() - start, progress.elbo)),
    )
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "first_iteration": trace[0][0],
        "arrival": _arrival(trace, result.log_evidence),
        "iterations": result.iterations,
        "replicates": result.replicates,
        "log_evidence": result.log_evidence,
        "log_evidence_mcse": result.log_evidence_mcse,
        "error": _error(result, case.reference()),
        "warnings": sorted({warning.code for warning in result.warnings}),
    }


def _arrival(trace: list[tuple[float, float]], log_evidence: float | None) -> float | None:
    """Seconds until the median of the last MEDIAN evidence estimates is within CLOSE nats of the log evidence."""
    for number in range(MEDIAN, len(trace) + 1):
        recent = median(elbo for _, elbo in trace[number - MEDIAN : number])
        if log_evidence is not None and recent > log_evidence - CLOSE:
            return trace[number - 1][0]
    return None


def _error(result: FitResult, reference: dict[str, dict[str, float]] | None) -> float:
    """The largest distance of a mean from the reference, in its sd; without one, the largest Monte Carlo error."""
    rows = result.summary()
    if reference is None:
        return max(row.mcse / row.sd for row in rows)
    means = {row.name: row.mean for row in rows}
    return max(abs(means[name] - truth["mean"]) / truth["sd"] for name, truth in reference.items())
