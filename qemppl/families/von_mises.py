"""The von Mises family."""

from __future__ import annotations

import math

from qemppl.families.base import ExponentialFamily
from qemppl.numerics.circle import circular_variance, concentration, log_i0e, versine, von_mises_quantile, wrapped
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import CIRCLE

LOG_2PI = math.log(2 * math.pi)


class VonMises(ExponentialFamily):
    """Independent von Mises coordinates. standard: (mu, kappa); T = (cos x, sin x), h = 1, eta = kappa (cos mu, sin mu);
    mean coordinates: (mu, V) with E T = (1 - V) (cos mu, sin mu), where a point near the edge of the disk keeps its digits.

    Each of the two blocks of a parameter set has `dimension` entries. The circle is cut opposite the mode: from there a particle goes
    round as its uniform rises, and at pi it comes in again at -pi.
    """

    name = "von_mises"
    support = CIRCLE

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension

    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((x.cos(), x.sin()), -1)

    def log_base_measure(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x[..., 0])

    def log_normalizer(self, natural: torch.Tensor) -> torch.Tensor:
        kappa = torch.hypot(*natural.chunk(2, -1))
        return (LOG_2PI + kappa + log_i0e(kappa)).sum(-1)

    def standard_to_natural(self, standard: torch.Tensor) -> torch.Tensor:
        mu, kappa = standard.chunk(2, -1)
        return torch.cat((kappa * mu.cos(), kappa * mu.sin()), -1)

    def natural_to_standard(self, natural: torch.Tensor) -> torch.Tensor:
        east, north = natural.chunk(2, -1)
        return torch.cat((torch.atan2(north, east), torch.hypot(east, north)), -1)

    def standard_to_mean(self, standard: torch.Tensor) -> torch.Tensor:
        mu, kappa = standard.chunk(2, -1)
        return torch.cat((wrapped(mu), circular_variance(kappa)), -1)

    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        mu, variance = mean.chunk(2, -1)
        return torch.cat((mu, concentration(variance)), -1)

    def expected_statistics(self, mean: torch.Tensor) -> torch.Tensor:
        mu, variance = mean.chunk(2, -1)
        return torch.cat(((1 - variance) * mu.cos(), (1 - variance) * mu.sin()), -1)

    def to_free(self, standard: torch.Tensor) -> torch.Tensor:
        """(mu, log kappa)."""
        mu, kappa = standard.chunk(2, -1)
        return torch.cat((mu, kappa.log()), -1)

    def from_free(self, free: torch.Tensor) -> torch.Tensor:
        mu, log_kappa = free.chunk(2, -1)
        return torch.cat((mu, log_kappa.exp()), -1)

    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        """Raises V to (16 eps pi)^2 / 2, for angles closer together would coincide in rounding."""
        mu, variance = mean.chunk(2, -1)
        return torch.cat((mu, variance.clamp(0.5 * (16 * torch.finfo(mean.dtype).eps * math.pi) ** 2, 1)), -1)

    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        mu, kappa = standard.chunk(2, -1)
        rows = u.mT.reshape(-1, u.shape[1])
        angle = von_mises_quantile(kappa.reshape(-1), rows).reshape(u.mT.shape).mT
        return wrapped(mu[:, None] + angle)

    # In centred form: a concentration of 1e16 keeps its digits.

    def log_prob(self, standard: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        mu, kappa = standard[:, None].chunk(2, -1)
        constant = LOG_2PI + log_i0e(kappa)
        return -(kappa * versine(x - mu) + constant).sum(-1)

    def moments(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        mu = torch.atan2((weight[:, None] @ x.sin())[:, 0], (weight[:, None] @ x.cos())[:, 0])
        variance = (weight[:, None] @ versine(x - mu[:, None]))[:, 0]
        return torch.cat((mu, variance), -1)

    def blend(self, mean: torch.Tensor, other: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """The average of the V plus what the angle between the two centres takes from the resultant."""
        mu, variance = mean.chunk(2, -1)
        to, other_variance = other.chunk(2, -1)
        turn = to - mu
        own, new = (1 - step) * (1 - variance), step * (1 - other_variance)
        centre = mu + torch.atan2(new * turn.sin(), own + new * turn.cos())
        lost = 2 * own * new * versine(turn)  # (own + new)^2 less the square of the resultant
        resultant = ((own + new).square() - lost).clamp_min(0).sqrt()
        fall = lost / (own + new + resultant).clamp_min(torch.finfo(mean.dtype).tiny)
        return torch.cat((wrapped(centre), variance + step * (other_variance - variance) + fall), -1)

    def widen(self, standard: torch.Tensor, factor: float) -> torch.Tensor:
        mu, kappa = standard.chunk(2, -1)
        return torch.cat((mu, kappa / factor**2), -1)

    def kl(self, standard: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """By coordinate log I_0' - log I_0 (scaled) + kappa' V(mu - mu') - kappa V, with V(angle) = E[1 - cos(x - mu + angle)]."""
        mu, kappa = standard.chunk(2, -1)
        other_mu, other_kappa = other.chunk(2, -1)
        variance = circular_variance(kappa)
        fall = variance + (1 - variance) * versine(mu - other_mu)
        logs = log_i0e(other_kappa) - log_i0e(kappa)
        return (logs + other_kappa * fall - kappa * variance).sum(-1)
