"""Charts: bijections between the declared bounds of a latent and the support of its posterior family."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from qemppl.numerics.lazy import torch
from qemppl.numerics.special import softplus
from qemppl.numerics.supports import CIRCLE, POSITIVE, REAL, UNIT, Support


@dataclass(frozen=True)
class Chart:
    """x in (lower, upper) <-> u in `target`, one of REAL, POSITIVE, UNIT and CIRCLE; None is no bound. Bounds broadcast against values.

    REAL: u = x, log(x - lower), log(upper - x) or logit((x - lower) / (upper - lower)). POSITIVE (one bound): u = x - lower or
    upper - x. UNIT (both bounds): u = (x - lower) / (upper - lower). CIRCLE (both bounds, a turn apart): u = the angle from the middle
    between them. Values stay strictly inside the bounds: the nearest number inside stands for one that would round to a bound.
    """

    lower: torch.Tensor | None
    upper: torch.Tensor | None
    target: Support

    def __post_init__(self) -> None:
        bounds = (self.lower is not None) + (self.upper is not None)
        assert (self.target is REAL) or (self.target, bounds) in ((POSITIVE, 1), (UNIT, 2), (CIRCLE, 2)), (
            "no chart onto this support"
        )

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        """x of u."""
        if self.lower is not None and self.upper is not None:
            return self._inside(torch.lerp(*self._line, u.sigmoid() if self.target is REAL else u))
        distance = u.exp() if self.target is REAL else u
        if self.lower is not None:
            return self._inside(self.lower + distance)
        if self.upper is not None:
            return self._inside(self.upper - distance)
        return u

    def inverse(self, x: torch.Tensor) -> torch.Tensor:
        """u of x."""
        if self.lower is not None and self.upper is not None:
            if self.target is REAL:
                return (x - self.lower).log() - (self.upper - x).log()
            zero, one = self._line
            return (x - zero) / (one - zero)
        if self.lower is None and self.upper is None:
            return x
        distance = x - self.lower if self.lower is not None else self._upper() - x
        return distance.log() if self.target is REAL else distance

    def log_jacobian(self, u: torch.Tensor) -> torch.Tensor:
        """log |dx/du|."""
        if self.lower is not None and self.upper is not None:
            zero, one = self._line
            width = (one - zero).log()
            return width - softplus(u) - softplus(-u) if self.target is REAL else width.expand_as(u)
        return u if self.stretches else torch.zeros_like(u)

    @property
    def stretches(self) -> bool:
        """Whether the Jacobian differs from 1."""
        bounds = (self.lower is not None) + (self.upper is not None)
        return bounds == 2 or (bounds == 1 and self.target is REAL)

    @cached_property
    def _line(self) -> tuple[torch.Tensor, torch.Tensor]:
        """x, or on the real line where its logistic function stands for u, at u = 0 and at u = 1."""
        assert self.lower is not None
        if self.target is not CIRCLE:
            return self.lower, self._upper()
        middle = 0.5 * (self.lower + self._upper())
        return middle, middle + (self._upper() - self.lower) / math.tau

    def _upper(self) -> torch.Tensor:
        assert self.upper is not None
        return self.upper

    def _inside(self, x: torch.Tensor) -> torch.Tensor:
        return x.clamp(*self._ends)

    @cached_property
    def _ends(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The least and the greatest number inside the bounds, of which there is one."""
        bound = self.lower if self.lower is not None else self._upper()
        inf, finite = torch.full_like(bound, torch.inf), torch.full_like(bound, torch.finfo(bound.dtype).max)
        least = -finite if self.lower is None else torch.nextafter(self.lower, inf)
        return least, finite if self.upper is None else torch.nextafter(self.upper, -inf)


@dataclass(frozen=True)
class CountChart:
    """Whole numbers x from `least` on <-> their distance u from it, which has the same probability. `least` broadcasts against values."""

    least: torch.Tensor
    stretches = False

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        """x of u."""
        return self.least + u

    def inverse(self, x: torch.Tensor) -> torch.Tensor:
        """u of x."""
        return x - self.least

    def log_jacobian(self, u: torch.Tensor) -> torch.Tensor:
        """0: probabilities do not stretch."""
        return torch.zeros_like(u)
