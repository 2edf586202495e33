"""The skew normal law."""

from __future__ import annotations

import math

from qemppl.distributions.base import Argument, Law
from qemppl.numerics.elementwise import broadcast, plus, positive, times
from qemppl.numerics.lazy import torch
from qemppl.numerics.skew_normal import log_skew_normal_cdf
from qemppl.numerics.special import log_ndtr
from qemppl.numerics.supports import POSITIVE, REAL

HALF_LOG_2_OVER_PI = 0.5 * math.log(2 / math.pi)


class SkewNormal(Law):
    """skew_normal(xi, omega, alpha): log p = log(2 phi(z) Phi(alpha z) / omega), z = (x - xi) / omega; normal for alpha = 0."""

    name = "skew_normal"
    arguments = (Argument("xi", REAL), Argument("omega", POSITIVE), Argument("alpha", REAL))
    support = REAL

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        xi, omega, alpha = arguments
        omega = positive(omega)
        largest = torch.finfo(x.dtype).max
        z = times(x - xi, 1 / omega).clamp(-largest, largest)  # finite, so that alpha z is 0 for alpha = 0
        log_p = plus(-0.5 * z.square(), log_ndtr(alpha * z))
        return plus(log_p, HALF_LOG_2_OVER_PI - omega.log())

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        """(alpha |u| + v) / sqrt(1 + alpha^2) for two standard normal draws (Azzalini 1985, "A class of distributions ...")."""
        xi, omega, alpha = broadcast(*arguments)
        u = torch.randn(xi.shape, generator=generator, dtype=xi.dtype, device=xi.device)
        v = torch.randn(xi.shape, generator=generator, dtype=xi.dtype, device=xi.device)
        length = torch.hypot(alpha, torch.ones_like(alpha))
        return torch.addcmul(xi, omega, (alpha / length) * u.abs_() + v / length)

    def log_cdf(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        xi, omega, alpha = arguments
        return log_skew_normal_cdf((x - xi) / positive(omega), alpha)

    def log_survival(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        xi, omega, alpha = arguments
        return log_skew_normal_cdf((xi - x) / positive(omega), -alpha)
