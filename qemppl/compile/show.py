"""A plan as text, for `explain --stage plan`."""

from __future__ import annotations

from qemppl.compile.plan import Plan


def show_plan(plan: Plan) -> str:
    """Groups, particles, families, reductions, elimination steps, cost."""
    lines = ["groups"]
    for group in plan.groups:
        members = plan.axes.size(group.plate)
        where = f"{group.plate} [{members}]" if group.plate else "global"
        latents = ", ".join(part.variable.name for part in group.parts)
        k = plan.particles[group.name]
        lines.append(f"  {group.name}: {where}, {group.dimension} x {group.family.name}, K = {k}, of {latents}")
    if plan.enumerations:
        lines.append("summed over exactly")
        for discrete in plan.enumerations:
            where = f"{discrete.plate} [{plan.axes.size(discrete.plate)}]" if discrete.plate else "global"
            low, high = discrete.values[0], discrete.values[-1]
            lines.append(f"  {discrete.name}: {where}, {len(discrete.values)} values from {low:g} to {high:g}")
    if plan.cells:
        lines.append("sufficient statistics")
        for cells in plan.cells:
            variable = cells.rows.variable
            lines.append(
                f"  {variable.name} ~ {variable.law}: {len(cells.cell)} rows in {cells.count} cells of equal arguments"
            )
    lines.append("log-factor tables")
    for level in plan.levels:
        for factor in level.factors:
            home = factor.home or "root"
            block = f", in blocks of {level.block}" if level.block < level.size else ""
            lines.append(f"  {factor.site}: {level.size} x {factor.layout}, added up at {home}{block}")
    lines.append("elimination")
    for step in plan.elimination.steps:
        sizes = " x ".join(str(n) for n in (plan.axes.size(step.plate), *(plan.particles[g] for g in step.dims)))
        out = ", ".join(step.rest) or "1"
        lines.append(
            f"  at {step.plate or 'root'}: sum out {', '.join(step.eliminated) or 'nothing'} ({sizes}) -> [{out}]"
        )
    lines.append("cost of an iteration")
    lines.append(f"  {plan.flops:,} densities and exponentials; peak {plan.peak_bytes / 2**20:,.1f} MiB")
    return "\n".join(lines)
