"""Pareto-smoothed importance sampling: the shape k-hat of the tail of importance weights, and weights with a smoothed tail.

Vehtari, Simpson, Gelman, Yao and Gabry 2024, "Pareto smoothed importance sampling" (JMLR 25), with the fit of Zhang and Stephens
2009, "A new and efficient estimation method for the generalized Pareto distribution". Leading axes are a batch.
"""

from __future__ import annotations

import math

from qemppl.numerics.lazy import torch

_FEWEST = 5  # a fit to a shorter tail says nothing
_BLOCK = 2**22  # elements of the largest temporary


def tail_size(count: int) -> int:
    """How many of `count` weights make up the tail: min(0.2 S, 3 sqrt S), rounded up."""
    return math.ceil(min(0.2 * count, 3 * math.sqrt(count)))


def threshold(count: int) -> float:
    """The largest k-hat at which a mean over `count` weights is reliable: min(1 - 1 / log10 S, 0.7)."""
    return min(1 - 1 / math.log10(count), 0.7) if count > 1 else -math.inf


def khat(log_weights: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """Shape of the tail of the weights along an axis: NaN where it is shorter than 5, 0 where it has no spread."""
    return khat_from_tail(log_weights.movedim(dim, -1), log_weights.shape[dim])


def khat_from_tail(largest: torch.Tensor, count: int) -> torch.Tensor:
    """`khat` of `count` log weights of which only the largest are at hand: at least `tail_size(count)` + 1, in any order."""
    size = tail_size(count)
    if size < _FEWEST:
        return torch.full(largest.shape[:-1], torch.nan, dtype=largest.dtype, device=largest.device)
    exceedance, _ = _exceedances(largest.topk(size + 1, -1).values)
    return _fit(exceedance)[0]


def shape_of_largest(log_share: torch.Tensor, count: int) -> torch.Tensor:
    """The tail shape at which the largest of `count` weights would be expected to be as large as it is: 1 + log share / log S.

    log_share: log of the largest weight's part of the sum. Of S weights with a tail of shape k < 1 the largest is of order S^k, the
    sum of order S. A fit to weights that are nearly equal but for a few harmless ones finds a large shape; this one does not.
    """
    return 1 + log_share / math.log(count)


def smooth(log_weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log weights whose tail is replaced by the expected order statistics of the fitted law, none above the largest; and k-hat.

    log_weights: (..., sample). Not normalised: all on their old scale. Unchanged where there is no fit.
    """
    size = tail_size(log_weights.shape[-1])
    if size < _FEWEST:
        return log_weights, khat(log_weights)
    tail, position = log_weights.topk(size + 1, -1)
    exceedance, cutoff = _exceedances(tail)
    shape, scale = _fit(exceedance)
    count = (exceedance > 0).sum(-1, keepdim=True)
    rank = torch.arange(size, dtype=tail.dtype, device=tail.device)
    p = (count - rank - 0.5) / count.clamp_min(1)  # descending, as the tail is
    quantile = _pareto_quantile(p.clamp_min(0), shape[..., None], scale[..., None])
    largest = tail[..., :1]
    smoothed = ((quantile + cutoff).log() + largest).minimum(largest)
    smoothed = torch.where((p > 0) & shape.isfinite()[..., None], smoothed, tail[..., :-1])
    return log_weights.scatter(-1, position[..., :-1], smoothed), shape


def _exceedances(tail: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights of the tail less the cutoff, ascending, and the cutoff, in units of the largest. tail: descending, the cutoff last."""
    largest = tail[..., :1]
    weight = (tail - torch.where(largest.isfinite(), largest, 0.0)).exp()
    cutoff = weight[..., -1:].clamp_min(torch.finfo(tail.dtype).tiny)
    return (weight[..., :-1] - cutoff).clamp_min(0).flip(-1), cutoff


def _fit(exceedance: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Shape and scale of the generalised Pareto law of the positive ones of ascending exceedances (..., n).

    Where they are fewer than 5, few weights stand for all: shape inf. Where there is none, the tail has no spread: shape 0, scale 0.
    """
    n = exceedance.shape[-1]
    flat = exceedance.reshape(-1, n)
    per_block = max(1, _BLOCK // (n * (30 + math.isqrt(n))))
    parts = [_fit_block(block) for block in torch.split(flat, per_block)]
    shape, scale = (torch.cat(part).reshape(exceedance.shape[:-1]) for part in zip(*parts, strict=True))
    return shape, scale


def _fit_block(exceedance: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Posterior mean of theta = -shape / scale over a grid, then the shape given theta, drawn to 1/2 as by 10 observations."""
    size = exceedance.shape[-1]
    positive = (exceedance > 0).sum(-1, keepdim=True)
    n = positive.clamp_min(1).to(exceedance.dtype)
    largest = exceedance[:, -1:]
    unit = exceedance / torch.where(largest > 0, largest, 1.0)
    # ties with the cutoff lead the ascending order as zeros; they add nothing to the sums below
    first_quarter = size - positive + (n / 4 + 0.5).to(torch.int64) - 1
    quartile = unit.gather(-1, first_quarter.clamp(0, size - 1)).clamp_min(torch.finfo(unit.dtype).tiny)
    grid = 30 + n.sqrt().floor()
    j = torch.arange(1, 31 + math.isqrt(size), dtype=unit.dtype, device=unit.device)
    theta = 1 + (1 - (grid / (j - 0.5)).sqrt()) / (3 * quartile)
    shape = torch.log1p(-theta[:, :, None] * unit[:, None, :]).sum(-1) / n
    profile = n * ((-theta / shape).log() - shape - 1)
    best = (profile.masked_fill(j > grid, -torch.inf).softmax(-1) * theta).sum(-1, keepdim=True)
    shape = torch.log1p(-best * unit).sum(-1, keepdim=True) / n
    scale = -shape / best * largest
    shape = (n * shape + 5) / (n + 10)
    shape = torch.where(positive < _FEWEST, torch.inf, shape)
    shape, scale = (torch.where(positive > 0, p, 0.0)[:, 0] for p in (shape, scale))
    return shape, scale


def _pareto_quantile(p: torch.Tensor, shape: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """scale ((1 - p)^-shape - 1) / shape, with its limit at shape 0."""
    exponential = -torch.log1p(-p)
    straight = shape.abs() < torch.finfo(p.dtype).eps
    safe = torch.where(straight, 1.0, shape)
    return scale * torch.where(straight, exponential, torch.expm1(safe * exponential) / safe)
