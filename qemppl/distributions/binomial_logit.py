"""The binomial law by log odds."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import broadcast, plus_product
from qemppl.numerics.incomplete_beta import log_betainc_of_logit
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log_choose, softplus
from qemppl.numerics.supports import COUNT, REAL


class BinomialLogit(SummableLaw):
    """binomial_logit(n, alpha): log p = log choose(n, x) + x alpha - n log(1 + exp alpha)."""

    name = "binomial_logit"
    arguments = (Argument("n", COUNT), Argument("alpha", REAL))
    support = COUNT
    data_arguments = ("n",)
    most = "n"

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (n,) = data
        return log_choose(n, x), x, n

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, successes, trials = statistics
        (alpha,) = arguments
        return plus_product(torch.addcmul(base, successes, alpha), trials, softplus(alpha), sign=-1)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.row_statistics(x, *data)

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (alpha,) = arguments
        return torch.zeros_like(alpha), alpha, -softplus(alpha)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        n, alpha = broadcast(*arguments)
        return torch.binomial(n.contiguous(), alpha.sigmoid(), generator=generator)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        """As for `binomial`, whose successes are failures at the opposite log odds."""
        n, alpha = arguments
        return self.log_survival(n - x.floor() - 1, n, -alpha)

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        n, alpha = arguments
        k = torch.minimum(x.clamp_min(0), n - 1).clamp_min(0).floor()
        log_sum = log_betainc_of_logit(k + 1, (n - k).clamp_min(1), alpha)
        return torch.where(x < 0, 0.0, torch.where(x >= n, -torch.inf, log_sum))
