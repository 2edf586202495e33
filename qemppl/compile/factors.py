"""The log-densities of a model's statements as instructions: a factor for each latent, and for each kind of rows of an observation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

from qemppl.compile.builder import Builder
from qemppl.compile.chains import laws_of
from qemppl.compile.discrete import cuts_states, states_of
from qemppl.compile.layout import Layout
from qemppl.compile.natural import natural_density
from qemppl.compile.rows import Rows, split_rows
from qemppl.distributions.base import Law
from qemppl.distributions.registry import LAWS
from qemppl.distributions.truncated import log_mass
from qemppl.ir.model import RandomVariable
from qemppl.numerics.lazy import torch


@dataclass(frozen=True)
class Site:
    """A latent, or rows of an observation, with the slot of its log-density: (member, *particles, *event)."""

    variable: RandomVariable
    rows: Rows | None
    slot: int

    @property
    def name(self) -> str:
        return self.variable.name if self.rows is None else self.rows.site


def sites(builder: Builder) -> tuple[Site, ...]:
    """Every site of a model, no rows merged."""
    ir = builder.bound.ir
    latents = [Site(variable, None, latent_density(builder, variable)) for variable in ir.latents]
    split = (rows for variable in ir.observations for rows in split_rows(builder.bound, builder.axes, variable))
    return (*latents, *(Site(rows.variable, rows, row_density(builder, rows)) for rows in split))


def latent_density(builder: Builder, variable: RandomVariable) -> int:
    """The slot of log p(value | arguments): (member, *particles, *event), truncated to the declared bounds and normalised."""
    if variable.initial is None:
        return _one_law(builder, variable)
    first, later = (_without_event(builder, _one_law(builder, law)) for law in laws_of(variable))
    return builder.elementwise("first or later", _first_or_later, [_is_first(builder, variable), first, later])


def latent_factors(builder: Builder, variable: RandomVariable) -> list[int]:
    """The slots of what adds up to a latent's log-density. In a chain with states, one that is 0 beyond first steps, and one that means
    nothing at these, so that only the latter depends on the step before."""
    if variable.initial is None:
        return [_one_law(builder, variable)]
    first, later = (_one_law(builder, law) for law in laws_of(variable))
    zero = builder.constant(("number", 0.0), Layout(), lambda: 0.0)
    return [builder.elementwise("first or later", _first_or_later, [_is_first(builder, variable), first, zero]), later]


def _is_first(builder: Builder, variable: RandomVariable) -> int:
    assert variable.plate is not None, "a latent of a chain"
    return builder.is_first_step(variable.plate)


def _first_or_later(is_first: torch.Tensor, first: torch.Tensor, later: torch.Tensor) -> torch.Tensor:
    return torch.where(is_first > 0, first, later)


def _without_event(builder: Builder, slot: int) -> int:
    """The slot of a log-density summed over its event axes."""
    layout = builder.layouts[slot]
    axes = tuple(range(-len(layout.event), 0))
    return builder.emit("sum of event", lambda v: v.sum(axes), [slot], layout.with_event(())) if axes else slot


def _one_law(builder: Builder, variable: RandomVariable) -> int:
    arguments = [builder.expression(argument) for argument in variable.arguments]
    law, value = LAWS[variable.law], builder.latent(variable.name)
    slot = None if _is_cut(builder, variable) else natural_density(builder, law, value, arguments)
    if slot is not None:
        return slot
    slot = _density(builder, law, value, arguments)
    if variable.type.kind == "int":
        if not cuts_states(builder.bound, variable):
            return slot
        if variable.enumerated:
            return _renormalised(builder, variable, slot, arguments)
        slot = builder.call("add", [slot, _within(builder, variable, builder.latent(variable.name))])
    mass = _truncated_mass(builder, law, _bounds(builder, variable), arguments)
    orders = _log_orders(builder, variable)
    if orders:
        constant = builder.constant(("number", orders), Layout(), lambda: orders)
        slot = builder.elementwise("add log orders", torch.add, [slot, constant])
    return slot if mass is None else builder.call("subtract", [slot, mass])


def row_density(builder: Builder, rows: Rows) -> int:
    """The slot of the log-density of an observation's rows: (row, *particles, *event).

    Of a censored row, the log-probability of what is known; a truncated law is normalised.
    """
    variable, law = rows.variable, LAWS[rows.variable.law]
    places = {variable.plate: rows.axis} if variable.plate and rows.axis else {}
    arguments = [builder.expression(argument, places) for argument in variable.arguments]
    value = builder.data(variable.name, rows.axis)
    lower, upper = (
        None if end is None else builder.expression(end, places)
        for end in (variable.bounds.lower, variable.bounds.upper)
    )
    match rows.censored:
        case None:
            slot = _density(builder, law, value, arguments)
        case "right":
            slot = _mass(builder, law, (value, upper), arguments)
        case "left":
            slot = _mass(builder, law, (lower, value), arguments)
    mass = _truncated_mass(builder, law, (lower, upper), arguments)
    return slot if mass is None else builder.call("subtract", [slot, mass])


def _density(builder: Builder, law: Law, value: int, arguments: list[int]) -> int:
    ranks = [len(law.sizes), *(len(argument.sizes) for argument in law.arguments)]
    return builder.elementwise(law.name, law.log_prob, [value, *arguments], ranks)


def _is_cut(builder: Builder, variable: RandomVariable) -> bool:
    """Whether a latent's law has to be corrected for the values that its declaration leaves out."""
    if variable.type.kind == "int":
        return cuts_states(builder.bound, variable)
    return _bounds(builder, variable) != (None, None) or _log_orders(builder, variable) != 0.0


