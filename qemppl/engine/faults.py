"""Densities that cannot be: which statement, which member, which values."""

from __future__ import annotations

from qemppl.compile.assemble import Task, assemble
from qemppl.compile.builder import Builder
from qemppl.compile.factors import Site, sites
from qemppl.compile.layout import Axes
from qemppl.compile.plan import Plan
from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.engine.ancestral import DRAW, draw_layouts
from qemppl.engine.particles import Particles
from qemppl.numerics.lazy import torch

MOST = 5
"""Statements named in one report."""


def not_a_number(plan: Plan, particles: Particles) -> list[Diagnostic]:
    """Statements whose log-density is NaN or +inf at some particle."""
    found = []
    for site, log_p in _site_densities(plan, particles):
        variable, wrong = site.variable, log_p.isnan() | (log_p == torch.inf)
        if bool(wrong.any()):
            member = _member(plan, site, wrong.any(-1))
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
    for site, log_p in _site_densities(plan, particles):
        variable, never = site.variable, (log_p == -torch.inf).all(-1)
        if bool(never.any()):
            count = int(never.sum())
            more = f" (and {count - 1} more)" if count > 1 else ""
            found.append(
                Diagnostic(
                    code="QEM802",
                    severity=Severity.ERROR,
                    message=f"`{variable.name}`{_member(plan, site, never)}{more} has probability 0 at all values of "
                    f"the latents that were tried",
                    span=variable.span,
                    hint="check the data against the law's range, and whether the prior allows values that can explain them",
                )
            )
    return found[:MOST] or [_unlocated()]


def _site_densities(plan: Plan, particles: Particles) -> list[tuple[Site, torch.Tensor]]:
    """log p of every statement with particles from the whole range of every latent used jointly: (member, particle)."""
    bound = plan.bound
    builder = Builder(bound, Axes(bound), draw_layouts(bound), plan.target)
    found = {site.name: site for site in sites(builder)}
    draws = min((plan.particles[group.name] for group in plan.groups), default=1)
    factors = [(name, site.slot) for name, site in found.items()]
    program = assemble(builder, Task(factors), {DRAW: draws}, {DRAW: None}, plan.target.memory)
    joint = {
        name: values[:, torch.linspace(0, values.shape[1] - 1, draws).long()]
        for name, values in particles.values.items()
    }
    for chain in plan.integrated:  # wherever its states are, what their laws hang on shows
        for state in chain.states:
            shape = (bound.count(chain.plate), draws, *(bound.size(size) for size in state.type.event))
            joint[state.name] = torch.zeros(shape, dtype=plan.target.dtype, device=plan.target.device)
    return [(found[name], log_p) for name, log_p in program.densities(joint)[0].items()]


def _member(plan: Plan, site: Site, wrong: torch.Tensor) -> str:
    """The label of the first member concerned, in brackets."""
    if site.variable.plate is None:
        return ""
    row = int(wrong.int().argmax())
    position = row if site.rows is None else site.rows.on_plate(row)
    return f"[{plan.bound.members[site.variable.plate].labels[position]}]"


def _unlocated() -> Diagnostic:
    return Diagnostic(
        code="QEM803",
        severity=Severity.ERROR,
        message="the evidence is not a finite number, though every statement has a density",
        notes=("values of the latents may be so far apart that no combination of particles has a positive weight",),
        hint="give the latents tighter priors, or more particles with --particles",
    )
