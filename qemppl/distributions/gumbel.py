"""The Gumbel law."""

from __future__ import annotations

from qemppl.distributions.base import Argument, Law
from qemppl.numerics.elementwise import broadcast, plus, positive, times
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log1mexp
from qemppl.numerics.supports import POSITIVE, REAL


class Gumbel(Law):
    """gumbel(mu, beta), of largest values: log p = -z - exp(-z) - log beta, z = (x - mu) / beta."""

    name = "gumbel"
    arguments = (Argument("mu", REAL), Argument("beta", POSITIVE))
    support = REAL

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, beta = arguments
        beta = positive(beta)
        # finite, so that far to the left exp wins
        fall = times(x - mu, -1 / beta).clamp_max(torch.finfo(x.dtype).max)
        return plus(fall - fall.exp(), beta.log(), sign=-1)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """-log of an exponential draw is standard Gumbel."""
        mu, beta = broadcast(*arguments)
        noise = torch.empty(mu.shape, dtype=mu.dtype, device=mu.device).exponential_(generator=generator)
        return torch.addcmul(mu, beta, noise.log_(), value=-1)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, beta = arguments
        return -((mu - x) / positive(beta)).exp()

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, beta = arguments
        fall = (mu - x) / positive(beta)
        return torch.where(fall < -40, fall, log1mexp(fall.exp()))  # for a small t, log(1 - exp(-t)) is log t