def _bounds(builder: Builder, variable: RandomVariable) -> tuple[int | None, int | None]:
    """The slots of the declared bounds that cut off values of the law; a positive ordered vector has the bound 0."""
    law = LAWS[variable.law]
    lower, upper = (
        None if bound is None else builder.expression(bound) for bound in (variable.bounds.lower, variable.bounds.upper)
    )
    if variable.form == "positive_ordered":
        lower = builder.constant(("number", 0.0), Layout(), lambda: 0.0)
    return _cutting(builder, lower, law.support.lower), _cutting(builder, upper, law.support.upper)


def _cutting(builder: Builder, slot: int | None, end: float) -> int | None:
    """The bound itself, unless it is the end of the law's support anyway."""
    if slot is None or bool((builder.constants[slot] == end).all()):
        return None
    return slot


def _truncated_mass(
    builder: Builder, law: Law, bounds: tuple[int | None, int | None], arguments: list[int]
) -> int | None:
    """The slot of log P(lower <= X <= upper | arguments); None where there are no bounds."""
    is_whole = bounds == (None, None) or law.period is not None  # the bounds of a latent are a period apart
    return None if law.improper or is_whole else _mass(builder, law, bounds, arguments)


def _mass(builder: Builder, law: Law, ends: tuple[int | None, int | None], arguments: list[int]) -> int:
    given = (ends[0] is not None, ends[1] is not None)
    slots = [end for end in ends if end is not None]
    return builder.elementwise(f"{law.name} log_mass {given}", partial(_log_mass, law, given), [*slots, *arguments])


def _log_mass(law: Law, given: tuple[bool, bool], *operands: torch.Tensor) -> torch.Tensor:
    """`log_mass` of the ends that are given, then the law's arguments."""
    ends = iter(operands)
    lower, upper = (next(ends) if is_given else None for is_given in given)
    return log_mass(law, lower, upper, tuple(ends))


def _log_orders(builder: Builder, variable: RandomVariable) -> float:
    """log K! for K ordered draws of one law: only one order of theirs is counted.

    Components with arguments of their own are not exchangeable; their law is then taken as it is, restricted to the ordered vectors.
    """
    if variable.form not in ("ordered", "positive_ordered") or any(a.type.event for a in variable.arguments):
        return 0.0
    size = builder.bound.size(variable.type.event[-1])
    return math.lgamma(size + 1) / size  # by component: the density is summed over them


def _renormalised(builder: Builder, variable: RandomVariable, slot: int, arguments: list[int]) -> int:
    """A discrete latent's density within its declared bounds, over the sum of those of all values between them."""
    law, states = LAWS[variable.law], states_of(builder.bound, variable)
    assert states is not None, "checked by the plan"
    values = builder.constant(("all states", variable.name), Layout(None, (), (len(states),)), lambda: states)
    each = builder.call("add", [_density(builder, law, values, arguments), _within(builder, variable, values)])
    total = builder.emit(f"{law.name} total", lambda v: v.logsumexp(-1), [each], builder.layouts[each].with_event(()))
    inside = _within(builder, variable, builder.latent(variable.name))
    return builder.call("subtract", [builder.call("add", [slot, inside]), total])


def _within(builder: Builder, variable: RandomVariable, value: int) -> int:
    """The slot of 0 where a value lies within the declared bounds, else -inf."""
    inside = builder.constant(("number", 0.0), Layout(), lambda: 0.0)
    ends = (variable.bounds.lower, variable.bounds.upper)
    for end, compare in zip(ends, ("not below", "not above"), strict=True):
        if end is not None:
            check = _not_below if compare == "not below" else _not_above
            limit = builder.expression(end)
            inside = builder.call("add", [inside, builder.elementwise(compare, check, [value, limit])])
    return inside


def _not_below(x: torch.Tensor, limit: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(x - limit).masked_fill_(x < limit, -torch.inf)


def _not_above(x: torch.Tensor, limit: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(x - limit).masked_fill_(x > limit, -torch.inf)
