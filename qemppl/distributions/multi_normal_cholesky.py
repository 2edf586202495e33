"""The multivariate normal law by the Cholesky factor of its covariance."""

from __future__ import annotations

import math

from qemppl.distributions.base import Argument, Law
from qemppl.numerics.elementwise import has_room, plus, positive
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import REAL
from qemppl.numerics.vectors import apply_matrix, inner

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


class MultiNormalCholesky(Law):
    """multi_normal_cholesky(mu, L): log p = -|L^-1 (x - mu)|^2 / 2 - sum of log L[k, k] - n log(2 pi) / 2."""

    name = "multi_normal_cholesky"
    arguments = (Argument("mu", REAL, ("n",)), Argument("L", REAL, ("n", "n"), "cholesky_factor"))
    support = REAL
    sizes = ("n",)
    location = "mu"
    entangled = True

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, L = arguments
        return plus(half_squared_distance(x, mu, L), log_scale(L)).neg_()

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Of x x' the lower triangle."""
        n = x.shape[-1]
        row, column = torch.tril_indices(n, n, device=x.device)
        return x.new_zeros(()), x, x[..., row] * x[..., column]

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        mu, L = arguments
        inverse = _inverse(L)
        precision = inverse.mT @ inverse
        towards = apply_matrix(precision, mu)
        row, column = torch.tril_indices(L.shape[-1], L.shape[-1], device=L.device)
        weight = torch.where(row == column, -0.5, -1.0).to(L.dtype)  # an entry off the diagonal stands for two
        return -0.5 * inner(mu, towards) - log_scale(L), towards, weight * precision[..., row, column]

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        mu, L = arguments
        noise = torch.randn(mu.shape, generator=generator, dtype=mu.dtype, device=mu.device)
        return mu + apply_matrix(L.tril(), noise)


def half_squared_distance(x: torch.Tensor, mu: torch.Tensor, L: torch.Tensor) -> torch.Tensor:
    """|L^-1 (x - mu)|^2 / 2: (*batch).

    Where x and mu have different particles, L^-1 is applied to each before the difference, which is the largest tensor; both are
    taken from one centre, so that values far from 0 keep their digits.
    """
    inverse = _inverse(L) * math.sqrt(0.5)
    if has_room(x, mu) or has_room(mu, x):
        z = apply_matrix(inverse, x - mu)
    else:
        centre = mu.detach().mean(tuple(range(mu.dim() - 1)))
        z = plus(apply_matrix(inverse, x - centre), apply_matrix(inverse, mu - centre), sign=-1)
    return inner(z, z)


def log_scale(L: torch.Tensor) -> torch.Tensor:
    """log of the normalising constant: sum of log L[k, k] + n log(2 pi) / 2."""
    diagonal = positive(L.diagonal(dim1=-2, dim2=-1))
    return diagonal.log().sum(-1) + L.shape[-1] * HALF_LOG_2PI


def _inverse(L: torch.Tensor) -> torch.Tensor:
    """L^-1, entries within +-1 / least: a factor that underflowed puts values far away, and never at NaN."""
    least = math.sqrt(torch.finfo(L.dtype).tiny)
    diagonal = L.diagonal(dim1=-2, dim2=-1)
    raised = L + torch.diag_embed(diagonal.clamp_min(least) - diagonal)
    identity = torch.eye(L.shape[-1], dtype=L.dtype, device=L.device)
    inverse: torch.Tensor = torch.linalg.solve_triangular(raised, identity.expand_as(L), upper=False)
    return inverse.nan_to_num(nan=torch.inf).clamp(-1 / least, 1 / least)
