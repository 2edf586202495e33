"""The beta law."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import broadcast, log_indicator, plus_product, positive
from qemppl.numerics.incomplete_beta import log_betainc
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log_beta
from qemppl.numerics.supports import POSITIVE, UNIT


class Beta(SummableLaw):
    """beta(alpha, beta): log p = (alpha - 1) log x + (beta - 1) log(1 - x) - log B(alpha, beta). 0 and 1 are outside."""

    name = "beta"
    arguments = (Argument("alpha", POSITIVE), Argument("beta", POSITIVE))
    support = UNIT

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        inside = (x > 0) & (x < 1)
        x = torch.where(inside, x, 0.5)
        log_x, log_rest = x.log(), (-x).log1p()
        return log_indicator(inside, x) - log_x - log_rest, torch.ones_like(x), log_x, log_rest

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, count, log_total, log_rest_total = statistics
        alpha, beta = (positive(a) for a in arguments)
        log_p = torch.addcmul(base, count, log_beta(alpha, beta), value=-1)
        return plus_product(plus_product(log_p, alpha, log_total), beta, log_rest_total)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        base, _, log_x, log_rest = self.row_statistics(x)
        return base, log_x, log_rest

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        alpha, beta = (positive(a) for a in arguments)
        return -log_beta(alpha, beta), alpha, beta

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """Two gamma draws and their share, on the log scale: with both shapes small the draws themselves underflow."""
        alpha, beta = broadcast(*arguments)
        odds = log_gamma_draw(generator, alpha) - log_gamma_draw(generator, beta)
        finfo = torch.finfo(odds.dtype)
        return odds.sigmoid().clamp_(finfo.tiny, 1 - finfo.eps / 2)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, beta = arguments
        x = x.clamp(0, 1)
        return log_betainc(alpha, beta, x, 1 - x)

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        alpha, beta = arguments
        x = x.clamp(0, 1)
        return log_betainc(beta, alpha, 1 - x, x)


def log_gamma_draw(generator: torch.Generator, alpha: torch.Tensor) -> torch.Tensor:
    """log of a draw of gamma(alpha, 1): with G of shape alpha + 1 and U uniform, G U^(1/alpha) has shape alpha."""
    boost = torch.empty_like(alpha).exponential_(generator=generator) / alpha
    return torch._standard_gamma(alpha + 1, generator=generator).log_() - boost
