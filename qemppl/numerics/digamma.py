"""Differences of the digamma function without cancellation, and the shapes of gamma and beta laws that solve for them."""

from __future__ import annotations

from qemppl.numerics.lazy import torch

_SHIFT = 16
_GAMMA_STEPS = 3
_BETA_STEPS = 8
_LONGEST_STEP = 2.0


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


def beta_shapes(left: torch.Tensor, right: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """a, b with digamma(a + b) - digamma(a) = left > 0 and digamma(a + b) - digamma(b) = right > 0.

    Solvable where exp(-left) + exp(-right) < 1. Newton's method on logs of both sides, in log a and log b.
    """
    a, b = _beta_start(left, right)
    for _ in range(_BETA_STEPS):
        from_a, from_b = digamma_rise(a, b), digamma_rise(b, a)
        fall_a, fall_b, curve = _trigamma_fall(a, b), _trigamma_fall(b, a), _trigamma(a + b)
        # the Jacobian of (from_a, from_b) by (a, b) is [[-fall_a, curve], [curve, -fall_b]]
        miss_a, miss_b = from_a * (left / from_a).log(), from_b * (right / from_b).log()
        determinant = fall_a * fall_b - curve.square()
        step_a = -(fall_b * miss_a + curve * miss_b) / (determinant * a)
        step_b = -(fall_a * miss_b + curve * miss_a) / (determinant * b)
        a = a * step_a.clamp(-_LONGEST_STEP, _LONGEST_STEP).exp()
        b = b * step_b.clamp(-_LONGEST_STEP, _LONGEST_STEP).exp()
    return a, b


def _beta_start(left: torch.Tensor, right: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The best of four guesses: both shapes large, both small, only a large, only b large."""
    p, q = (-left).exp(), (-right).exp()
    finfo = torch.finfo(left.dtype)
    large = 0.5 / (1 - p - q).clamp_min(
        finfo.eps
    )  # E log x is about log p - q / (2 p n), so p + q is about 1 - 1 / (2 n)
    small = (left * right).rsqrt()
    ratio = (right / left).sqrt()
    product = 1 / (left * right)
    a = torch.stack((large * p, small * ratio / (1 + ratio), product, 1 / left)).clamp(finfo.tiny, 1 / finfo.tiny)
    b = torch.stack((large * q, small / (1 + ratio), 1 / right, product)).clamp(finfo.tiny, 1 / finfo.tiny)
    miss = (digamma_rise(a, b) / left).log().abs() + (digamma_rise(b, a) / right).log().abs()
    best = miss.nan_to_num(nan=torch.inf).argmin(0, keepdim=True)
    return a.gather(0, best)[0], b.gather(0, best)[0]


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
