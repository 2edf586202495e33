"""The beta family."""

from __future__ import annotations

from qemppl.families.base import ExponentialFamily
from qemppl.families.dirichlet import inside_mean_logs
from qemppl.families.gamma import log_gamma_draws
from qemppl.numerics.digamma import dirichlet_falls, dirichlet_shapes
from qemppl.numerics.incomplete_beta import logit_beta_quantile
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log_beta
from qemppl.numerics.supports import UNIT


class Beta(ExponentialFamily):
    """Beta laws, Dirichlet laws of two shares. standard: (a, b); T = (log x, log(1 - x)), h = 1/(x (1 - x)), so eta = (a, b)."""

    name = "beta"
    support = UNIT

    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((x.log(), (-x).log1p()), -1)

    def log_base_measure(self, x: torch.Tensor) -> torch.Tensor:
        return -self.sufficient_statistics(x).sum(-1)

    def log_normalizer(self, natural: torch.Tensor) -> torch.Tensor:
        return log_beta(*natural.unbind(-1))

    def standard_to_natural(self, standard: torch.Tensor) -> torch.Tensor:
        return standard

    def natural_to_standard(self, natural: torch.Tensor) -> torch.Tensor:
        return natural

    def standard_to_mean(self, standard: torch.Tensor) -> torch.Tensor:
        return -dirichlet_falls(standard)

    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        return dirichlet_shapes(-mean)

    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        return inside_mean_logs(mean)

    def reparameterised(self, standard: torch.Tensor, particles: int, generator: torch.Generator) -> torch.Tensor:
        finfo = torch.finfo(standard.dtype)
        a, b = (log_gamma_draws(p[:, None, None].expand(-1, particles, -1), generator) for p in standard.unbind(-1))
        return (a - b).sigmoid().clamp(finfo.tiny, 1 - finfo.eps / 2)

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        finfo = torch.finfo(u.dtype)
        a, b = (p[:, None, None] for p in standard.unbind(-1))
        return logit_beta_quantile(a, b, u).sigmoid().clamp(finfo.tiny, 1 - finfo.eps / 2)
