"""Fits that cannot start, and why: located, before anything is allocated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from qemppl.compile.eliminate import Elimination, Step
from qemppl.compile.layout import Axes
from qemppl.data.bound import BoundModel
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.ir.model import Plate, RandomVariable
from qemppl.numerics.vector_charts import coordinates

MOST_OPERATIONS = 1 << 36
"""Of an iteration: some minutes of a core."""
USUAL_DRAWS, FEWEST_DRAWS = 4000, 100
SHARE_OF_DRAWS = 0.5
"""Of the memory: what draws may take if their number is left open."""
STORED_DRAWS = 5
"""Draws in memory at once for each draw asked for: up to four to resample from, and the result."""
GENERATED_DRAWS = 2
"""Of a generated quantity: its blocks, and the result."""


@dataclass(frozen=True)
class Cost:
    """What an iteration costs. operations: densities, exponentials and multiplications. bytes: the largest need of memory.

    widest: the step with the widest table, its shape for one member, and the statements whose densities span most of it.
    """

    operations: int
    bytes: int
    widest: Step
    shape: tuple[int, ...]
    statements: tuple[RandomVariable, ...]


def cost_of(
    elimination: Elimination,
    particles: Mapping[str, int],
    densities: Sequence[tuple[RandomVariable, set[str]]],
    total: tuple[int, int],
) -> Cost:
    """densities: every statement with the particle dims of its density. total: operations and bytes."""
    step = max(elimination.steps, key=lambda s: s.entries(particles))
    dims = max(step.parts, key=lambda part: prod(particles[dim] for dim in part))
    inside = [(variable, found) for variable, found in densities if found & set(step.eliminated)]
    most = max((len(found) for _, found in inside), default=0)
    widest = tuple(variable for variable, found in inside if len(found) == most)
    return Cost(*total, step, tuple(particles[dim] for dim in dims), widest)


def check_cost(cost: Cost, axes: Axes, memory: int) -> None:
    """Raises DiagnosticsError (RESOURCE) where an iteration does not fit into the memory (bytes), or would take minutes."""
    if cost.bytes > memory:
        code, message = "QEM501", f"the fit would need {gib(cost.bytes)}, more than the {gib(memory)} it may use"
        hint = "allow more with --memory, or ask for fewer particles with --particles"
    elif cost.operations > MOST_OPERATIONS:
        code, message = (
            "QEM509",
            f"an iteration would take {cost.operations:.0e} operations, and a fit takes hundreds of iterations",
        )
        hint = "ask for fewer particles with --particles, or write the latents that meet here as one vector or in a `joint` block"
    else:
        return
    step = cost.widest
    where = (
        f"for each of the {axes.size(step.plate)} members of plate `{step.plate}`"
        if step.plate
        else "over the global latents"
    )
    sizes = " x ".join(map(str, cost.shape))
    names = ", ".join(f"`{variable.name}`" for variable in cost.statements)
    note = f"the widest table stands {where}: {sizes} numbers, one for each combination of particles of {' and '.join(step.dims)}"
    notes = (note, f"they meet in the density of {names}") if names else (note,)
    span = cost.statements[0].span if cost.statements else None
    raise DiagnosticsError(
        [Diagnostic(code=code, severity=Severity.ERROR, message=message, span=span, notes=notes, hint=hint)],
        Stage.RESOURCE,
    )


def check_model(bound: BoundModel) -> None:
    """Raises DiagnosticsError: (MODEL) for statements that cannot be computed yet, (DATA) where a plate has no members."""
    unserved = [_unserved(variable) for variable in bound.ir.latents if _is_unserved(variable)]
    if unserved:
        raise DiagnosticsError(unserved, Stage.MODEL)
    empty = [_without_members(plate) for plate in bound.ir.plates if bound.count(plate.name) == 0]
    empty += [_without_choice(variable) for variable in bound.ir.latents if _is_fixed(bound, variable)]
    if empty:
        raise DiagnosticsError(empty, Stage.DATA)


def _is_unserved(variable: RandomVariable) -> bool:
    return variable.sampled and variable.block is not None


def _unserved(variable: RandomVariable) -> Diagnostic:
    return Diagnostic(
        code="QEM507",
        severity=Severity.ERROR,
        message=f"`{variable.name}` is a discrete latent in a `joint` block, which this version checks but cannot fit yet",
        span=variable.span,
    )


def _is_fixed(bound: BoundModel, variable: RandomVariable) -> bool:
    """Whether a latent can have one value only: a simplex or a correlation of one component, a vector of none."""
    event = tuple(bound.size(size) for size in variable.type.event)
    return 0 in event or (variable.form is not None and coordinates(variable.form, event) == 0)


def _without_choice(variable: RandomVariable) -> Diagnostic:
    return Diagnostic(
        code="QEM508",
        severity=Severity.ERROR,
        message=f"`{variable.name}` has too few components for this data: it could have one value only",
        span=variable.span,
        hint="check the size that the data give, or leave the latent out",
    )


def _without_members(plate: Plate) -> Diagnostic:
    return Diagnostic(
        code="QEM504",
        severity=Severity.ERROR,
        message=f"plate `{plate.name}` has no members, so nothing can be learned from it",
        span=plate.span,
        hint="check that its columns hold data",
    )


def choose_draws(bound: BoundModel, draws: int | None, memory: int, width: int) -> int:
    """How many joint draws to keep: those asked for, or as many as are usual and fit. memory: bytes; width: bytes of a number.

    Raises DiagnosticsError (RESOURCE) where joint draws of every latent, with the spare ones, and of the generated quantities do not
    fit into the memory.
    """
    latents, generated = (
        sum(bound.count(s.type.plate) * prod(bound.size(size) for size in s.type.event) for s in statements)
        for statements in (bound.ir.latents, bound.ir.generated)
    )
    each = (STORED_DRAWS * latents + GENERATED_DRAWS * generated) * width
    if draws is None:
        draws = max(min(USUAL_DRAWS, int(SHARE_OF_DRAWS * memory) // each), FEWEST_DRAWS)
    if draws * each > memory:
        raise DiagnosticsError([too_many_draws(draws, latents + generated, draws * each, memory)], Stage.RESOURCE)
    return draws


def too_many_draws(draws: int, numbers: int, needed: int, memory: int) -> Diagnostic:
    """Joint draws of so many numbers that do not fit. needed, memory: bytes."""
    return Diagnostic(
        code="QEM505",
        severity=Severity.ERROR,
        message=f"{draws} draws of {numbers} numbers would need {gib(needed)}, more than the {gib(memory)} they may use",
        hint="ask for fewer --draws, or allow more with --memory",
    )


def gib(size: int) -> str:
    """A number of bytes, to be read."""
    unit, name = next(((u, n) for u, n in ((2**30, "GiB"), (2**20, "MiB")) if size >= u), (2**10, "KiB"))
    return f"{size / unit:.1f} {name}"
