"""Differences of the digamma function without cancellation, and the shapes of gamma and Dirichlet laws that solve for them."""

from __future__ import annotations

import math

from qemppl.numerics.lazy import torch

_SHIFT = 16
_GAMMA_STEPS = 3
_DIRICHLET_STEPS = 8
_DIRICHLET_HALVINGS = 14
_LONGEST_STEP = 2.0
_EULER = 0.5772156649015329


def log_minus_digamma(x: torch.Tensor) -> torch.Tensor:
    """log x - digamma(x) for x > 0, between 1 / (2 x) and 1 / x, accurate for a large x."""
    small = x.clamp_max(_SHIFT)
    return torch.where(x < _SHIFT, small.log() - small.digamma(), _series(x.clamp_min(_SHIFT)))


def digamma_rise(x: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """digamma(x + step) - digamma(x) for x, step > 0, accurate for a step of any size.

    The recurrence digamma(x + 1) = digamma(x) + 1/x gives a sum of positive terms, then the series for large x applies.
    """
    rise = torch.zeros_like(x + step)
    for k in range(_SHIFT):
        rise = rise + step / ((x + k) * (x + k + step))
    low = x + _SHIFT
    high = low + step
    first = 0.5 / (low * high)
    second = (low + high) / (12 * low.square() * high.square())
    return rise + step * (first + second) + (step / low).log1p() + (_higher(high) - _higher(low))


def dirichlet_falls(alpha: torch.Tensor) -> torch.Tensor:
    """-E log x[k] of a Dirichlet law: digamma(sum of alpha) - digamma(alpha[k]), accurate for any sizes. (..., n), both; n > 1."""
    return digamma_rise(alpha, _others(alpha)[0])


def gamma_shape(gap: torch.Tensor) -> torch.Tensor:
    """alpha with log alpha - digamma(alpha) = gap > 0: Newton's method on logs of both, where the function is almost a line.

    Start: Minka 2002, "Estimating a gamma distribution".
    """
    alpha = (3 - gap + ((gap - 3).square() + 24 * gap).sqrt()) / (12 * gap)
    for _ in range(_GAMMA_STEPS):
        value = log_minus_digamma(alpha)
        slope = ((1 - alpha * _trigamma(alpha)) / value).clamp(-1.2, -1.0)  # outside these bounds by rounding only
        alpha = alpha * (gap / value) ** (1 / slope)
    return alpha


def dirichlet_shapes(falls: torch.Tensor) -> torch.Tensor:
    """alpha with digamma(sum of alpha) - digamma(alpha[k]) = falls[k] > 0, the -E log x[k] of a Dirichlet law: (..., n), both; n > 1.

    Solvable where the sum of exp(-falls) is below 1. Newton's method on logs of both sides, in log alpha; the Jacobian is a diagonal
    matrix and one of rank 1 (Minka 2000, "Estimating a Dirichlet distribution").
    """
    alpha = _dirichlet_start(falls)
    for _ in range(_DIRICHLET_STEPS):
        others, largest = _others(alpha)
        fall = digamma_rise(alpha, others)
        miss = fall * (falls / fall).log()
        # the Jacobian of `fall` by alpha has `common` everywhere, less `own` on the diagonal
        own, common = _trigamma(alpha), _trigamma(alpha.sum(-1, keepdim=True))
        share = common / own
        fall_of_largest = _trigamma_fall(alpha.gather(-1, largest), others.gather(-1, largest))
        slack = fall_of_largest / own.gather(-1, largest) - share.scatter(-1, largest, 0.0).sum(
            -1, keepdim=True
        )  # 1 - sum of share
        total = -(miss / own).sum(-1, keepdim=True) / slack
        step = (common * total - miss) / (own * alpha)
        alpha = alpha * step.clamp(-_LONGEST_STEP, _LONGEST_STEP).exp()
        if not bool((step.abs() > 1e-6).any()):  # the convergence is quadratic
            break
    return alpha


def _dirichlet_start(falls: torch.Tensor) -> torch.Tensor:
    """Bisection by the log of the total s. It determines all components but the largest, alpha = digamma^-1(digamma(s) - falls) by
    Minka's guess, and these the fall of the largest, in which small ones beside it do not get lost."""
    largest = falls.argmin(-1, keepdim=True)
    least_fall = falls.gather(-1, largest)
    high = torch.full_like(least_fall, -2 * math.log(torch.finfo(falls.dtype).eps))
    low = -high
    for _ in range(_DIRICHLET_HALVINGS):
        middle = 0.5 * (low + high)
        total, rest = _all_but(largest, falls, middle)
        rest = rest.sum(-1, keepdim=True)
        is_low = (rest >= total) | (digamma_rise((total - rest).abs(), rest) > least_fall)
        low, high = torch.where(is_low, middle, low), torch.where(is_low, high, middle)
    total, rest = _all_but(largest, falls, high)
    return rest.scatter(-1, largest, total - rest.sum(-1, keepdim=True))


def _all_but(largest: torch.Tensor, falls: torch.Tensor, log_total: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The total, and guesses of the components with 0 in place of the largest."""
    total = log_total.exp()
    return total, _inverse_digamma(total.digamma() - falls).scatter(-1, largest, 0.0)


def _inverse_digamma(y: torch.Tensor) -> torch.Tensor:
    """A guess, with the right limits on both sides (Minka 2000, appendix C)."""
    return torch.where(y >= -2.22, y.exp() + 0.5, -1 / (y + _EULER).clamp_max(-1.6))


def _others(alpha: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The sum of all other components, without cancellation, and the position of the largest component: (..., n), (..., 1)."""
    largest = alpha.argmax(-1, keepdim=True)
    rest = alpha.scatter(-1, largest, 0.0).sum(-1, keepdim=True)
    return (alpha.sum(-1, keepdim=True) - alpha).scatter(-1, largest, rest), largest


def _series(x: torch.Tensor) -> torch.Tensor:
    """log x - digamma(x) for x >= 16, to rounding."""
    return 0.5 / x + 1 / (12 * x.square()) - _higher(x)


def _higher(x: torch.Tensor) -> torch.Tensor:
    """Terms of the asymptotic series beyond x^-2."""
    square = x.square().reciprocal()
    return square.square() * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square * (1 / 132))))


def _trigamma(x: torch.Tensor) -> torch.Tensor:
    total = torch.zeros_like(x)
    for k in range(_SHIFT):
        total = total + (x + k).square().reciprocal()
    low = x + _SHIFT
    return total + (1 + 0.5 / low) / low + _trigamma_higher(low)


def _trigamma_fall(x: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """trigamma(x) - trigamma(x + step) for x, step > 0, in the manner of `digamma_rise`."""
    fall = torch.zeros_like(x + step)
    for k in range(_SHIFT):
        low = x + k
        high = low + step
        fall = fall + step * (low + high) / (low * high).square()
    low = x + _SHIFT
    high = low + step
    product = low * high
    first, second = step / product, 0.5 * step * (low + high) / product.square()
    return fall + first + second + (_trigamma_higher(low) - _trigamma_higher(high))


def _trigamma_higher(x: torch.Tensor) -> torch.Tensor:
    """Terms of the asymptotic series beyond x^-2."""
    square = x.square().reciprocal()
    return square * (1 / 6 - square * (1 / 30 - square * (1 / 42 - square * (1 / 30 - square * 5 / 66)))) / x
