"""The LKJ law of Cholesky factors of correlation matrices."""

from __future__ import annotations

import math

from qemppl.distributions.base import Argument, Law
from qemppl.distributions.beta import log_gamma_draw
from qemppl.numerics.elementwise import log_indicator, plus, plus_product, positive
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import POSITIVE, REAL
from qemppl.numerics.vectors import is_unit


class LkjCorrCholesky(Law):
    """lkj_corr_cholesky(eta): log p = sum over k > 1 of (n - k + 2 eta - 2) log L[k, k] - log c(eta, n).

    A density of the components below the diagonal; L L' has density proportional to det^(eta - 1).
    log c = sum over k = 1, .., n - 1 of k log(pi) / 2 + log Gamma(eta + (n - 1 - k) / 2) - log Gamma(eta + (n - 1) / 2)
    (Lewandowski, Kurowicka and Joe 2009, theorem 5; Stan functions reference, "Cholesky LKJ correlation distribution").
    """

    name = "lkj_corr_cholesky"
    arguments = (Argument("eta", POSITIVE),)
    support = REAL
    sizes = ("n", "n")
    form = "cholesky_factor_corr"

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (eta,) = arguments
        n = x.shape[-1]
        diagonal = x.diagonal(dim1=-2, dim2=-1)
        inside = (diagonal > 0).all(-1) & is_unit(x.square().sum(-1)).all(-1) & (x.triu(1) == 0).flatten(-2).all(-1)
        logs = torch.where(inside.unsqueeze(-1), diagonal, 1.0).log()[..., 1:]
        powers = torch.arange(n - 4, -3, -1, dtype=x.dtype, device=x.device)
        fixed = plus((logs * powers).sum(-1), log_indicator(inside, x))
        return plus_product(fixed - _log_normalizer(positive(eta), n), 2 * eta, logs.sum(-1))

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """Rows are independent, with directions that are uniform and a square of the diagonal that is a beta variable: normal
        variables below the diagonal, the root of twice a gamma variable of shape eta + (n - k) / 2 on it, then rows of length 1."""
        eta, like = arguments
        n = like.shape[-1]
        shape = positive(eta).unsqueeze(-1) + torch.arange(n - 1, -1, -1, dtype=like.dtype, device=like.device) / 2
        diagonal = (0.5 * (log_gamma_draw(generator, shape) + math.log(2))).exp()
        normal = torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)
        factor = normal.tril(-1) + torch.diag_embed(positive(diagonal))
        length: torch.Tensor = torch.linalg.vector_norm(factor, dim=-1, keepdim=True)
        return factor / length


def _log_normalizer(eta: torch.Tensor, n: int) -> torch.Tensor:
    """log c(eta, n)."""
    halves = torch.arange(n - 1, dtype=eta.dtype, device=eta.device) / 2
    top = (n - 1) * (eta + 0.5 * (n - 1)).lgamma()
    return (eta.unsqueeze(-1) + halves).lgamma().sum(-1) - top + 0.25 * n * (n - 1) * math.log(math.pi)
