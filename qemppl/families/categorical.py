"""Families of finitely many values."""

from __future__ import annotations

from qemppl.families.base import ExponentialFamily
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import BOOLEAN, FINITE

RARE = 1e-3
"""The least probability of a value, times the number of values: what Q leaves out altogether no weight can bring back."""


class Categorical(ExponentialFamily):
    """Laws on the values 0, .., states - 1 of independent coordinates. standard: probabilities; T: the indicator of every value;
    mean coordinates: probabilities; h = 1, and eta, the logs of probabilities, is known up to a constant for each coordinate.

    A parameter set has `states` entries for each coordinate, one coordinate after another.
    """

    name = "categorical"
    support = FINITE

    def __init__(self, dimension: int, states: int) -> None:
        self.dimension = dimension
        self.states = states

    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        values = torch.arange(self.states, dtype=x.dtype, device=x.device)
        return (x[..., None] == values).to(x.dtype).flatten(-2)

    def log_base_measure(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x[..., 0])

    def log_normalizer(self, natural: torch.Tensor) -> torch.Tensor:
        return self._split(natural).logsumexp(-1).sum(-1)

    def standard_to_natural(self, standard: torch.Tensor) -> torch.Tensor:
        return standard.log()

    def natural_to_standard(self, natural: torch.Tensor) -> torch.Tensor:
        return self._split(natural).softmax(-1).flatten(-2)

    def standard_to_mean(self, standard: torch.Tensor) -> torch.Tensor:
        return standard

    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        return mean

    def from_free(self, free: torch.Tensor) -> torch.Tensor:
        """Logs of probabilities, up to a constant for each coordinate."""
        return self.natural_to_standard(free)

    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        """Raises probabilities to RARE / states, and has the sum back at 1: by which they fall again, by less than a share RARE."""
        p, least = self._split(mean), RARE / self.states
        raised = p.clamp_min(least)
        is_rare = (p < (1 - RARE) * least).any(-1, keepdim=True)
        return torch.where(is_rare, raised / raised.sum(-1, keepdim=True), p).flatten(-2)

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        heights = self._split(standard).cumsum(-1)
        points = (u.mT * heights[..., -1:]).contiguous()
        return torch.searchsorted(heights, points, right=True).clamp_max(self.states - 1).mT.to(u.dtype)

    # By gathers and scatters: the indicators would take `states` times the memory.

    def log_prob(self, standard: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return self._split(standard).log().gather(-1, x.mT.long()).sum(1)

    def moments(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        probabilities = torch.zeros(len(x), self.dimension, self.states, dtype=weight.dtype, device=x.device)
        value = x.mT.long()
        return probabilities.scatter_add_(-1, value, weight[:, None].expand_as(value)).flatten(-2)

    def reorder(self, mean: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
        return self._split(mean)[..., order, :].flatten(-2)

    def _split(self, parameters: torch.Tensor) -> torch.Tensor:
        """(..., parameter) -> (..., coordinate, value)."""
        return parameters.reshape(*parameters.shape[:-1], self.dimension, self.states)


class Bernoulli(Categorical):
    """Laws on 0 and 1."""

    name = "bernoulli"
    support = BOOLEAN

    def __init__(self, dimension: int) -> None:
        super().__init__(dimension, states=2)
