"""The inverse cdf of laws of counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from qemppl.numerics.lazy import torch

WINDOW = 512
"""Most values of a count whose probabilities are added up one after another."""
SDS_BELOW, SDS_ABOVE = 6, 10
"""Where the window begins and ends, in standard deviations from the mean."""
ENTRIES = 1 << 20
"""Probabilities in memory at once."""


class CountLaw(Protocol):
    """Probabilities of a count by its parameters, which broadcast against it. `log_cdf` and `log_survival` as those of a `Law`."""

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor: ...
    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor: ...
    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor: ...


def count_quantile(
    law: CountLaw, parameters: Sequence[torch.Tensor], spread: tuple[torch.Tensor, torch.Tensor], u: torch.Tensor
) -> torch.Tensor:
    """The least x with P(X <= x) >= u: (member, particle, coordinate), like u.

    Probabilities added up over a window around the mean; beyond it, bisection of the cdf. parameters: those of the law,
    (member, coordinate). spread: mean and standard deviation, likewise.
    """
    mean, sd = (p.reshape(-1, 1) for p in spread)
    first = (mean - SDS_BELOW * sd).floor().clamp_min(0)
    width = int((mean + SDS_ABOVE * sd - first).amax().clamp_max(WINDOW)) + 1
    rows, step = u.mT.reshape(len(mean), -1), sd.ceil()
    columns = (*(p.reshape(-1, 1) for p in parameters), first, step, rows)
    blocks = zip(*(torch.split(column, max(1, ENTRIES // width)) for column in columns), strict=True)
    x = torch.cat([_quantile(law, own, start, spacing, points, width) for *own, start, spacing, points in blocks])
    return x.reshape(u.mT.shape).mT


def _quantile(
    law: CountLaw,
    parameters: Sequence[torch.Tensor],
    first: torch.Tensor,
    step: torch.Tensor,
    u: torch.Tensor,
    width: int,
) -> torch.Tensor:
    """The inverse cdf at u (row, particle); all else (row, 1). The window is first .. first + width - 1."""
    values = first + torch.arange(width, dtype=u.dtype, device=u.device)
    below = law.log_cdf(first - 1, *parameters).exp() if bool((first > 0).any()) else torch.zeros_like(first)
    heights = below + law.log_prob(values, *parameters).exp().cumsum(-1)
    x = first + torch.searchsorted(heights, u.contiguous())
    low, high = u <= below, u > heights[:, -1:]
    beyond = low | high
    if bool(beyond.any()):
        *parameters, first, step = (column.expand_as(u)[beyond] for column in (*parameters, first, step))
        is_low = low[beyond]
        bracket = torch.where(is_low, -1.0, first + width - 1), torch.where(is_low, first - 1, torch.inf)
        x[beyond] = _bisect(law, parameters, u[beyond], *bracket, step)
    return x


def _bisect(
    law: CountLaw,
    parameters: Sequence[torch.Tensor],
    u: torch.Tensor,
    low: torch.Tensor,
    high: torch.Tensor,
    step: torch.Tensor,
) -> torch.Tensor:
    """The least whole x in (low, high] with P(X <= x) >= u, elementwise; an infinite `high` is found by doubling the step."""
    left, log_u, log_rest = u < 0.5, u.log(), (-u).log1p()

    def is_enough(x: torch.Tensor) -> torch.Tensor:
        """By the smaller tail."""
        return torch.where(left, law.log_cdf(x, *parameters) >= log_u, law.log_survival(x, *parameters) <= log_rest)

    step = torch.where(high.isinf(), step, 0.0)
    high = torch.where(high.isinf(), low + step, high)
    while bool((short := ~is_enough(high) & (step > 0)).any()):
        step = 2 * step
        low, high = torch.where(short, high, low), torch.where(short, high + step, high)
    rounding = 2 * torch.finfo(u.dtype).eps
    while bool((high - low > 1 + rounding * high).any()):
        middle = (0.5 * (low + high)).floor()
        enough = is_enough(middle)
        low, high = torch.where(enough, low, middle), torch.where(enough, middle, high)
    return high
