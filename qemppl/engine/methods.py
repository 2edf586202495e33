"""The inference methods, by the name that a user gives: how particles are drawn, and how Q is adapted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

from qemppl.compile.plan import Plan
from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.engine.baselines import Schedule, Watch, adapt_plain, adapt_rws, adapt_vi
from qemppl.engine.evidence import Contraction
from qemppl.engine.global_weights import GlobalSampler
from qemppl.engine.particles import draw_independent
from qemppl.engine.qem import Adaptation, Sampler, adapt
from qemppl.numerics.lazy import torch

Method = Literal["qem", "plain", "rws", "vi", "is"]
METHODS: tuple[Method, ...] = get_args(Method)
PARTICLES: dict[Method, int] = {"plain": 30, "is": 1000}
"""K where nobody asks for another: as published, and as one shared index needs. The planner chooses that of the other methods."""
RESUMABLE: tuple[Method, ...] = ("qem", "plain")
"""Methods whose state is Q and the trace. Adam has a memory of its own, and several starts have several states."""
_BASELINES: dict[Method, Callable[[Sampler, Adaptation, Schedule, Watch], Adaptation]] = {
    "plain": adapt_plain,
    "is": adapt_plain,
    "rws": adapt_rws,
    "vi": adapt_vi,
}


def make_sampler(method: Method, plan: Plan, generator: torch.Generator) -> Sampler:
    """How a method draws and weighs particles."""
    if method == "is":
        return GlobalSampler.of(plan, generator)
    if method == "plain":
        return Sampler(plan, Contraction(plan), generator, draw_independent, pools=False)
    return Sampler(plan, Contraction(plan), generator)


def adapt_by(method: Method, sampler: Sampler, state: Adaptation, schedule: Schedule, watch: Watch) -> Adaptation:
    """Fits Q, in place."""
    if method == "qem":
        return adapt(sampler, state, schedule.max_iterations, watch)
    return _BASELINES[method](sampler, state, schedule, watch)


def not_resumable(method: Method, starts: int) -> str:
    """Why a fit cannot be kept in a file and continued; empty where it can."""
    if method not in RESUMABLE:
        return f"a fit by {method} cannot be resumed"
    return "a fit from several starts cannot be resumed" if starts > 1 else ""


def refusals(method: Method, plan: Plan) -> list[Diagnostic]:
    """Why a method cannot fit this model; empty where it can."""
    sampled = [part.variable.name for group in plan.groups if group.family.support.integer for part in group.parts]
    enumerated = [discrete.name for discrete in plan.enumerations]
    if method == "vi" and (sampled or enumerated):
        return [_refused("vi", [*sampled, *enumerated], DISCRETE, "it needs derivatives by every latent")]
    if method == "vi" and plan.chains:
        states = [v.name for v in plan.bound.ir.latents if v.initial is not None]
        return [_refused("vi", states, STATE, "it has no derivatives along a chain")]
    if method == "is" and enumerated:
        return [_refused("is", enumerated, DISCRETE, "it weighs joint draws, and has no sum over values")]
    return []


DISCRETE, STATE = ("a discrete latent", "discrete latents"), ("a state of a chain", "states of a chain")


def _refused(method: str, names: list[str], what: tuple[str, str], why: str) -> Diagnostic:
    """what: the kind of latent, one or several."""
    are = f"are {what[1]}" if len(names) > 1 else f"is {what[0]}"
    return Diagnostic(
        code="QEM510",
        severity=Severity.ERROR,
        message=f"--method {method} cannot fit this model: {', '.join(names)} {are}",
        notes=(why,),
        hint="leave out --method, for qem",
    )
