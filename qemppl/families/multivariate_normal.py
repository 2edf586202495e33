"""Multivariate normal laws with a full covariance."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qemppl.families.base import ExponentialFamily
from qemppl.families.diagonal_normal import variance_floor, widened_densities, within_range
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import normal_scores
from qemppl.numerics.supports import REAL

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


class MultivariateNormal(ExponentialFamily):
    """Multivariate normal laws. standard: (loc, L) with covariance L L', L lower triangular with a positive diagonal;
    mean coordinates: (mean, covariance), centred; T = (x, x x').

    A parameter set has `dimension` entries, then a matrix flattened by rows.
    """

    name = "multi_normal"
    support = REAL

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension

    def _split(self, parameters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A parameter set as its vector (member, coordinate) and its matrix (member, coordinate, coordinate)."""
        d = self.dimension
        return parameters[..., :d], parameters[..., d:].reshape(*parameters.shape[:-1], d, d)

    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        return _join(x, x[..., :, None] * x[..., None, :])

    def log_base_measure(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x[..., 0])

    def log_normalizer(self, natural: torch.Tensor) -> torch.Tensor:
        """(|C^-1 eta1|^2 - log det P + d log 2 pi) / 2, where P = C C' is the precision -2 eta2."""
        linear, quadratic = self._split(natural)
        factor: torch.Tensor = torch.linalg.cholesky(-2 * quadratic)
        z: torch.Tensor = torch.linalg.solve_triangular(factor, linear[..., None], upper=False)
        return 0.5 * z.square().sum((-2, -1)) - _log_determinant(factor) + self.dimension * HALF_LOG_2PI

    def standard_to_natural(self, standard: torch.Tensor) -> torch.Tensor:
        loc, factor = self._split(standard)
        precision = torch.cholesky_inverse(factor)
        return _join((precision @ loc[..., None])[..., 0], -0.5 * precision)

    def natural_to_standard(self, natural: torch.Tensor) -> torch.Tensor:
        linear, quadratic = self._split(natural)
        factor: torch.Tensor = torch.linalg.cholesky(-2 * quadratic)
        loc = torch.cholesky_solve(linear[..., None], factor)[..., 0]
        return _join(loc, robust_cholesky(torch.cholesky_inverse(factor))[1])

    def standard_to_mean(self, standard: torch.Tensor) -> torch.Tensor:
        loc, factor = self._split(standard)
        return _join(loc, factor @ factor.mT)

    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        centre, covariance = self._split(mean)
        return _join(centre, robust_cholesky(covariance)[1])

    def to_free(self, standard: torch.Tensor) -> torch.Tensor:
        """loc and L, with the logs of its diagonal."""
        loc, factor = self._split(standard)
        return _join(loc, factor.tril(-1) + torch.diag_embed(factor.diagonal(dim1=-2, dim2=-1).log()))

    def from_free(self, free: torch.Tensor) -> torch.Tensor:
        loc, factor = self._split(free)
        return _join(loc, factor.tril(-1) + torch.diag_embed(factor.diagonal(dim1=-2, dim2=-1).exp()))

    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        """Raises variances to `variance_floor`, then adds the jitter of `robust_cholesky` where it is needed."""
        centre, covariance = self._split(mean)
        centre = within_range(centre)
        lack = (variance_floor(centre) - covariance.diagonal(dim1=-2, dim2=-1)).clamp_min(0)
        if lack.any():
            covariance = covariance + torch.diag_embed(lack)
        return _join(centre, robust_cholesky(covariance)[0])

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        loc, factor = self._split(standard)
        return torch.baddbmm(loc[:, None], normal_scores(u), factor.mT)

    # In centred form: a mean of 1e8 with a scale of 1e-3 keeps its digits.

    def log_prob(self, standard: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return self.log_probs(standard, x, [1.0])[0]

    def log_probs(self, standard: torch.Tensor, x: torch.Tensor, factors: Sequence[float]) -> list[torch.Tensor]:
        loc, factor = self._split(standard)
        z: torch.Tensor = torch.linalg.solve_triangular(factor.mT, x - loc[:, None], upper=True, left=False)
        half_squares = z.square().sum(-1).mul_(0.5)
        return widened_densities(half_squares, _log_determinant(factor)[:, None], self.dimension, factors)

    def moments(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        reference = x[:, :1]
        offset = x - reference
        shift = weight[:, None] @ offset
        offset -= shift
        return _join((reference + shift)[:, 0], (offset * weight[..., None]).mT @ offset)

    def blend(self, mean: torch.Tensor, other: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """The average of the covariances plus the covariance between the two centres."""
        d = self.dimension
        shift = other[:, :d] - mean[:, :d]
        between = (shift[:, :, None] * shift[:, None, :]).flatten(1) * (step * (1 - step))
        blended = mean + step * (other - mean)
        return torch.cat((blended[:, :d], blended[:, d:] + between), -1)

    def reorder(self, mean: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
        centre, covariance = self._split(mean)
        return _join(centre[..., order], covariance[..., order, :][..., order])

    def expected_statistics(self, mean: torch.Tensor) -> torch.Tensor:
        centre, covariance = self._split(mean)
        return _join(centre, covariance + centre[..., :, None] * centre[..., None, :])

    def widen(self, standard: torch.Tensor, factor: float) -> torch.Tensor:
        return torch.cat((standard[:, : self.dimension], factor * standard[:, self.dimension :]), -1)

    def kl(self, standard: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """log det L' - log det L + (|L'^-1 L|^2 + |L'^-1 (m - m')|^2 - d) / 2."""
        loc, factor = self._split(standard)
        other_loc, other_factor = self._split(other)
        both = torch.cat((factor, (loc - other_loc)[..., None]), -1)
        z: torch.Tensor = torch.linalg.solve_triangular(other_factor, both, upper=False)
        return (
            _log_determinant(other_factor)
            - _log_determinant(factor)
            + 0.5 * (z.square().sum((-2, -1)) - self.dimension)
        )


def robust_cholesky(covariance: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A covariance (member, coordinate, coordinate) made positive definite, and its Cholesky factor.

    Where the factorisation fails, the diagonal is multiplied by 1 + jitter, with the smallest jitter of 10 d eps, 100 d eps, ..
    that makes it succeed: the same for every choice of units of the coordinates. Variances are positive.
    """
    factor, failed = torch.linalg.cholesky_ex(covariance)
    jitter = 10 * covariance.shape[-1] * torch.finfo(covariance.dtype).eps
    original = covariance
    while bool(failed.any()):
        assert jitter < 1, "a covariance that is not finite, or far from positive semidefinite"
        diagonal = original.diagonal(dim1=-2, dim2=-1) * (jitter * (failed > 0)[:, None])
        covariance = torch.where((failed > 0)[:, None, None], original + torch.diag_embed(diagonal), covariance)
        factor, failed = torch.linalg.cholesky_ex(covariance)
        jitter *= 10
    return covariance, factor


def _join(vector: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    return torch.cat((vector, matrix.flatten(-2)), -1)


def _log_determinant(factor: torch.Tensor) -> torch.Tensor:
    """log det of a triangular matrix with a positive diagonal."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
