"""The beta-binomial law."""

from __future__ import annotations

from qemppl.distributions.base import Argument, Law
from qemppl.distributions.beta import Beta
from qemppl.numerics.elementwise import broadcast, plus, positive
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log_choose, log_rising_over_power, softplus
from qemppl.numerics.supports import COUNT, POSITIVE

_BETA = Beta()


class BetaBinomial(Law):
    """beta_binomial(n, alpha, beta), a binomial law whose probability is a beta draw:

    log p = log choose(n, x) + log B(x + alpha, n - x + beta) - log B(alpha, beta).
    """

    name = "beta_binomial"
    arguments = (Argument("n", COUNT), Argument("alpha", POSITIVE), Argument("beta", POSITIVE))
    support = COUNT
    data_arguments = ("n",)
    most = "n"

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        n, alpha, beta = arguments[0], positive(arguments[1]), positive(arguments[2])
        base = log_choose(n, x)
        x = torch.minimum(x.clamp_min(0), n)
        # Each Gamma(a + k) / (Gamma(a) a^k) tends to 1 for a large a, where its parts would cancel; what is left is binomial.
        log_odds = alpha.log() - beta.log()
        rising = log_rising_over_power(alpha, x) + log_rising_over_power(beta, n - x)
        chance = x * softplus(-log_odds) + (n - x) * softplus(log_odds)
        return plus(rising.sub(chance).sub(log_rising_over_power(alpha + beta, n)), base)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        n, alpha, beta = broadcast(*arguments)
        return torch.binomial(n.contiguous(), _BETA.sample(generator, alpha, beta), generator=generator)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        n, alpha, beta = arguments[0], positive(arguments[1]), positive(arguments[2])
        x = x.floor()
        k = torch.minimum(x.clamp_min(0), n)
        log_sum = self.log_prob(k, n, alpha, beta) + _log_relative_cdf(k, n, alpha, beta)
        return torch.where(x < 0, -torch.inf, torch.where(x >= n, 0.0, log_sum.clamp_max(0)))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        n, alpha, beta = arguments
        return self.log_cdf(n - x.floor() - 1, n, beta, alpha)  # that many failures at most


def _log_relative_cdf(x: torch.Tensor, n: torch.Tensor, alpha: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
    """log(P(X <= x) / P(X = x)) for counts 0 <= x <= n, one step for each value up to the largest x.

    With r_k = P(X = k - 1) / P(X = k) the ratios c_k = P(X <= k) / P(X = k) satisfy c_k = 1 + r_k c_(k-1): all terms positive.
    """
    x, n, alpha, beta = broadcast(x, n, alpha, beta)
    ratio = torch.ones_like(x)
    for k in range(1, int(x.amax()) + 1 if x.numel() else 0):
        step = k * (n - k + beta) / ((n - k + 1) * (alpha + (k - 1)))
        ratio = torch.where(x >= k, 1 + step * ratio, ratio)
    return ratio.log()
