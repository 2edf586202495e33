"""The beta law by its mean and precision."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.beta import Beta
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.elementwise import positive
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import POSITIVE, UNIT

_BETA = Beta()


class BetaProportion(SummableLaw):
    """beta_proportion(mu, kappa): beta(mu kappa, (1 - mu) kappa); mean mu, variance mu (1 - mu) / (1 + kappa)."""

    name = "beta_proportion"
    arguments = (Argument("mu", UNIT), Argument("kappa", POSITIVE))
    support = UNIT

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return _BETA.row_statistics(x)

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        return _BETA.log_prob_summary(statistics, *_shapes(*arguments))

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return _BETA.statistics(x)

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return _BETA.natural_parameters(*_shapes(*arguments))

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        return _BETA.sample(generator, *_shapes(*arguments))

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        return _BETA.log_cdf(x, *_shapes(*arguments))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        return _BETA.log_survival(x, *_shapes(*arguments))


def _shapes(mu: torch.Tensor, kappa: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return positive(mu * kappa), positive((1 - mu) * kappa)
