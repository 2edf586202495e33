"""Families of unbounded counts."""

from __future__ import annotations

from math import sqrt

from qemppl.distributions.neg_binomial_2_log import NegBinomial2Log
from qemppl.families.base import Family
from qemppl.families.count_quantile import count_quantile
from qemppl.families.means_and_variances import MeansAndVariances
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import COUNT

LEAST_MEAN = 0.01
"""Q keeps at least this mean: what it leaves out altogether no weight can bring back."""
LARGEST_MEAN = 2.0**50
"""Beyond it, not every whole number that is drawn is a number of the format."""

_LAW = NegBinomial2Log()


class CountFamily(Family):
    """Independent negative binomial coordinates. standard: (mean, phi), with variance mean + mean^2 / phi.

    Each of the two blocks of a parameter set has `dimension` entries.
    """

    support = COUNT

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension

    def log_prob(self, standard: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        mean, phi = standard[:, None].chunk(2, -1)
        return _LAW.log_prob(x, mean.log(), phi).sum(-1)

    def widen(self, standard: torch.Tensor, factor: float) -> torch.Tensor:
        """The same mean, and `factor`^2 times the variance."""
        mean, phi = standard.chunk(2, -1)
        return torch.cat((mean, mean / (factor**2 - 1 + factor**2 * mean / phi)), -1)

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        mean, phi = standard.chunk(2, -1)
        sd = (mean + mean.square() / phi).sqrt()
        return count_quantile(_LAW, (mean.log(), phi), (mean, sd), u)


class NegBinomial(MeansAndVariances, CountFamily):
    """Negative binomial laws. standard: (mean, phi); mean coordinates: (mean, variance), centred; the variance exceeds the mean."""

    name = "neg_binomial"

    def standard_to_mean(self, standard: torch.Tensor) -> torch.Tensor:
        mean, phi = standard.chunk(2, -1)
        return torch.cat((mean, mean + mean.square() / phi), -1)

    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        centre, variance = mean.chunk(2, -1)
        return torch.cat((centre, centre.square() / (variance - centre)), -1)

    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        """Raises the mean to LEAST_MEAN, and the variance to (1 + sqrt(eps)) times the mean: as good as a Poisson law. Neither mean nor
        scale exceeds LARGEST_MEAN.
        """
        centre, variance = mean.chunk(2, -1)
        centre = centre.clamp(LEAST_MEAN, LARGEST_MEAN)
        return torch.cat(
            (centre, torch.maximum(variance.clamp_max(LARGEST_MEAN**2), centre + _least_excess(mean.dtype) * centre)),
            -1,
        )


class Poisson(CountFamily):
    """Poisson laws. T = x; standard: (mean, phi), with phi so large that the variance exceeds the mean by a factor 1 + sqrt(eps):
    a widened Poisson law is a negative binomial one.
    """

    name = "poisson"

    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def standard_to_mean(self, standard: torch.Tensor) -> torch.Tensor:
        return standard[:, : self.dimension]

    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        return torch.cat((mean, mean / _least_excess(mean.dtype)), -1)

    def to_free(self, standard: torch.Tensor) -> torch.Tensor:
        """The log of the mean."""
        return standard[:, : self.dimension].log()

    def from_free(self, free: torch.Tensor) -> torch.Tensor:
        return self.mean_to_standard(free.exp())

    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        """Raises the mean to LEAST_MEAN."""
        return mean.clamp(LEAST_MEAN, LARGEST_MEAN)


def _least_excess(dtype: torch.dtype) -> float:
    """The least excess of the variance over the mean, as a share of it: half of the digits of `phi` are left."""
    return sqrt(torch.finfo(dtype).eps)
