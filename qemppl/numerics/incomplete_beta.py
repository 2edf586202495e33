"""The regularised incomplete beta function on the log scale, and its inverse. Elementwise; not differentiable in the shapes.

Every function takes y = 1 - x beside x, so that x near 1 keeps its digits.
"""

from __future__ import annotations

from qemppl.numerics.elementwise import broadcast, positive
from qemppl.numerics.lazy import torch
from qemppl.numerics.quadrature import log_tail_integral
from qemppl.numerics.special import HALF_LOG_2PI, log1mexp, log1pmx, log_beta, ndtri, stirling_error

_LARGE = 1000.0
_MOST_STEPS = 12
_LONGEST_STEP = 4.0
_BLOCK = 2048  # elements whose continued fractions fit the cache


def log_betainc(a: torch.Tensor, b: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """log I_x(a, b), the log cdf of a beta law with shapes a, b > 0 at 0 <= x <= 1; accurate in the left tail, y = 1 - x."""
    log_kernel = log_beta_kernel(a, b, x, y)
    log_ratio, left = _log_tail_ratio(a, b, x, y)
    log_tail = (log_kernel + log_ratio).clamp_max(0)
    return torch.where(left, log_tail, log1mexp(-log_tail))


def log_betainc_of_logit(a: torch.Tensor, b: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """log I_x(a, b) at x = inv_logit(t), also where x underflows: there the leading term, x^a / (a B(a, b)), is exact to rounding."""
    leading = a * t - a.log() - log_beta(a, b)
    return torch.where(t + b.clamp_min(1).log() < -40, leading, log_betainc(a, b, t.sigmoid(), (-t).sigmoid()))


def logit_beta_quantile(a: torch.Tensor, b: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """logit x with I_x(a, b) = u, for u in (0, 1): on the logit scale small shapes neither underflow nor round to 1.

    Halley's method in t = logit x on log I = log u (right of the median on log(1 - I) = log(1 - u)): both are concave in t, so a step
    that overshoots comes back. An element stops after a step that leaves an error of the size of rounding.
    """
    log_u, log_rest = u.log(), (-u).log1p()
    log_B = log_beta(a, b)
    # logs of x and 1 - x by the leading terms of the tails: exact where the next term is below rounding
    log_x, log_y = (log_u + (a.log() + log_B)) / a, (log_rest + (b.log() + log_B)) / b
    exact_left, exact_right = log_x < -40 - b.clamp_min(1).log(), log_y < -40 - a.clamp_min(1).log()
    t = torch.where(exact_left, log_x, torch.where(exact_right, -log_y, _quantile_start(a, b, u)))
    problem = torch.stack(broadcast(a, b, _log_kernel_constant(a, b), log_u, log_rest)).flatten(1)
    flat = t.flatten()
    active = (exact_left | exact_right).logical_not_().flatten().nonzero()[:, 0]
    for _ in range(_MOST_STEPS):
        if not len(active):
            break
        left = []
        for block in torch.split(active, _BLOCK):
            step, gap = _halley_step(flat[block], problem[:, block])
            flat[block] -= step
            left.append(block[gap.abs() > 1e-4])  # the convergence is cubic
        active = torch.cat(left)
    return flat.view_as(t)


def _halley_step(t: torch.Tensor, problem: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What to subtract from t, and how far the log probability of the nearer tail was from its target. t: (element,)."""
    a, b, constant, log_u, log_rest = problem
    x, y = t.sigmoid(), (-t).sigmoid()
    log_kernel = _log_kernel_shape(a, b, x, y) + constant
    log_ratio, left = _log_tail_ratio(a, b, x, y)
    log_tail = (log_kernel + log_ratio).clamp_max(0)
    right = log_rest < log_u
    gap = torch.where(left ^ right, log_tail, log1mexp(-log_tail))
    slope = (log_kernel - gap).exp() * torch.where(right, -1.0, 1.0).to(t.dtype)
    gap = gap - torch.where(right, log_rest, log_u)
    newton = gap / slope
    # the second derivative over the first is a y - b x - slope
    step = newton / (1 - 0.5 * newton * (a * y - b * x - slope)).clamp(0.5, 2.0)
    return step.clamp(-_LONGEST_STEP, _LONGEST_STEP), gap


def _quantile_start(a: torch.Tensor, b: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """A first guess of logit x: Abramowitz and Stegun 26.5.22 for shapes of at least 1, else the leading terms of both tails
    (Press et al., Numerical Recipes, third edition, section 6.4).
    """
    z = ndtri(u)
    up, down = (2 * a.clamp_min(1) - 1).reciprocal(), (2 * b.clamp_min(1) - 1).reciprocal()
    h = 2 / (up + down)
    shift = (z.square() - 3) / 6
    normal = (a / b).log() + 2 * (z * (shift + h).sqrt() / h + (up - down) * (shift + 5 / 6 - 2 / (3 * h)))
    log_a, log_b = a * (a / (a + b)).log() - a.log(), b * (b / (a + b)).log() - b.log()
    log_both = torch.logaddexp(log_a, log_b)
    left = (u.log() + a.log() + log_both) / a
    right = ((-u).log1p() + b.log() + log_both) / b
    by_tails = torch.where(u.log() < log_a - log_both, _logit_of_log(left), -_logit_of_log(right))
    return torch.where(torch.minimum(a, b) >= 1, normal, by_tails)


def _logit_of_log(log_x: torch.Tensor) -> torch.Tensor:
    log_x = log_x.clamp_max(-1e-15)
    return log_x - log1mexp(-log_x)


def log_beta_kernel(a: torch.Tensor, b: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """log(x^a y^b / B(a, b)), the density of logit x; centred at its mode, where the terms cancel for large shapes."""
    return _log_kernel_shape(a, b, x, y) + _log_kernel_constant(a, b)


def _log_kernel_shape(a: torch.Tensor, b: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """a log(x / p) + b log(y / q), where p = a / (a + b) and q = 1 - p."""
    n = a + b
    p, q = positive(a / n), positive(b / n)
    gap = torch.where(p < q, x - p, q - y)
    up, down = gap / p, -gap / q
    near = torch.maximum(up.abs(), down.abs()) < 0.5
    centred = a * log1pmx(up.clamp(-0.5, 0.5)) + b * log1pmx(down.clamp(-0.5, 0.5))
    return torch.where(near, centred, a * _log_ratio(x / p, up) + b * _log_ratio(y / q, down))


def _log_kernel_constant(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """log(p^a q^b / B(a, b)), where p = a / (a + b) and q = 1 - p."""
    n = a + b
    return 0.5 * (a * (b / n)).log() - HALF_LOG_2PI + stirling_error(n) - stirling_error(a) - stirling_error(b)


def _log_ratio(ratio: torch.Tensor, excess: torch.Tensor) -> torch.Tensor:
    """log(ratio), from ratio - 1 where that has more digits."""
    return torch.where(excess.abs() < 0.5, excess.log1p(), ratio.log())


def _log_tail_ratio(
    a: torch.Tensor, b: torch.Tensor, x: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """log(tail / kernel) for the tail on the near side of the mean, and whether that is the left one."""
    a, b, x, y = broadcast(a, b, x, y)
    left = torch.where(
        x < y, x * (a + b + 2) < a + 1, y * (a + b + 2) > b + 1
    )  # one condition, by the smaller of x and y
    a, b = torch.where(left, a, b), torch.where(left, b, a)
    x, y = torch.where(left, x, y), torch.where(left, y, x)
    large = torch.minimum(a, b) > _LARGE
    ratio = torch.empty_like(x)
    if bool(large.any()):
        ratio[large] = _log_tail_ratio_large(a[large], b[large], x[large], y[large])
    if not bool(large.all()):
        small = ~large
        ratio[small] = -_continued_fraction(a[small], b[small], x[small], y[small]).log()
    return ratio, left


def _log_tail_ratio_large(a: torch.Tensor, b: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """log(I_x(a, b) / kernel) for large shapes and x left of the mean: an integral over logit x."""
    n, small = a + b, torch.minimum(x, y)
    # log(x / (1 + x expm1(-v))) in terms of the smaller one of x and y
    direction, weight = torch.where(x < y, -1.0, 1.0).to(x.dtype), torch.where(x < y, a, -b)
    n, small, direction, weight = n[:, None], small[:, None], direction[:, None], weight[:, None]
    return log_tail_integral(
        lambda v: weight * v + n * torch.log1p(small * torch.expm1(direction * v)),
        slope=(a * y - b * x).clamp_min(0),
        curvature=(a + b) * x * y,
        linear=1.0,
    )


def _continued_fraction(a: torch.Tensor, b: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """kernel / I_x(a, b) for x left of the mean (Didonato and Morris 1992, equation 9); axes (element,).

    Evaluated backwards from a depth that suffices for every element.
    """
    m = torch.arange(_depth(a, b), dtype=a.dtype, device=a.device)[:, None]
    odd = a + 2 * m + 1
    excess = a * y - b * x + 1
    denominators = (a + m) * (excess + m * (1 + y)) / odd + m
    m, before = m[1:], odd[:-1]
    denominators[1:] += m * (b - m) * x / before
    share = x / before
    numerators = (a + m - 1) * m * ((a + b + m - 1) * share) * ((b - m) * share)
    value = denominators[-1]
    for k in range(len(numerators) - 1, -1, -1):
        value = torch.addcdiv(denominators[k], numerators[k], value)
    return value


def _depth(a: torch.Tensor, b: torch.Tensor) -> int:
    """Terms of the continued fraction that give 12 digits, found by trial: more with large shapes, and where b is below 3."""
    small_b = torch.minimum(7 * a.log1p(), 50 - 17 * b).clamp_min(0)
    return int((14 + 2.1 * torch.minimum(a, b).sqrt() + small_b).amax())
