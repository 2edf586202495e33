"""The Dirichlet family."""

from __future__ import annotations

from qemppl.families.base import ExponentialFamily
from qemppl.families.gamma import log_gamma_draws
from qemppl.numerics.digamma import dirichlet_falls, dirichlet_shapes
from qemppl.numerics.incomplete_beta import logit_beta_quantile
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log_beta
from qemppl.numerics.supports import REAL
from qemppl.numerics.vector_charts import SimplexChart


class Dirichlet(ExponentialFamily):
    """Dirichlet laws of simplexes. standard: alpha, one for each of the `dimension` + 1 shares x; T = log x, eta = alpha.

    A value is the simplex in the coordinates of `SimplexChart`, where h = 1 and shares below the smallest number are told apart.
    Under a Dirichlet law these are independent: each is the logit, less an offset, of a beta variable, the left part of a run of
    shares (Connor and Mosimann 1969), whose shapes are the sums of alpha over both halves of the run.
    """

    name = "dirichlet"
    support = REAL

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._trees: dict[tuple[torch.dtype, torch.device], SimplexChart] = {}

    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        return self._tree(x).log_components(x)

    def log_base_measure(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x[..., 0])

    def log_normalizer(self, natural: torch.Tensor) -> torch.Tensor:
        """Of the beta laws of all splits."""
        return log_beta(*self._halves(natural)).sum(-1)

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
        left, right = (
            log_gamma_draws(shapes.expand(-1, particles, -1), generator) for shapes in self._halves(standard[:, None])
        )
        return left - right - self._tree(standard).offset

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        left, right = self._halves(standard[:, None])
        return logit_beta_quantile(left, right, u) - self._tree(u).offset

    def reorder(self, mean: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
        """Each coordinate is a split of its own, and a Dirichlet latent shares its group with no other."""
        assert torch.equal(order, torch.arange(self.dimension, device=order.device)), "splits have no other order"
        return mean

    def _halves(self, alpha: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The shapes of the beta law of each split: (..., share) -> (..., coordinate), twice."""
        tree = self._tree(alpha)
        return alpha @ tree.left.mT, alpha @ tree.right.mT

    def _tree(self, like: torch.Tensor) -> SimplexChart:
        key = (like.dtype, like.device)
        if key not in self._trees:
            self._trees[key] = SimplexChart.of(1, self.dimension + 1, *key)
        return self._trees[key]


def inside_mean_logs(mean: torch.Tensor) -> torch.Tensor:
    """E log x of shares, lowered until 1 - sum of exp(E log x), about (n - 1) / (2 sum of alpha), is at least 32 n eps. (..., n)."""
    finfo = torch.finfo(mean.dtype)
    mean = mean.clamp(-(finfo.eps**-2), -finfo.tiny)
    excess = mean.logsumexp(-1, keepdim=True) + 32 * mean.shape[-1] * finfo.eps
    return mean - excess.clamp_min(0)
