"""A plan as text, for `explain --stage plan`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qemppl.compile.eliminate import Step
from qemppl.compile.passes import PASSES
from qemppl.compile.plan import Plan


def show_plan(plan: Plan) -> str:
    """Groups, particles, families, reductions, elimination steps, cost."""
    lines = ["groups"] if plan.groups else []
    for group in plan.groups:
        members = plan.axes.size(group.plate)
        where = f"{group.plate} [{members}]" if group.plate else "global"
        latents = ", ".join(part.variable.name for part in group.parts)
        k = plan.particles[group.name]
        lines.append(
            f"  {group.name}: {where}, {group.dimension} x {group.family.name}, K = {k}, of {latents}; {group.why}"
        )
    if plan.groups:
        lines.append(f"  particles: {plan.choice.why}")
    if plan.enumerations:
        lines.append("summed over exactly")
        for discrete in plan.enumerations:
            where = f"{discrete.plate} [{plan.axes.size(discrete.plate)}]" if discrete.plate else "global"
            low, high = discrete.values[0], discrete.values[-1]
            lines.append(f"  {discrete.name}: {where}, {len(discrete.values)} values from {low:g} to {high:g}")
    if plan.integrated:
        lines.append("integrated in closed form")
        for chain in plan.integrated:
            outcomes = ", ".join(outcome.name for outcome in chain.outcomes)
            where = f"{chain.plate} [{plan.axes.size(chain.plate)}]"
            lines.append(f"  {', '.join(chain.names)}: {where}, a linear-Gaussian chain seen through {outcomes}")
    if plan.reductions:
        lines.append("rows")
        lines.extend(
            f"  {r.rows.site} ~ {r.rows.variable.law}: {r.count:,} rows in {r.left:,}, {r.how}" for r in plan.reductions
        )
    lines.append("log-factor tables")
    for level in plan.levels:
        for factor in level.factors:
            home = factor.home or "root"
            block = f", in blocks of {level.block}" if level.block < level.size else ""
            lines.append(f"  {factor.site}: {level.size} x {factor.layout}, added up at {home}{block}")
    lines.append("elimination")
    lines.extend(_step(plan, step) for step in plan.elimination.steps)
    if plan.slabs:
        lines.append("slabs")
        lines.extend(_slabs(plan))
    lines.append("cost of an iteration")
    lines.append(f"  {plan.flops:,} densities, exponentials and products; peak {plan.peak_bytes / 2**20:,.1f} MiB")
    left_out = [name for name in PASSES if name not in plan.target.passes]
    if left_out:
        lines.append("left out")
        lines.extend(f"  {name}: {PASSES[name]}" for name in left_out)
    return "\n".join(lines)


def _step(plan: Plan, step: Step) -> str:
    def sizes(dims: Iterable[str]) -> str:
        return " x ".join(str(n) for n in (plan.axes.size(step.plate), *(plan.particles[dim] for dim in dims)))

    tables = " times ".join(sizes(part) for part in step.parts)
    out = ", ".join(step.rest) or "1"
    return f"  at {step.plate or 'root'}: sum out {', '.join(step.eliminated) or 'nothing'} ({tables}) -> [{out}]"


def _slabs(plan: Plan) -> Iterator[str]:
    """One line for each plate that is cut."""
    cut = dict.fromkeys(next(iter(slab.members)) for slab in plan.slabs)
    for plate in cut:
        sizes = [s.members[plate].stop - s.members[plate].start for s in plan.slabs if next(iter(s.members)) == plate]
        kept = "log-factors kept" if plan.is_kept else "log-factors computed whenever they are read"
        yield f"  {plate}: {plan.axes.size(plate)} members in {len(sizes)} slabs of at most {max(sizes)}, {kept}"
    if plan.single_error is not None:
        yield f"  exponentials in single precision: log Zhat is off by at most {plan.single_error:.0e} nats"
