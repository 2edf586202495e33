"""The negative binomial law by its log mean."""

from __future__ import annotations

from qemppl.distributions.base import Argument, Law
from qemppl.distributions.poisson import poisson_draw
from qemppl.numerics.elementwise import broadcast, plus_product, positive
from qemppl.numerics.incomplete_beta import log_betainc_of_logit
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import count_base, log_rising_over_power, softplus
from qemppl.numerics.supports import COUNT, POSITIVE, REAL


class NegBinomial2Log(Law):
    """neg_binomial_2_log(eta, phi), a Poisson law whose rate has mean exp(eta) and shape phi:

    log p = log Gamma(x + phi) / (x! Gamma(phi)) + x s - (x + phi) log(1 + exp s), s = eta - log phi.
    """

    name = "neg_binomial_2_log"
    arguments = (Argument("eta", REAL), Argument("phi", POSITIVE))
    support = COUNT

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        eta, phi = arguments[0], positive(arguments[1])
        base = count_base(x)
        x = x.clamp_min(0)
        # Gamma(x + phi) / (Gamma(phi) phi^x) tends to 1 for a large phi, where its parts would cancel.
        log_p = torch.addcmul(base + log_rising_over_power(phi, x), x, eta)
        return plus_product(log_p, x + phi, softplus(eta - phi.log()), sign=-1)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        eta, phi = broadcast(*arguments)
        mixing = torch._standard_gamma(phi, generator=generator) / phi
        return poisson_draw(generator, eta.exp() * mixing)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        eta, phi = arguments[0], positive(arguments[1])
        k = x.clamp_min(0).floor() + 1
        return torch.where(x < 0, -torch.inf, log_betainc_of_logit(phi, k, phi.log() - eta))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        eta, phi = arguments[0], positive(arguments[1])
        k = x.clamp_min(0).floor() + 1
        return torch.where(x < 0, 0.0, log_betainc_of_logit(k, phi, eta - phi.log()))
