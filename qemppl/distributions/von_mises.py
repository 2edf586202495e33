"""The von Mises law."""

from __future__ import annotations

import math

from qemppl.distributions.base import Argument, Grouping, Law
from qemppl.numerics.circle import log_i0e, versine
from qemppl.numerics.elementwise import broadcast, log_indicator, plus, times
from qemppl.numerics.lazy import torch
from qemppl.numerics.rejection import draw_by_rejection
from qemppl.numerics.supports import NON_NEGATIVE, REAL


class VonMises(Law):
    """von_mises(mu, kappa), the normal law of the circle: log p = kappa cos(x - mu) - log(2 pi I_0(kappa)); uniform for kappa = 0.

    As in Stan the density has period 2 pi on the whole line and integrates to 1 over any interval of that length: a latent needs
    bounds 2 pi apart. Draws lie within pi of mu.
    """

    name = "von_mises"
    arguments = (Argument("mu", REAL), Argument("kappa", NON_NEGATIVE))
    support = REAL
    period = math.tau
    entangled = True

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        inside = x.isfinite()
        direction = torch.where(inside, x, 0.0)
        one, spread = torch.ones_like(x), torch.zeros_like(x)
        return self.log_prob_summary((log_indicator(inside, x), one, direction, spread), *arguments)

    def statistics(self, x: torch.Tensor, *data: torch.Tensor) -> tuple[torch.Tensor, ...]:
        inside = x.isfinite()
        x = torch.where(inside, x, 0.0)
        return log_indicator(inside, x), x.cos(), x.sin()

    def natural_parameters(self, *arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
        mu, kappa = arguments
        log_scale = log_i0e(kappa) + kappa + math.log(2 * math.pi)
        return -log_scale, kappa * mu.cos(), kappa * mu.sin()

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        mu, kappa = broadcast(*arguments)
        return mu + draw_by_rejection(lambda kappa: _propose(generator, kappa), kappa)

    def summarise(self, x: torch.Tensor, data: tuple[torch.Tensor, ...], groups: Grouping) -> tuple[torch.Tensor, ...]:
        """By group: 0 or -inf, the count, the mean direction m, and the sum of 1 - cos(x - m), which keeps its digits for close x."""
        inside = x.isfinite()
        x = torch.where(inside, x, 0.0)
        direction = torch.atan2(groups.sum(x.sin()), groups.sum(x.cos()))
        spread = groups.sum(versine(x - groups.spread(direction)))
        return groups.sum(log_indicator(inside, x)), groups.sum(torch.ones_like(x)), direction, spread

    def log_prob_summary(self, statistics: tuple[torch.Tensor, ...], *arguments: torch.Tensor) -> torch.Tensor:
        """Of n rows with mean direction m and spread s = sum of 1 - cos(x - m), the sum of cos(x - mu) is (n - s) cos(m - mu)."""
        base, count, direction, spread = statistics
        mu, kappa = arguments
        fall = plus(times(versine(direction - mu), count - spread), spread)
        log_scale = log_i0e(kappa) + math.log(2 * math.pi)
        return plus(times(fall, -kappa) - count * log_scale, base)


def _propose(generator: torch.Generator, kappa: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Angles of a wrapped Cauchy law and whether each is refused (Best and Fisher 1979); at most 35 in 100 are.

    The envelope is proportional to 1 / (v + 1/m), v = 1 - cos(angle), with the best m: in these terms nothing cancels for small or
    large kappa.
    """
    ratio = 2 * kappa / (1 + torch.hypot(2 * kappa, torch.ones_like(kappa)))
    m = kappa * (1 + ratio)
    u = torch.rand(kappa.shape, generator=generator, dtype=kappa.dtype, device=kappa.device)
    angle = 2 * torch.atan((1 + 2 * m).rsqrt() * torch.tan(math.pi * (u - 0.5)))
    height = kappa * versine(angle) + 1 / (1 + ratio)
    noise = torch.empty_like(kappa).exponential_(generator=generator)
    return angle, height.log() + 1 - height < -noise
