"""How replicates are weighed: by their evidence, where its spread allows that.

E[Zhat] and E[Zhat mhat] are exact for every K, so sum Zhat_r mhat_r / sum Zhat_r is consistent (engine: pooled replicates). Three rules:

  BY_EVIDENCE  weights Zhat_r, Pareto-smoothed (Vehtari et al. 2024), where k-hat says that their spread allows it.
  BY_TILT      log Zhat is a sum over the members of a plate, and where there are very many of them its noise adds up until a few
               replicates have all the weight, although the moments of every replicate are good: the noise is nearly the same at all
               its particles. But the sum is then as good as normal, and tilting a normal law by exp(log Zhat) shifts the mean of mhat
               by its covariance with log Zhat: mean of mhat + cov(mhat, log Zhat), which are the weights (1 + log Zhat_r - their
               mean) / R. In the same way log E[Zhat] is mean + variance / 2 of log Zhat.
  EQUAL        neither: equal weights, and the report says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from math import log, nan, sqrt

from qemppl.numerics.lazy import torch
from qemppl.numerics.pareto import shape_of_largest, smooth, threshold

VERY_MANY = 1000
"""Members of a plate from which on the noise of log Zhat may be taken as normal, if it looks it."""
WIDEST_TILT = 4.0
"""The largest sd of log Zhat (nats) that a tilt may bridge: the law is used that many sd from its mean."""
SUSPICIOUS = 4.0
"""Standard errors that the skewness and the excess kurtosis of log Zhat may be away from 0."""


class Rule(Enum):
    """Of weighing replicates."""

    BY_EVIDENCE = auto()
    BY_TILT = auto()
    EQUAL = auto()


@dataclass(frozen=True)
class Pooling:
    """weights: (replicate,), sum to 1; those of a tilt may be negative. khat: of the weights Zhat_r."""

    rule: Rule
    weights: torch.Tensor
    khat: float

    @property
    def for_draws(self) -> torch.Tensor:
        """Weights to draw replicates by, none negative: those of a tilt are equal, for a tilt moves means by a fraction of an sd."""
        return self.weights if self.rule is not Rule.BY_TILT else torch.full_like(self.weights, 1 / len(self.weights))


def pool(log_z: torch.Tensor, members: int) -> Pooling:
    """The weights of replicates. log_z: (replicate,). members: of the largest plate."""
    count = len(log_z)
    if count == 1:
        return Pooling(Rule.BY_EVIDENCE, torch.ones_like(log_z), nan)
    smoothed, khat = smooth(log_z)
    # where log Zhat differs in rounding only, there is no tail to fit
    shape = float(torch.fmin(khat, shape_of_largest(log_z.log_softmax(0).max(), count)))
    if shape <= threshold(count):
        return Pooling(Rule.BY_EVIDENCE, smoothed.softmax(0), shape)
    if members >= VERY_MANY and log_z.std() <= WIDEST_TILT and _looks_normal(log_z):
        centred = (log_z - log_z.mean()) * count / (count - 1)
        return Pooling(Rule.BY_TILT, (1 + centred) / count, shape)
    return Pooling(Rule.EQUAL, torch.full_like(log_z, 1 / count), shape)


def log_mean(log_z: torch.Tensor, rule: Rule) -> tuple[float, float | None]:
    """log of the mean of Zhat over replicates, and its Monte Carlo standard error (delta method).

    The error is None where replicates cannot be weighed: their spread then says nothing of what they missed.
    """
    count = len(log_z)
    if count == 1:
        return log_z.item(), None
    if rule is Rule.BY_TILT:
        variance = float(log_z.var())
        return float(log_z.mean()) + variance / 2, sqrt(variance / count + variance**2 / (2 * (count - 1)))
    relative = (log_z - log_z.max()).exp()
    error = float(relative.std() / relative.mean() / sqrt(count))
    return float(log_z.logsumexp(0)) - log(count), error if rule is Rule.BY_EVIDENCE else None


def _looks_normal(values: torch.Tensor) -> bool:
    """Whether skewness and excess kurtosis are within SUSPICIOUS standard errors of those of a normal sample."""
    z = (values - values.mean()) / values.std(correction=0)
    skewness, kurtosis = float(z.pow(3).mean()), float(z.pow(4).mean()) - 3
    count = len(values)
    return abs(skewness) <= SUSPICIOUS * sqrt(6 / count) and abs(kurtosis) <= SUSPICIOUS * sqrt(24 / count)
