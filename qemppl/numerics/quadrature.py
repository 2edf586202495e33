"""Gauss and Legendre's rule; integrals over the tail of a log-concave density, relative to its value where the tail begins."""

from __future__ import annotations

from collections.abc import Callable

from qemppl.numerics.lazy import torch

_DEPTH = 42.0  # the integral stops where the integrand has fallen by exp(-42), below rounding
_NODES = 40


def legendre(count: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Nodes and weights of Gauss and Legendre's rule on (0, 1), (node,) both, from the eigenvectors of its Jacobi matrix (Golub and Welsch
    1969)."""
    k = torch.arange(1, count, dtype=torch.float64, device=like.device)
    off_diagonal = k / (4 * k.square() - 1).sqrt()
    nodes, vectors = torch.linalg.eigh(torch.diag(off_diagonal, 1) + torch.diag(off_diagonal, -1))
    return ((nodes + 1) / 2).to(like.dtype), vectors[0].square().to(like.dtype)


def log_tail_integral(
    fall: Callable[[torch.Tensor], torch.Tensor], slope: torch.Tensor, curvature: torch.Tensor, linear: float = 0.0
) -> torch.Tensor:
    """log of the integral of exp(-fall(v)) over v > 0.

    fall: smooth and convex with fall(0) = 0, at least slope v + curvature v^2 / (2 + linear v); takes v with a last axis of nodes.
    slope, curvature: at 0, not both 0. linear: 0 where the fall grows at least quadratically.
    """
    # the least v with slope v (2 + linear v) + curvature v^2 = DEPTH (2 + linear v)
    half = slope - 0.5 * linear * _DEPTH
    square = curvature + linear * slope
    length = 2 * _DEPTH / (half + (half.square() + 2 * _DEPTH * square).sqrt())
    nodes, weights = legendre(_NODES, slope)
    values = (-fall(length[..., None] * nodes)).exp()
    return ((values * weights).sum(-1) * length).log()
