"""The gamma family."""

from __future__ import annotations

from qemppl.families.base import ExponentialFamily
from qemppl.numerics.digamma import gamma_shape, log_minus_digamma
from qemppl.numerics.incomplete_gamma import log_gamma_quantile
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import POSITIVE


class Gamma(ExponentialFamily):
    """Gamma laws. standard: (shape, rate); T = (log x, x), h = 1/x, so eta = (shape, -rate)."""

    name = "gamma"
    support = POSITIVE

    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((x.log(), x), -1)

    def log_base_measure(self, x: torch.Tensor) -> torch.Tensor:
        return -x[..., 0].log()

    def log_normalizer(self, natural: torch.Tensor) -> torch.Tensor:
        shape, rate = natural[..., 0], -natural[..., 1]
        return shape.lgamma() - shape * rate.log()

    def standard_to_natural(self, standard: torch.Tensor) -> torch.Tensor:
        return standard * standard.new_tensor((1.0, -1.0))

    def natural_to_standard(self, natural: torch.Tensor) -> torch.Tensor:
        return natural * natural.new_tensor((1.0, -1.0))

    def standard_to_mean(self, standard: torch.Tensor) -> torch.Tensor:
        shape, rate = standard.unbind(-1)
        mean = shape / rate
        return torch.stack((mean.log() - log_minus_digamma(shape), mean), -1)

    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        mean_log, centre = mean.unbind(-1)
        shape = gamma_shape(centre.log() - mean_log)
        return torch.stack((shape, shape / centre), -1)

    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        """Lowers E log x until log E x - E log x, half the squared relative width, is at least 64 eps max(1, |log E x|)."""
        finfo = torch.finfo(mean.dtype)
        centre = mean[..., 1].clamp(finfo.tiny / finfo.eps, finfo.eps * finfo.max)
        log_centre = centre.log()
        highest = log_centre - 64 * finfo.eps * log_centre.abs().clamp_min(1)
        return torch.stack((torch.minimum(mean[..., 0], highest), centre), -1)

    def reparameterised(self, standard: torch.Tensor, particles: int, generator: torch.Generator) -> torch.Tensor:
        shape, rate = (p[:, None, None] for p in standard.unbind(-1))
        return (log_gamma_draws(shape.expand(-1, particles, -1), generator) - rate.log()).exp().clamp(*_limits(rate))

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        shape, rate = (p[:, None, None] for p in standard.unbind(-1))
        return (log_gamma_quantile(shape, u) - rate.log()).exp().clamp(*_limits(u))


def log_gamma_draws(shape: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Logs of gamma variables of rate 1, differentiable in the shape."""
    draws: torch.Tensor = torch._standard_gamma(shape, generator)
    return draws.clamp_min(torch.finfo(shape.dtype).tiny).log()


def _limits(like: torch.Tensor) -> tuple[float, float]:
    finfo = torch.finfo(like.dtype)
    return finfo.tiny, finfo.max
