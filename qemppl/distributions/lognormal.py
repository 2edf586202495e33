"""The lognormal law."""

from __future__ import annotations

from qemppl.distributions.base import Argument, Grouping, Law
from qemppl.distributions.normal import Normal
from qemppl.numerics.elementwise import log_indicator, plus
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import POSITIVE, REAL

_LOG = Normal()


class LogNormal(Law):
    """lognormal(mu, sigma): log x ~ normal(mu, sigma), so log p = log normal(log x | mu, sigma) - log x."""

    name = "lognormal"
    arguments = (Argument("mu", REAL), Argument("sigma", POSITIVE))
    support = POSITIVE
    heavy_right_tail = True

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        y, base = _log_and_base(x)
        return plus(_LOG.log_prob(y, *arguments), base)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """|log x| is at most 710: the terms cancel only where sigma is tiny beside it."""
        y, base = _log_and_base(x)
        return base, y, y.square()

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return _LOG.natural_parameters(*arguments)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        return _LOG.sample(generator, *arguments).exp_()

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        return _LOG.log_cdf(x.clamp_min(0).log(), *arguments)

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        return _LOG.log_survival(x.clamp_min(0).log(), *arguments)

    def summarise(self, x: torch.Tensor, data: tuple[torch.Tensor, ...], groups: Grouping) -> tuple[torch.Tensor, ...]:
        """Sum of the terms free of the arguments, then the statistics of log x under a normal law."""
        y, base = _log_and_base(x)
        return groups.sum(base), *_LOG.summarise(y, data, groups)

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        base, *rest = statistics
        return plus(_LOG.log_prob_summary(tuple(rest), *arguments), base)


def _log_and_base(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """log x, and log(dy/dx) = -log x; where x is not positive 0 and -inf."""
    inside = x > 0
    y = torch.where(inside, x, 1.0).log()
    return y, log_indicator(inside, x) - y
