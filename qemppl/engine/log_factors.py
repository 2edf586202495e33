"""The log-factors of a set of particles: those of the trunk, and of each slab when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from qemppl.compile.plan import Plan
from qemppl.compile.program import Tables
from qemppl.engine.evidence import Contraction, LogFactors
from qemppl.engine.particles import Particles, unary_log_factors
from qemppl.engine.step_sums import Operands, Section
from qemppl.numerics.lazy import torch


def log_factors(plan: Plan, contraction: Contraction, particles: Particles) -> LogFactors:
    """Every log-factor. Slabs are computed whenever they are asked for."""
    unary = unary_log_factors(particles, plan)
    tables = contraction.room(contraction.trunk, plan.trunk.table_shapes)
    given = plan.trunk.fill(tables, particles.values, slots=plan.given)
    trunk = contraction.combine(contraction.trunk, _with_unary(plan, contraction.trunk, tables, unary))

    def compute(number: int) -> Sequence[Operands]:
        section, program = contraction.slabs[number], plan.slabs[number].program
        tables = contraction.room(section, program.table_shapes)
        program.fill(tables, particles.values, given)
        return contraction.combine(section, _with_unary(plan, section, tables, unary))

    return LogFactors(trunk, compute)


def _with_unary(plan: Plan, section: Section, tables: Tables, unary: dict[str, torch.Tensor]) -> Tables:
    """Adds -log(K Q) of the particles that a section sums out."""
    homes = plan.homes
    for group in dict.fromkeys(group for step in section.steps for group in step.eliminated if group in unary):
        key, mine = (homes[group], (group,)), unary[group][section.of(homes[group])]
        tables[key] = tables[key] + mine if key in tables else mine.clone()
    return tables
