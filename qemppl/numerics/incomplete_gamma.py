"""The regularised incomplete gamma functions on the log scale, and their inverse. Elementwise; not differentiable in the shape."""

from __future__ import annotations

from qemppl.numerics.elementwise import broadcast
from qemppl.numerics.lazy import torch
from qemppl.numerics.quadrature import log_tail_integral
from qemppl.numerics.special import HALF_LOG_2PI, log1pmx, ndtri, stirling_error

_HALLEY_STEPS = 3
_LONGEST_STEP = 2.0


def log_gammainc(a: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """log P(a, x), the log cdf of a gamma law of shape a > 0 and rate 1 at x >= 0; accurate in the left tail."""
    a, x = broadcast(a, x)
    lower = _gammainc(a, x)
    log_p = torch.where(lower < 0.5, lower.log(), (-_gammaincc(a, x)).log1p())
    deep = (lower < _underflow(x)) & (x > 0)
    if bool(deep.any()):
        a, x = a[deep], x[deep]
        # t = log x: the density exp(a t - e^t) falls at the rate a - x to the left
        integral = log_tail_integral(
            lambda v: a[:, None] * v + x[:, None] * torch.expm1(-v), slope=a - x, curvature=x, linear=1.0
        )
        log_p[deep] = log_gamma_kernel(a, x) + integral
    return log_p


def log_gammaincc(a: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """log Q(a, x) = log(1 - P(a, x)), accurate in the right tail."""
    a, x = broadcast(a, x)
    upper = _gammaincc(a, x)
    log_q = torch.where(upper < 0.5, upper.log(), (-_gammainc(a, x)).log1p())
    deep = (upper < _underflow(x)) & (x < torch.inf)
    if bool(deep.any()):
        a, x = a[deep], x[deep]
        integral = log_tail_integral(lambda v: x[:, None] * torch.expm1(v) - a[:, None] * v, slope=x - a, curvature=x)
        log_q[deep] = log_gamma_kernel(a, x) + integral
    return log_q


def log_gamma_kernel(a: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """log(x^a e^-x / Gamma(a)), the density of log x; centred at x = a, where its terms cancel for a large shape."""
    excess = (x - a) / a
    ratio = (x / a).clamp_max(torch.finfo(x.dtype).max)
    shape = torch.where(excess.abs() < 0.5, a * log1pmx(excess), a * ratio.log() - (x - a))
    return shape + 0.5 * a.log() - HALF_LOG_2PI - stirling_error(a)


def log_gamma_quantile(a: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """log x with P(a, x) = u, for u in (0, 1): on the log scale a small shape does not underflow.

    Halley's method in y = log x on log P(a, x) = log u (right of the median on log Q = log(1 - u)): both are concave in y, so a step
    that overshoots comes back.
    """
    a, u = broadcast(a, u)
    leading = (u.log() + (a + 1).lgamma()) / a
    y = _quantile_start(a, u, leading)
    right = u > 0.5
    target = torch.where(right, 1 - u, u)
    sign = torch.where(right, -1.0, 1.0).to(u.dtype)
    for _ in range(_HALLEY_STEPS):
        x = y.exp()
        lower = _gammainc(a, x)
        reached = torch.where(right, 1 - lower, lower).clamp_min(torch.finfo(u.dtype).tiny)
        slope = sign * (log_gamma_kernel(a, x) - reached.log()).exp()
        newton = (reached / target).log() / slope
        # the second derivative over the first is a - x - slope
        halley = newton / (1 - 0.5 * newton * (a - x - slope)).clamp(0.5, 2.0)
        y = y - halley.clamp(-_LONGEST_STEP, _LONGEST_STEP)
    return torch.where(leading < -40, leading, y)


def _quantile_start(a: torch.Tensor, u: torch.Tensor, leading: torch.Tensor) -> torch.Tensor:
    """A first guess of log x: for a > 1 the cube of Wilson and Hilferty or, left of it, the leading term of P; else the two pieces
    of Press et al. (Numerical Recipes, third edition, section 6.2.1): a power, then an exponential tail.
    """
    cube = 1 - 1 / (9 * a) + ndtri(u) / (3 * a.sqrt())
    large = torch.where(cube > 0.3, a.log() + 3 * cube.clamp_min(0.1).log(), leading)
    joint = 1 - a * (0.253 + 0.12 * a)
    tail = (1 - ((1 - u) / (1 - joint)).clamp(1e-300, 1).log()).log()
    small = torch.where(u < joint, (u / joint).log() / a, tail)
    return torch.where(a > 1, large, small)


def _gammainc(a: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    lower: torch.Tensor = torch.special.gammainc(a, x)
    return lower


def _gammaincc(a: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    upper: torch.Tensor = torch.special.gammaincc(a, x)
    return upper


def _underflow(x: torch.Tensor) -> float:
    """Below this a probability has lost digits."""
    finfo = torch.finfo(x.dtype)
    return finfo.tiny / finfo.eps
