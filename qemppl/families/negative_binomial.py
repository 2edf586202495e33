"""Families of unbounded counts."""

from __future__ import annotations

from math import sqrt

from qemppl.distributions.neg_binomial_2_log import NegBinomial2Log
from qemppl.families.base import Family
from qemppl.families.means_and_variances import MeansAndVariances
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import COUNT

LEAST_MEAN = 0.01
"""Q keeps at least this mean: what it leaves out altogether no weight can bring back."""
LARGEST_MEAN = 2.0**50
"""Beyond it, not every whole number that is drawn is a number of the format."""
WINDOW = 512
"""Most values of a count whose probabilities are added up one after another."""
SDS_BELOW, SDS_ABOVE = 6, 10
"""Where the window begins and ends, in standard deviations from the mean."""
ENTRIES = 1 << 20
"""Probabilities in memory at once."""

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
        """Probabilities added up over a window around the mean; beyond it, bisection of the cdf."""
        mean, phi = (parameter.reshape(-1, 1) for parameter in standard.chunk(2, -1))
        sd = (mean + mean.square() / phi).sqrt()
        first = (mean - SDS_BELOW * sd).floor().clamp_min(0)
        width = int((mean + SDS_ABOVE * sd - first).amax().clamp_max(WINDOW)) + 1
        rows = u.mT.reshape(len(mean), -1)
        blocks = (torch.split(part, max(1, ENTRIES // width)) for part in (mean.log(), phi, first, rows))
        x = torch.cat([_quantile(e, f, start, points, width) for e, f, start, points in zip(*blocks, strict=True)])
        return x.reshape(u.mT.shape).mT


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
        """Raises the mean to LEAST_MEAN, and the variance to (1 + sqrt(eps)) times the mean: as good as a Poisson law."""
        centre, variance = mean.chunk(2, -1)
        centre = centre.clamp(LEAST_MEAN, LARGEST_MEAN)
        return torch.cat((centre, torch.maximum(variance, centre + _least_excess(mean.dtype) * centre)), -1)


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


def _quantile(eta: torch.Tensor, phi: torch.Tensor, first: torch.Tensor, u: torch.Tensor, width: int) -> torch.Tensor:
    """The inverse cdf. eta, phi, first: (row, 1); u: (row, particle). The window is first .. first + width - 1."""
    values = first + torch.arange(width, dtype=u.dtype, device=u.device)
    below = _LAW.log_cdf(first - 1, eta, phi).exp() if bool((first > 0).any()) else torch.zeros_like(first)
    heights = below + _LAW.log_prob(values, eta, phi).exp().cumsum(-1)
    x = first + torch.searchsorted(heights, u.contiguous())
    low, high = u <= below, u > heights[:, -1:]
    beyond = low | high
    if bool(beyond.any()):
        eta, phi, first = (parameter.expand_as(u)[beyond] for parameter in (eta, phi, first))
        bracket = torch.where(low[beyond], -1.0, first + width - 1), torch.where(low[beyond], first - 1, torch.inf)
        x[beyond] = _bisect(eta, phi, u[beyond], *bracket)
    return x


def _bisect(
    eta: torch.Tensor, phi: torch.Tensor, u: torch.Tensor, low: torch.Tensor, high: torch.Tensor
) -> torch.Tensor:
    """The least whole x in (low, high] with P(X <= x) >= u, elementwise; an infinite `high` is found by doubling steps."""
    left, log_u, log_rest = u < 0.5, u.log(), (-u).log1p()

    def is_enough(x: torch.Tensor) -> torch.Tensor:
        """By the smaller tail."""
        return torch.where(left, _LAW.log_cdf(x, eta, phi) >= log_u, _LAW.log_survival(x, eta, phi) <= log_rest)

    mean = eta.exp()
    step = torch.where(high.isinf(), (mean + mean.square() / phi).sqrt().ceil(), 0.0)
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
