"""The lognormal family."""

from __future__ import annotations

from collections.abc import Sequence

from qemppl.families.normal import Normal
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import POSITIVE


class LogNormal(Normal):
    """Normal laws of y = log x. standard: (loc, scale) of y; mean coordinates: (mean, variance) of y; T = (y, y^2)."""

    name = "lognormal"
    support = POSITIVE

    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        return super().sufficient_statistics(x.log())

    def log_base_measure(self, x: torch.Tensor) -> torch.Tensor:
        return -x[..., 0].log()

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        finfo = torch.finfo(u.dtype)
        return super().quantile(standard, u).exp_().clamp(finfo.tiny, finfo.max)  # a derivative needs what exp_ gave

    def log_probs(self, standard: torch.Tensor, x: torch.Tensor, factors: Sequence[float]) -> list[torch.Tensor]:
        y = x.log()
        return [density - y[..., 0] for density in super().log_probs(standard, y, factors)]

    def moments(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return super().moments(x.log(), weight)
