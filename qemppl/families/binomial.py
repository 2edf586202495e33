"""The binomial family."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qemppl.distributions.binomial import Binomial as BinomialLaw
from qemppl.families.base import Family
from qemppl.families.count_quantile import count_quantile
from qemppl.families.negative_binomial import LEAST_MEAN
from qemppl.numerics.binomial import log_binomial
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import FINITE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FURTHEST = 0.9
"""The most that a widened law moves the probability, as a share of its distance from 0 or 1."""

_LAW = BinomialLaw()


class Binomial(Family):
    """Independent binomial coordinates on 0 .. n, the `highest` of each member and coordinate. T = x; standard: (p, gap), the law of
    equal parts of the probabilities p - gap and p + gap: a widened binomial law is the mixture of two.

    Each of the two blocks of a parameter set has `dimension` entries.
    """

    name = "binomial"
    support = FINITE

    def __init__(self, dimension: int, highest: NDArray[np.float64]) -> None:
        self.dimension = dimension
        self.highest = highest

    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def standard_to_mean(self, standard: torch.Tensor) -> torch.Tensor:
        return self._n(standard) * standard[:, : self.dimension]

    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        n = self._n(mean)
        p = torch.where(n > 0, mean / n.clamp_min(1), 0.5)
        return torch.cat((p, torch.zeros_like(p)), -1)

    def to_free(self, standard: torch.Tensor) -> torch.Tensor:
        """logit p."""
        return standard[:, : self.dimension].logit()

    def from_free(self, free: torch.Tensor) -> torch.Tensor:
        finfo = torch.finfo(free.dtype)
        p = free.sigmoid().clamp(finfo.tiny, 1 - finfo.eps / 2)
        return torch.cat((p, torch.zeros_like(p)), -1)

    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        """Keeps LEAST_MEAN away from 0 and n, and 16 eps n, so that neither probability is rounding."""
        n = self._n(mean)
        least = torch.minimum((16 * torch.finfo(mean.dtype).eps * n).clamp_min(LEAST_MEAN), 0.5 * n)
        return torch.maximum(torch.minimum(mean, n - least), least)

    def widen(self, standard: torch.Tensor, factor: float) -> torch.Tensor:
        """The same mean, and `factor`^2 times the variance n p q + n (n - 1) gap^2, as far as p +- gap stays inside (0, 1)."""
        n = self._n(standard)
        p, gap = standard.chunk(2, -1)
        extra = (factor**2 - 1) * p * (1 - p) / (n - 1).clamp_min(torch.finfo(p.dtype).tiny)
        wider = (extra + (factor * gap).square()).sqrt()
        return torch.cat((p, torch.minimum(wider, FURTHEST * torch.minimum(p, 1 - p))), -1)

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        n = self._n(standard).expand(len(standard), -1)
        p, gap = standard.chunk(2, -1)
        variance = n * p * (1 - p) + n * (n - 1) * gap.square()
        x = count_quantile(_TwoBinomials(), (n, p, gap), (n * p, variance.sqrt()), u)
        return torch.minimum(x, n[:, None])

    def log_prob(self, standard: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return _TwoBinomials().log_prob(x, self._n(standard)[:, None], *standard[:, None].chunk(2, -1)).sum(-1)

    def _n(self, like: torch.Tensor) -> torch.Tensor:
        """(member, coordinate)."""
        return torch.as_tensor(self.highest, dtype=like.dtype, device=like.device)


class _TwoBinomials:
    """Equal parts of binomial(n, p - gap) and binomial(n, p + gap)."""

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        n, p, gap = arguments
        k = torch.minimum(x, n)
        logs = [log_binomial(k, n, part, 1 - part) for part in (p - gap, p + gap)]
        return torch.where(x > n, -torch.inf, torch.logaddexp(*logs) - math.log(2))

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        n, p, gap = arguments
        return torch.logaddexp(*(_LAW.log_cdf(x, n, part) for part in (p - gap, p + gap))) - math.log(2)

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        n, p, gap = arguments
        return torch.logaddexp(*(_LAW.log_survival(x, n, part) for part in (p - gap, p + gap))) - math.log(2)
