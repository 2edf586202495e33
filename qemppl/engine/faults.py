"""Densities that cannot be: which statement, which member, which values."""

from __future__ import annotations

from qemppl.compile.builder import Builder
from qemppl.compile.factors import density
from qemppl.compile.layout import Axes
from qemppl.compile.plan import Plan, assemble
from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.engine.ancestral import DRAW, draw_layouts
from qemppl.engine.particles import Particles
from qemppl.ir.model import RandomVariable
from qemppl.numerics.lazy import torch

MOST = 5
"""Statements named in one report."""


def not_a_number(plan: Plan, particles: Particles) -> list[Diagnostic]:
    """Statements whose log-density is NaN or +inf at some particle."""
    found = []
    for variable, log_p in _site_densities(plan, particles):
        wrong = log_p.isnan() | (log_p == torch.inf)
        if bool(wrong.any()):
            member = _member(plan, variable, wrong.any(-1))
            found.append(
                Diagnostic(
                    code="QEM801",
                    severity=Severity.ERROR,
                    message=f"the density of `{variable.name}`{member} is not a number at some values of the latents",
                    span=variable.span,
                    notes=(
                        "an argument may leave its range: a scale of 0, a logarithm of a negative number, an overflow",
                    ),
                    hint="bound the latents it depends on, or give them tighter priors",
                )
            )
    return found[:MOST] or [_unlocated()]


def impossible(plan: Plan, particles: Particles) -> list[Diagnostic]:
    """Statements that no particle makes possible."""
    found = []
    for variable, log_p in _site_densities(plan, particles):
        never = (log_p == -torch.inf).all(-1)
        if bool(never.any()):
            count = int(never.sum())
            more = f" (and {count - 1} more)" if count > 1 else ""
            found.append(
                Diagnostic(
                    code="QEM802",
                    severity=Severity.ERROR,
                    message=f"`{variable.name}`{_member(plan, variable, never)}{more} has probability 0 at all values of "
                    f"the latents that were tried",
                    span=variable.span,
                    hint="check the data against the law's range, and whether the prior allows values that can explain them",
                )
            )
    return found[:MOST] or [_unlocated()]


def _site_densities(plan: Plan, particles: Particles) -> list[tuple[RandomVariable, torch.Tensor]]:
    """log p of every statement with particles from the whole range of every latent used jointly: (member, particle)."""
    bound, axes = plan.bound, Axes(plan.bound)
    builder = Builder(bound, axes, draw_layouts(bound), plan.target.dtype, plan.target.device)
    sites = {v.name: v for v in (*bound.ir.latents, *bound.ir.observations)}
    factors = [(name, density(builder, variable)) for name, variable in sites.items()]
    draws = min(plan.particles.values())
    program = assemble(builder, factors, {DRAW: draws}, {DRAW: None}, plan.target.memory)
    joint = {
        name: values[:, torch.linspace(0, values.shape[1] - 1, draws).long()]
        for name, values in particles.values.items()
    }
    return [(sites[name], log_p) for name, log_p in program.densities(joint)[0].items()]


def _member(plan: Plan, variable: RandomVariable, wrong: torch.Tensor) -> str:
    """The label of the first member concerned, in brackets."""
    if variable.plate is None:
        return ""
    return f"[{plan.bound.members[variable.plate].labels[int(wrong.int().argmax())]}]"


def _unlocated() -> Diagnostic:
    return Diagnostic(
        code="QEM803",
        severity=Severity.ERROR,
        message="the evidence is not a finite number, though every statement has a density",
        notes=("values of the latents may be so far apart that no combination of particles has a positive weight",),
        hint="give the latents tighter priors, or more particles with --particles",
    )
