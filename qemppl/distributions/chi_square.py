"""The chi-square law."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.gamma import Gamma
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import POSITIVE

_GAMMA = Gamma()


class ChiSquare(SummableLaw):
    """chi_square(nu): gamma(nu / 2, 1/2), the sum of nu squares of standard normals."""

    name = "chi_square"
    arguments = (Argument("nu", POSITIVE),)
    support = POSITIVE

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return _GAMMA.row_statistics(x)

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        return _GAMMA.log_prob_summary(statistics, *_shape_and_rate(*arguments))

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return _GAMMA.statistics(x)

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return _GAMMA.natural_parameters(*_shape_and_rate(*arguments))

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        return _GAMMA.sample(generator, *_shape_and_rate(*arguments))

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        return _GAMMA.log_cdf(x, *_shape_and_rate(*arguments))

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        return _GAMMA.log_survival(x, *_shape_and_rate(*arguments))


def _shape_and_rate(nu: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return 0.5 * nu, torch.full_like(nu, 0.5)
