"""Families of means and variances by coordinate."""

from __future__ import annotations

from qemppl.families.base import Family
from qemppl.numerics.lazy import torch


class MeansAndVariances(Family):
    """T = (x, x^2) by coordinate; mean coordinates (mean, variance), centred: a mean of 1e8 with an sd of 1e-3 keeps its digits.

    Each of the two blocks of a parameter set has `dimension` entries.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension

    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((x, x.square()), -1)

    def expected_statistics(self, mean: torch.Tensor) -> torch.Tensor:
        centre, variance = mean.chunk(2, -1)
        return torch.cat((centre, variance + centre.square()), -1)

    def moments(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        reference = x[:, :1]
        offset = x - reference
        shift = (weight[:, None] @ offset)[:, 0]
        variance = (weight[:, None] @ offset.sub_(shift[:, None]).square_())[:, 0]
        return torch.cat((reference[:, 0] + shift, variance), -1)

    def blend(self, mean: torch.Tensor, other: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """The average of the variances plus the variance between the two centres."""
        d = self.dimension
        between = (other[:, :d] - mean[:, :d]).square() * (step * (1 - step))
        blended = mean + step * (other - mean)
        return torch.cat((blended[:, :d], blended[:, d:] + between), -1)
