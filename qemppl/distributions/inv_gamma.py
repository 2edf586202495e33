"""The inverse gamma law."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import broadcast, log_indicator, plus_product, positive
from qemppl.numerics.incomplete_gamma import log_gammainc, log_gammaincc
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import POSITIVE


class InvGamma(SummableLaw):
    """inv_gamma(alpha, beta), shape and scale: log p = alpha log beta - log Gamma(alpha) - (alpha + 1) log x - beta / x."""

    name = "inv_gamma"
    arguments = (Argument("alpha", POSITIVE), Argument("beta", POSITIVE))
    support = POSITIVE
    heavy_right_tail = True

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        inside = (x > 0) & (x < torch.inf)
        x = torch.where(inside, x, 1.0)
        log_x = x.log()
        return log_indicator(inside, x) - log_x, torch.ones_like(x), log_x, x.reciprocal()

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, count, log_total, inverse_total = statistics
        alpha, beta = (positive(a) for a in arguments)
        log_p = torch.addcmul(base, count, torch.xlogy(alpha, beta) - alpha.lgamma())
        return plus_product(plus_product(log_p, alpha, log_total, sign=-1), beta, inverse_total, sign=-1)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        base, _, log_x, inverse = self.row_statistics(x)
        return base, log_x, inverse

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        alpha, beta = (positive(a) for a in arguments)
        return torch.xlogy(alpha, beta) - alpha.lgamma(), -alpha, -beta

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, beta = broadcast(*arguments)
        return beta / positive(torch._standard_gamma(alpha, generator=generator))

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, beta = arguments
        return log_gammaincc(alpha, beta / x.clamp_min(0))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, beta = arguments
        return log_gammainc(alpha, beta / x.clamp_min(0))
