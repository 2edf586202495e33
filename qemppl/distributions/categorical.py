"""The categorical law."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.categories import CategoryLaw, position
from qemppl.numerics.elementwise import plus
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import UNIT
from qemppl.numerics.vectors import pick


class Categorical(CategoryLaw):
    """categorical(theta): log p = log theta[x]."""

    name = "categorical"
    arguments = (Argument("theta", UNIT, ("n",), "simplex"),)
    categories = ("theta", 0)

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (theta,) = arguments
        index, inside = position(x, theta.shape[-1])
        return plus(pick(theta, index).log(), inside)

    def log_probabilities(self, *arguments: torch.Tensor) -> torch.Tensor:
        (theta,) = arguments
        return theta.log()
