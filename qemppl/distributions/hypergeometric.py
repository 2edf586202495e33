"""The hypergeometric law."""

from __future__ import annotations

import math

from qemppl.distributions.base import Argument
from qemppl.distributions.rows import SummableLaw
from qemppl.numerics.binomial import log_binomial
from qemppl.numerics.elementwise import log_indicator
from qemppl.numerics.lazy import torch
from qemppl.numerics.rejection import draw_by_rejection
from qemppl.numerics.supports import COUNT

_HAT_SLOPE, _HAT_SHIFT = math.sqrt(8 / math.e), 3 - math.sqrt(12 / math.e)


class Hypergeometric(SummableLaw):
    """hypergeometric(N, a, b), white ones among N draws without replacement from a white and b black ones:

    log p = log choose(a, x) + log choose(b, N - x) - log choose(a + b, N).
    """

    name = "hypergeometric"
    arguments = (Argument("N", COUNT), Argument("a", COUNT), Argument("b", COUNT))
    support = COUNT
    data_arguments = ("N", "a", "b")
    most = "N"

    def row_statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (_log_prob(x, *data),)

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        return statistics[0]

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        return draw_by_rejection(lambda *columns: _propose(generator, *columns), *arguments)


def _log_prob(x: torch.Tensor, draws: torch.Tensor, white: torch.Tensor, black: torch.Tensor) -> torch.Tensor:
    """By three binomial probabilities, at any chance of success: at the share of the draws nothing large cancels."""
    least, most = (draws - black).clamp_min(0), torch.minimum(draws, white)
    inside = (x >= least) & (x <= most) & (x == x.floor())
    x = torch.where(inside, x, least)
    total = white + black
    p, q = draws / total.clamp_min(1), (total - draws) / total.clamp_min(1)
    whites, blacks = log_binomial(x, white, p, q), log_binomial(draws - x, black, p, q)
    return whites + blacks - log_binomial(draws, total, p, q) + log_indicator(inside, x)


def _propose(
    generator: torch.Generator, draws: torch.Tensor, white: torch.Tensor, black: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """A ratio of uniforms and whether it is refused (Stadlober 1990, "The ratio of uniforms approach for generating discrete
    random variates"); at most four in five are.
    """
    total = white + black
    mean = draws * (white / total.clamp_min(1))
    variance = mean * (black / total.clamp_min(1)) * ((total - draws) / (total - 1).clamp_min(1))
    width = _HAT_SLOPE * (variance + 0.5).sqrt() + _HAT_SHIFT
    mode = ((draws + 1) * ((white + 1) / (total + 2))).floor()
    u = 1 - torch.rand(mean.shape, generator=generator, dtype=mean.dtype, device=mean.device)
    v = torch.rand(mean.shape, generator=generator, dtype=mean.dtype, device=mean.device)
    x = (mean + 0.5 + width * (v - 0.5) / u).floor()
    columns = draws, white, black
    return x, 2 * u.log() > _log_prob(x, *columns) - _log_prob(mode, *columns)
