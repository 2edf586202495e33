"""What a posterior family is, and what an exponential one is: a few primitives by family, the rest derived once.

q(x) = exp(<eta, T(x)> - A(eta)) h(x): natural parameter eta, sufficient statistic T, log-normaliser A, base measure h.

Three sets of coordinates name a member of a family:
  standard   what a person would write: (loc, scale), (shape, rate); particles are drawn and densities computed from it
  natural    eta. Every h is the invariant measure of its support (dx, dx/x, dx/(x(1-x))), so eta / c^2 widens q by about c
             around an unchanged centre
  mean       what QEM averages: E_q[T], in centred form where raw second moments would cancel (mean and covariance for normals)

QEM needs standard and mean coordinates only, so a family of laws that moments determine need not be exponential.

Axes: `member` (plate member; a batch), `particle`, `coordinate` (of one value; 1 for a univariate family), and last `parameter`,
`statistic`. A parameter set is one tensor (member, parameter).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import Support


class Family(ABC):
    """Laws of values of `dimension` coordinates, each in `support`, that the expectations of statistics T determine.

    name: as written after `approx`. A value is a latent, or its image in a chart: of reals on REAL, POSITIVE, UNIT or CIRCLE; whole numbers
    are counted from 0.
    """

    name: ClassVar[str]
    support: ClassVar[Support]
    dimension: int = 1

    @abstractmethod
    def sufficient_statistics(self, x: torch.Tensor) -> torch.Tensor:
        """T(x): (..., coordinate) -> (..., statistic)."""

    # Between coordinates.

    @abstractmethod
    def standard_to_mean(self, standard: torch.Tensor) -> torch.Tensor:
        """(member, parameter) -> (member, statistic)."""

    @abstractmethod
    def mean_to_standard(self, mean: torch.Tensor) -> torch.Tensor:
        """(member, statistic) -> (member, parameter): the moment match, for every mean inside the open mean domain."""

    @abstractmethod
    def project_mean(self, mean: torch.Tensor) -> torch.Tensor:
        """The mean itself where it lies safely inside the open mean domain, else a point near it that does.

        A weighted moment can land on the edge of the domain (zero variance, all weight on one particle).
        """

    @abstractmethod
    def widen(self, standard: torch.Tensor, factor: float) -> torch.Tensor:
        """A member of the family with about `factor` times the width."""

    # Particles.

    @abstractmethod
    def quantile(self, standard: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        """Particles from uniforms. u: (member, particle, coordinate) in (0, 1) -> x of the same axes, inside the open support.

        Monotone in u by coordinate (univariate: the inverse cdf; on a circle, once round it), so stratified or quasi-random u give
        low-variance particles.
        """

    @abstractmethod
    def log_prob(self, standard: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """log q(x): standard (member, parameter), x (member, particle, coordinate) -> (member, particle)."""

    def log_probs(self, standard: torch.Tensor, x: torch.Tensor, factors: Sequence[float]) -> list[torch.Tensor]:
        """`log_prob` of the law widened by each factor."""
        return [self.log_prob(standard if f == 1 else self.widen(standard, f), x) for f in factors]

    # For gradients.

    def to_free(self, standard: torch.Tensor) -> torch.Tensor:
        """Coordinates without bounds, (member, coordinate): by default logs of the standard parameters."""
        return standard.log()

    def from_free(self, free: torch.Tensor) -> torch.Tensor:
        """Standard parameters; differentiable."""
        return free.exp()

    def reparameterised(self, standard: torch.Tensor, particles: int, generator: torch.Generator) -> torch.Tensor:
        """Independent particles (member, particle, coordinate), differentiable in the standard parameters."""
        shape = (len(standard), particles, self.dimension)
        least = torch.finfo(standard.dtype).eps / 2
        u = torch.rand(shape, generator=generator, dtype=standard.dtype, device=standard.device)
        return self.quantile(standard, u.clamp_(least, 1 - least))

    # Derived; a family overrides these only to avoid cancellation, or to say what a coordinate is.

    def moments(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Mean coordinates of weighted particles. x (member, particle, coordinate), weight (member, particle) -> (member, statistic)."""
        return (weight[:, :, None] * self.sufficient_statistics(x)).sum(1)

    def blend(self, mean: torch.Tensor, other: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        """Mean coordinates of the mixture (1 - step) q + step q'. step: a number or (member, 1)."""
        return mean + step * (other - mean)

    def reorder(self, mean: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
        """Mean coordinates after the coordinates of x have been put into another order. order: (coordinate,), where each comes from."""
        return mean.reshape(*mean.shape[:-1], -1, self.dimension)[..., order].flatten(-2)

    def expected_statistics(self, mean: torch.Tensor) -> torch.Tensor:
        """E_q[T] from the mean coordinates (the identity unless these are centred)."""
        return mean


class ExponentialFamily(Family):
    """A family with natural parameters."""

    @abstractmethod
    def log_base_measure(self, x: torch.Tensor) -> torch.Tensor:
        """log h(x): (..., coordinate) -> (...)."""

    @abstractmethod
    def log_normalizer(self, natural: torch.Tensor) -> torch.Tensor:
        """A(eta): (member, statistic) -> (member,)."""

    @abstractmethod
    def standard_to_natural(self, standard: torch.Tensor) -> torch.Tensor:
        """(member, parameter) -> (member, statistic)."""

    @abstractmethod
    def natural_to_standard(self, natural: torch.Tensor) -> torch.Tensor:
        """(member, statistic) -> (member, parameter)."""

    # Derived; a family overrides these only to avoid cancellation.

    def log_prob(self, standard: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        natural = self.standard_to_natural(standard)
        linear = (natural[:, None, :] * self.sufficient_statistics(x)).sum(-1)
        return linear - self.log_normalizer(natural)[:, None] + self.log_base_measure(x)

    def widen(self, standard: torch.Tensor, factor: float) -> torch.Tensor:
        """The member with natural parameter eta / factor^2."""
        return self.natural_to_standard(self.standard_to_natural(standard) / factor**2)

    def kl(self, standard: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """KL(q || q'), in nats: the Bregman divergence of A (Wainwright and Jordan 2008, section 5). (member,)."""
        mean = self.expected_statistics(self.standard_to_mean(standard))
        p, q = self.standard_to_natural(standard), self.standard_to_natural(other)
        return ((p - q) * mean).sum(-1) - self.log_normalizer(p) + self.log_normalizer(q)
