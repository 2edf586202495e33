"""The categorical law by log odds."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.categories import CategoryLaw, position
from qemppl.numerics.elementwise import plus
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import REAL
from qemppl.numerics.vectors import pick


class CategoricalLogit(CategoryLaw):
    """categorical_logit(beta): log p = beta[x] - log sum exp beta."""

    name = "categorical_logit"
    arguments = (Argument("beta", REAL, ("n",)),)
    categories = ("beta", 0)

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        (beta,) = arguments
        index, inside = position(x, beta.shape[-1])
        return plus(pick(beta, index) - beta.logsumexp(-1), inside)

    def log_probabilities(self, *arguments: torch.Tensor) -> torch.Tensor:
        (beta,) = arguments
        return beta.log_softmax(-1)
