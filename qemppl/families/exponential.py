"""The exponential family of laws that are called exponential."""

from __future__ import annotations

from qemppl.families.base import ExponentialFamily
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import POSITIVE


class Exponential(ExponentialFamily):
    """Exponential laws. standard: (rate,); T = x, h = 1, so eta = -rate, and eta / c widens by c."""

    name = "exponential"
    support = POSITIVE

    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def log_base_measure(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x[..., 0])

    def log_normalizer(self, natural: torch.Tensor) -> torch.Tensor:
        return -(-natural[..., 0]).log()

    def standard_to_natural(self, standard: torch.Tensor) -> torch.Tensor:
        return -standard

    def natural_to_standard(self, natural: torch.Tensor) -> torch.Tensor:
        return -natural

    def standard_to_mean(self, standard: torch.Tensor) -> torch.Tensor:
        return standard.reciprocal()

    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        return mean.reciprocal()

    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        """Keeps the mean, and the rate with it, between tiny / eps and eps max."""
        finfo = torch.finfo(mean.dtype)
        return mean.clamp(finfo.tiny / finfo.eps, finfo.eps * finfo.max)

    def widen(self, standard: torch.Tensor, factor: float) -> torch.Tensor:
        return standard / factor

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        finfo = torch.finfo(u.dtype)
        return ((-u).log1p().neg() / standard[:, None]).clamp(finfo.tiny, finfo.max)
