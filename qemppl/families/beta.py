"""The beta family."""

from __future__ import annotations

from qemppl.families.base import Family
from qemppl.numerics.digamma import beta_shapes, digamma_rise
from qemppl.numerics.incomplete_beta import logit_beta_quantile
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log_beta
from qemppl.numerics.supports import UNIT


class Beta(Family):
    """Beta laws. standard: (a, b); T = (log x, log(1 - x)), h = 1/(x (1 - x)), so eta = (a, b)."""

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
        a, b = standard.unbind(-1)
        return -torch.stack((digamma_rise(a, b), digamma_rise(b, a)), -1)

    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        return torch.stack(beta_shapes(*(-mean).unbind(-1)), -1)

    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        """Lowers both logs until 1 - exp(E log x) - exp(E log(1 - x)), about 1 / (2 (a + b)), is at least 64 eps."""
        finfo = torch.finfo(mean.dtype)
        mean = mean.clamp(-finfo.max, -finfo.tiny)
        excess = mean.logsumexp(-1, keepdim=True) + 64 * finfo.eps
        return mean - excess.clamp_min(0)

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        finfo = torch.finfo(u.dtype)
        a, b = (p[:, None, None] for p in standard.unbind(-1))
        return logit_beta_quantile(a, b, u).sigmoid().clamp(finfo.tiny, 1 - finfo.eps / 2)
