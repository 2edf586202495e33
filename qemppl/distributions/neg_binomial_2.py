"""The negative binomial law by its mean."""

from __future__ import annotations

from qemppl.distributions.base import Argument, Law
from qemppl.distributions.neg_binomial_2_log import NegBinomial2Log
from qemppl.numerics.elementwise import positive
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import COUNT, POSITIVE

_LOG = NegBinomial2Log()


class NegBinomial2(Law):
    """neg_binomial_2(mu, phi): neg_binomial_2_log(log mu, phi); mean mu, variance mu + mu^2 / phi."""

    name = "neg_binomial_2"
    arguments = (Argument("mu", POSITIVE), Argument("phi", POSITIVE))
    support = COUNT

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, phi = arguments
        return _LOG.log_prob(x, positive(mu).log(), phi)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        mu, phi = arguments
        return _LOG.sample(generator, positive(mu).log(), phi)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, phi = arguments
        return _LOG.log_cdf(x, positive(mu).log(), phi)

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        mu, phi = arguments
        return _LOG.log_survival(x, positive(mu).log(), phi)
