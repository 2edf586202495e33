"""The logistic law."""

from __future__ import annotations

from qemppl.distributions.base import Argument, Law
from qemppl.numerics.elementwise import broadcast, plus, positive, times
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import softplus
from qemppl.numerics.supports import POSITIVE, REAL


class Logistic(Law):
    """logistic(mu, sigma): log p = -z - 2 log(1 + exp(-z)) - log sigma, z = (x - mu) / sigma; its cdf is inv_logit(z)."""

    name = "logistic"
    arguments = (Argument("mu", REAL), Argument("sigma", POSITIVE))
    support = REAL

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = arguments
        sigma = positive(sigma)
        fall = times((x - mu).abs_().neg_(), 1 / sigma)  # the density is even in z
        return plus(fall.sub(softplus(fall), alpha=2), sigma.log(), sign=-1)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """The log of a ratio of two exponential draws is standard logistic."""
        mu, sigma = broadcast(*arguments)
        above = torch.empty(mu.shape, dtype=mu.dtype, device=mu.device).exponential_(generator=generator)
        below = torch.empty_like(above).exponential_(generator=generator)
        return torch.addcmul(mu, sigma, above.log_() - below.log_())

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = arguments
        return -softplus((mu - x) / positive(sigma))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, sigma = arguments
        return -softplus((x - mu) / positive(sigma))
