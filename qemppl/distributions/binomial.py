"""The binomial law."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import broadcast, plus
from qemppl.numerics.incomplete_beta import log_betainc
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log_choose, xlog1py
from qemppl.numerics.supports import COUNT, UNIT


class Binomial(SummableLaw):
    """binomial(n, theta): log p = log choose(n, x) + x log theta + (n - x) log(1 - theta)."""

    name = "binomial"
    arguments = (Argument("n", COUNT), Argument("theta", UNIT))
    support = COUNT
    data_arguments = ("n",)
    most = "n"
    entangled = True

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (n,) = data
        inside = (x >= 0) & (x <= n)
        return log_choose(n, x), torch.where(inside, x, 0.0), torch.where(inside, n - x, 0.0)

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, successes, failures = statistics
        (theta,) = arguments
        return plus(torch.xlogy(successes, theta).add_(xlog1py(failures, -theta)), base)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.row_statistics(x, *data)

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (theta,) = arguments
        return torch.zeros_like(theta), theta.log(), (-theta).log1p()

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        n, theta = broadcast(*arguments)
        return torch.binomial(n.contiguous(), theta.contiguous(), generator=generator)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        """By the beta law of the order statistics: x or fewer of n uniforms lie below theta."""
        n, theta = arguments
        k = torch.minimum(x.clamp_min(0), n - 1).clamp_min(0).floor()
        log_sum = log_betainc((n - k).clamp_min(1), k + 1, 1 - theta, theta)
        return torch.where(x < 0, -torch.inf, torch.where(x >= n, 0.0, log_sum))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        n, theta = arguments
        k = torch.minimum(x.clamp_min(0), n - 1).clamp_min(0).floor()
        log_sum = log_betainc(k + 1, (n - k).clamp_min(1), theta, 1 - theta)
        return torch.where(x < 0, 0.0, torch.where(x >= n, -torch.inf, log_sum))
