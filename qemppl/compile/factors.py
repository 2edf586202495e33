"""The log-densities of a model's statements as instructions: one factor for each latent and each observation."""

from __future__ import annotations

from functools import partial

from qemppl.compile.builder import Builder
from qemppl.distributions.base import Law
from qemppl.distributions.registry import LAWS
from qemppl.ir.model import RandomVariable
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log_diff_exp


def density(builder: Builder, variable: RandomVariable) -> int:
    """The slot of log p(value | arguments): (member, *particles, *event), truncated to the declared bounds and normalised."""
    law = LAWS[variable.law]
    value = builder.data(variable.name, variable.plate) if variable.observed else builder.latent(variable.name)
    arguments = [builder.expression(argument) for argument in variable.arguments]
    slot = builder.elementwise(law.name, law.log_prob, [value, *arguments])
    mass = truncated_mass(builder, variable, arguments)
    return slot if mass is None else builder.call("subtract", [slot, mass])


def truncated_mass(builder: Builder, variable: RandomVariable, arguments: list[int]) -> int | None:
    """The slot of log P(lower < X < upper | arguments); None where the bounds cut nothing off."""
    law = LAWS[variable.law]
    bounds = [variable.bounds.lower, variable.bounds.upper]
    slots = [None if bound is None else builder.expression(bound) for bound in bounds]
    lower, upper = (
        _cutting(builder, slot, end) for slot, end in zip(slots, (law.support.lower, law.support.upper), strict=True)
    )
    if law.improper or (lower is None and upper is None):
        return None
    if upper is None:
        assert lower is not None
        return builder.elementwise(f"{law.name} log_survival", law.log_survival, [lower, *arguments])
    if lower is None:
        return builder.elementwise(f"{law.name} log_cdf", law.log_cdf, [upper, *arguments])
    return builder.elementwise(f"{law.name} log_interval", partial(_log_interval, law), [lower, upper, *arguments])


def _cutting(builder: Builder, slot: int | None, end: float) -> int | None:
    """The bound itself, unless it is the end of the law's support anyway."""
    if slot is None or bool((builder.constants[slot] == end).all()):
        return None
    return slot


def _log_interval(law: Law, lower: torch.Tensor, upper: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
    """log P(lower < X < upper) from whichever tail is smaller."""
    below = log_diff_exp(law.log_cdf(upper, *arguments), law.log_cdf(lower, *arguments))
    above = log_diff_exp(law.log_survival(lower, *arguments), law.log_survival(upper, *arguments))
    return torch.where(law.log_cdf(lower, *arguments) < law.log_survival(upper, *arguments), below, above)
