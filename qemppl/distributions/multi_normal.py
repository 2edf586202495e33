"""The multivariate normal law."""

from __future__ import annotations

from qemppl.distributions.base import Argument, Law
from qemppl.distributions.multi_normal_cholesky import MultiNormalCholesky, half_squared_distance, log_scale
from qemppl.numerics.elementwise import plus
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import REAL
from qemppl.numerics.vectors import apply_matrix

_CHOLESKY = MultiNormalCholesky()


class MultiNormal(Law):
    """multi_normal(mu, Sigma): log p = -(x - mu)' Sigma^-1 (x - mu) / 2 - log det(Sigma) / 2 - n log(2 pi) / 2.

    A Sigma that rounding has made indefinite has the density 0.
    """

    name = "multi_normal"
    arguments = (Argument("mu", REAL, ("n",)), Argument("Sigma", REAL, ("n", "n"), "covariance"))
    support = REAL
    sizes = ("n",)
    location = "mu"
    entangled = True

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, Sigma = arguments
        factor, error = torch.linalg.cholesky_ex(Sigma)
        failed = error > 0
        identity = torch.eye(Sigma.shape[-1], dtype=Sigma.dtype, device=Sigma.device)
        factor = torch.where(failed[..., None, None], identity, factor)
        constant = log_scale(factor).masked_fill(failed, torch.inf)
        return plus(half_squared_distance(x, mu, factor), constant).neg_()

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return _CHOLESKY.statistics(x)

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        mu, Sigma = arguments
        factor, error = torch.linalg.cholesky_ex(Sigma)
        return _CHOLESKY.natural_parameters(mu, factor.masked_fill((error > 0)[..., None, None], torch.nan))

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """With a root of Sigma by its eigenvectors, which a singular matrix has too."""
        mu, Sigma = arguments
        squares, axes = torch.linalg.eigh(Sigma)
        noise = torch.randn(mu.shape, generator=generator, dtype=mu.dtype, device=mu.device)
        return mu + apply_matrix(axes, squares.clamp_min(0).sqrt() * noise)
