"""The inverse gamma family."""

from __future__ import annotations

from qemppl.families.base import ExponentialFamily
from qemppl.families.gamma import Gamma
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import POSITIVE

_RECIPROCAL = Gamma()


class InverseGamma(ExponentialFamily):
    """Inverse gamma laws: 1/x is gamma. standard: (shape, scale); T = (log x, 1/x), h = 1/x, so eta = (-shape, -scale)."""

    name = "inv_gamma"
    support = POSITIVE

    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((x.log(), x.reciprocal()), -1)

    def log_base_measure(self, x: torch.Tensor) -> torch.Tensor:
        return -x[..., 0].log()

    def log_normalizer(self, natural: torch.Tensor) -> torch.Tensor:
        return _RECIPROCAL.log_normalizer(_mirror(natural))

    def standard_to_natural(self, standard: torch.Tensor) -> torch.Tensor:
        return -standard

    def natural_to_standard(self, natural: torch.Tensor) -> torch.Tensor:
        return -natural

    def standard_to_mean(self, standard: torch.Tensor) -> torch.Tensor:
        return _mirror(_RECIPROCAL.standard_to_mean(standard))

    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        return _RECIPROCAL.mean_to_standard(_mirror(mean))

    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        """As for the gamma law of 1/x."""
        return _mirror(_RECIPROCAL.project_mean(_mirror(mean)))

    def reparameterised(self, standard: torch.Tensor, particles: int, generator: torch.Generator) -> torch.Tensor:
        return _RECIPROCAL.reparameterised(standard, particles, generator).reciprocal()

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        finfo = torch.finfo(u.dtype)
        return _RECIPROCAL.quantile(standard, 1 - u).reciprocal_().clamp_(finfo.tiny, finfo.max)


def _mirror(parameters: torch.Tensor) -> torch.Tensor:
    """The natural parameter, or the mean, of 1/x: log(1/x) = -log x changes the sign of the first entry."""
    return parameters * parameters.new_tensor((-1.0, 1.0))
