"""A law between two ends: its probability, and draws. For whole numbers both ends are possible values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from qemppl.distributions.base import Law
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log_diff_exp

TRIES = 20
"""Rejections of a draw before the remaining ones are found by their probability."""
DOUBLINGS = 200
HALVINGS = 100

End = Optional["torch.Tensor"]


def log_mass(law: Law, lower: End, upper: End, arguments: Sequence[torch.Tensor]) -> torch.Tensor:
    """log P(lower <= X <= upper), from whichever tail is smaller; one end at least is given. Everything broadcasts."""
    if upper is None:
        assert lower is not None
        return law.log_survival(_before(law, lower), *arguments)
    if lower is None:
        return law.log_cdf(upper, *arguments)
    before = _before(law, lower)
    below, above = law.log_cdf(before, *arguments), law.log_survival(upper, *arguments)
    from_left = log_diff_exp(law.log_cdf(upper, *arguments), below)
    from_right = log_diff_exp(law.log_survival(before, *arguments), above)
    return torch.where(below < above, from_left, from_right)


def draw_between(
    law: Law, generator: torch.Generator, lower: End, upper: End, arguments: Sequence[torch.Tensor]
) -> torch.Tensor:
    """Draws of a law between its ends. Ends and arguments have the shape of the draws.

    On a circle the ends are one turn apart. Of a law without a cdf, the few values still outside after all rejections are moved to
    the end that they lie beyond.
    """
    x = law.sample(generator, *arguments)
    if law.period is not None and lower is not None:
        return lower + (x - lower).remainder(law.period)
    for _ in range(TRIES):
        outside = _outside(law, x, lower, upper)
        if not bool(outside.any()):
            return x
        x = torch.where(outside, law.sample(generator, *arguments), x)
    if not law.has_cdf:
        return x.clamp(lower, upper)
    outside = _outside(law, x, lower, upper)
    if bool(outside.any()):
        ends = (None if lower is None else lower[outside], None if upper is None else upper[outside])
        x[outside] = _by_probability(law, generator, ends, [argument[outside] for argument in arguments])
    return x


def _before(law: Law, x: torch.Tensor) -> torch.Tensor:
    """The largest value below a whole number; a single real number has no probability."""
    return x.ceil() - 1 if law.support.integer else x


def _outside(law: Law, x: torch.Tensor, lower: End, upper: End) -> torch.Tensor:
    """Whether a value is beyond an end. A real number on the end itself would have no image in a chart."""
    outside = torch.zeros_like(x, dtype=torch.bool)
    if lower is not None:
        outside |= (x < lower) if law.support.integer else (x <= lower)
    if upper is not None:
        outside |= (x > upper) if law.support.integer else (x >= upper)
    return outside


def _by_probability(
    law: Law, generator: torch.Generator, ends: tuple[End, End], arguments: Sequence[torch.Tensor]
) -> torch.Tensor:
    """Draws as quantiles of a uniform, by bisection: for ends that few draws fall between."""
    lower, upper = ends
    near, sign = (lower, 1.0) if lower is not None else (upper, -1.0)
    assert near is not None
    total = log_mass(law, lower, upper, arguments)
    u = torch.rand(near.shape, generator=generator, dtype=near.dtype, device=near.device).clamp_min(
        torch.finfo(near.dtype).tiny
    )

    def is_far_enough(distance: torch.Tensor) -> torch.Tensor:
        """Whether a part u of the probability lies within this distance from the near end."""
        far = near + sign * distance
        mass = log_mass(law, near, far, arguments) if sign > 0 else log_mass(law, far, near, arguments)
        return mass - total >= u.log()

    high = (upper - lower) if lower is not None and upper is not None else torch.ones_like(near)
    for _ in range(DOUBLINGS):
        too_short = ~is_far_enough(high)
        if (lower is not None and upper is not None) or not bool(too_short.any()):
            break
        high = torch.where(too_short, 2 * high, high)
    low, resolution = torch.zeros_like(high), torch.finfo(high.dtype).eps
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        enough = is_far_enough(middle)
        low, high = torch.where(enough, low, middle), torch.where(enough, middle, high)
        if bool((high - low <= resolution * high).all()):
            break
    x = near + sign * high
    if not law.support.integer:
        return x
    return (x + 1e-6).floor() if sign > 0 else (x - 1e-6).ceil()
