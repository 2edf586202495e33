"""Normal laws with independent coordinates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qemppl.families.base import ExponentialFamily
from qemppl.families.means_and_variances import MeansAndVariances
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import normal_scores
from qemppl.numerics.supports import REAL

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
SQRT_HALF = math.sqrt(0.5)


class DiagonalNormal(MeansAndVariances, ExponentialFamily):
    """Independent normal coordinates. standard: (loc, scale); mean coordinates: (mean, variance), centred; T = (x, x^2)."""

    name = "multi_normal_diag"
    support = REAL

    def log_base_measure(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x[..., 0])

    def log_normalizer(self, natural: torch.Tensor) -> torch.Tensor:
        linear, quadratic = natural.chunk(2, -1)
        return (HALF_LOG_2PI - linear.square() / (4 * quadratic) - 0.5 * (-2 * quadratic).log()).sum(-1)

    def standard_to_natural(self, standard: torch.Tensor) -> torch.Tensor:
        loc, scale = standard.chunk(2, -1)
        precision = scale**-2
        return torch.cat((loc * precision, -0.5 * precision), -1)

    def natural_to_standard(self, natural: torch.Tensor) -> torch.Tensor:
        linear, quadratic = natural.chunk(2, -1)
        return torch.cat((linear / (-2 * quadratic), (-2 * quadratic).rsqrt()), -1)

    def standard_to_mean(self, standard: torch.Tensor) -> torch.Tensor:
        loc, scale = standard.chunk(2, -1)
        return torch.cat((loc, scale.square()), -1)

    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        centre, variance = mean.chunk(2, -1)
        return torch.cat((centre, variance.sqrt()), -1)

    def to_free(self, standard: torch.Tensor) -> torch.Tensor:
        """(loc, log scale)."""
        loc, scale = standard.chunk(2, -1)
        return torch.cat((loc, scale.log()), -1)

    def from_free(self, free: torch.Tensor) -> torch.Tensor:
        loc, log_scale = free.chunk(2, -1)
        return torch.cat((loc, log_scale.exp()), -1)

    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        """Raises variances to `variance_floor`, and has what is too large within range."""
        centre, variance = within_range(mean[:, : self.dimension]), mean[:, self.dimension :]
        largest = torch.finfo(mean.dtype).eps * torch.finfo(mean.dtype).max
        return torch.cat((centre, torch.maximum(variance.clamp_max(largest), variance_floor(centre))), -1)

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        loc, scale = standard[:, None].chunk(2, -1)
        return torch.addcmul(loc, scale, normal_scores(u))

    # In centred form: a mean of 1e8 with a scale of 1e-3 keeps its digits.

    def log_prob(self, standard: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return self.log_probs(standard, x, [1.0])[0]

    def log_probs(self, standard: torch.Tensor, x: torch.Tensor, factors: Sequence[float]) -> list[torch.Tensor]:
        loc, scale = standard[:, None].chunk(2, -1)
        half_squares = (x - loc).mul_(SQRT_HALF / scale).square_().sum(-1)
        return widened_densities(half_squares, scale.log().sum(-1), self.dimension, factors)

    def widen(self, standard: torch.Tensor, factor: float) -> torch.Tensor:
        loc, scale = standard.chunk(2, -1)
        return torch.cat((loc, factor * scale), -1)

    def kl(self, standard: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """By coordinate log(s'/s) + (s^2 + (m - m')^2) / (2 s'^2) - 1/2."""
        loc, scale = standard.chunk(2, -1)
        other_loc, other_scale = other.chunk(2, -1)
        ratio = scale / other_scale
        shift = (loc - other_loc) / other_scale
        return (0.5 * (ratio.square() - 1 + shift.square()) - ratio.log()).sum(-1)


def widened_densities(
    half_squares: torch.Tensor, log_volume: torch.Tensor, dimension: int, factors: Sequence[float]
) -> list[torch.Tensor]:
    """Log-densities of a normal law widened by each factor, (member, particle).

    half_squares: half the squared distance from its centre in its own scales, (member, particle). log_volume: the log-determinant of
    these, (member, 1).
    """
    peak = -dimension * HALF_LOG_2PI - log_volume
    return [torch.sub(peak - dimension * math.log(f), half_squares, alpha=f**-2) for f in factors]


def within_range(centre: torch.Tensor) -> torch.Tensor:
    """The centre, no larger than the square root of the largest number, so that its square is one."""
    largest = math.sqrt(torch.finfo(centre.dtype).max)
    return centre.clamp(-largest, largest)


def variance_floor(centre: torch.Tensor) -> torch.Tensor:
    """The least variance around `centre`: (16 eps |centre|)^2, for particles closer together would coincide in rounding.

    Never below tiny / eps, so that a precision is finite.
    """
    finfo = torch.finfo(centre.dtype)
    return (16 * finfo.eps * centre).square().clamp_min(finfo.tiny / finfo.eps)
