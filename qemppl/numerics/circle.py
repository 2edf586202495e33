"""Angles, and the functions of von Mises laws: elementwise, accurate for a concentration of any size.

V = 1 - A is the circular variance of a law with concentration kappa, where A = I_1(kappa) / I_0(kappa) is its resultant length.
"""

from __future__ import annotations

import math

from qemppl.numerics.lazy import torch
from qemppl.numerics.quadrature import legendre

_LARGE = 32.0
"""From here on V is its asymptotic series, whose last term is then below rounding."""
_TERMS = 20
_STEPS = 4
_PANELS = 24
_NODES = 8
_DEPTH = 10.0
"""Standard deviations beyond which there is less than any uniform tells."""
_HALLEY_STEPS = 2
_ENTRIES = 1 << 20
"""Densities in memory at once."""


def versine(angle: torch.Tensor) -> torch.Tensor:
    """1 - cos(angle), without cancellation for a small one."""
    return (0.5 * angle).sin().square().mul_(2)


def wrapped(angle: torch.Tensor) -> torch.Tensor:
    """The same direction between -pi and pi; an angle that lies there is left as it is."""
    turned = (angle + math.pi).remainder(math.tau) - math.pi
    return torch.where(angle.abs() <= math.pi, angle, turned.clamp(-math.pi, math.pi))


def log_i0e(kappa: torch.Tensor) -> torch.Tensor:
    """log I_0(kappa) - kappa."""
    scaled: torch.Tensor = torch.special.i0e(kappa)
    return scaled.log()


def circular_variance(kappa: torch.Tensor) -> torch.Tensor:
    """V of kappa >= 0, in (0, 1]."""
    return _variance_and_slope(kappa)[0]


def concentration(variance: torch.Tensor) -> torch.Tensor:
    """kappa of V in (0, 1], whose square is a number: Newton's method for log(A / V) by log kappa, a curve whose slope is 1 at both ends
    and at most 1.6 between.

    kappa is at least the smallest number. Start: Banerjee et al. 2005, "Clustering on the unit hypersphere using von Mises-Fisher
    distributions".
    """
    length = (1 - variance).clamp_min(torch.finfo(variance.dtype).tiny)
    log_odds = length.log() - variance.log()
    kappa = length * (1 + variance * (2 - variance)) / (variance * (2 - variance))
    for _ in range(_STEPS):
        fitted, slope = _variance_and_slope(kappa)
        resultant = _resultant(kappa, fitted)
        gap = resultant.log() - fitted.log() - log_odds
        kappa = kappa * (-gap * (resultant * fitted) / (kappa * slope)).clamp(-1, 1).exp()
    return kappa


def von_mises_quantile(kappa: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """The angle from the mode, between -pi and pi, with probability u below it. kappa: (row,), u: (row, point) in (0, 1).

    Differentiable by kappa: the last step of Halley's method is the derivative of an implicit function.
    """
    rows = max(1, _ENTRIES // (_NODES * u.shape[-1]))
    blocks = zip(torch.split(kappa, rows), torch.split(u, rows), strict=True)
    angle = torch.cat([_angle_of_tail(k[:, None], torch.minimum(points, 1 - points)) for k, points in blocks])
    return torch.where(u < 0.5, -angle, angle)


def _angle_of_tail(kappa: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """The angle x in [0, pi] with probability q in (0, 1/2] between x and pi. kappa: (row, 1), q: (row, point).

    The mass beyond x, by Gauss and Legendre's rule on panels from the mode outwards; then Halley's method within one panel, from where
    x would be if the log density were a line there.
    """
    nodes, weights = legendre(_NODES, q)
    width = 2 * (_DEPTH / (2 * kappa.detach().clamp_min(_DEPTH**2 / 4).sqrt())).asin() / _PANELS
    inner = width * torch.arange(_PANELS, dtype=q.dtype, device=q.device)

    def density(x: torch.Tensor) -> torch.Tensor:
        return (-kappa.reshape(-1, *[1] * (x.dim() - 1)) * versine(x)).exp()

    masses = width * (density(inner[..., None] + width[..., None] * nodes) @ weights)
    beyond = torch.nn.functional.pad(masses.flip(-1).cumsum(-1), (1, 0))  # of the panels from the outermost inwards
    target = 2 * q * beyond[:, -1:]
    place = torch.searchsorted(beyond.detach(), target.detach().contiguous()).clamp(1, _PANELS)
    begin = inner.gather(-1, _PANELS - place)
    target = target - beyond.gather(-1, place - 1)
    share = (target / masses.gather(-1, _PANELS - place)).detach()
    fall = (kappa.detach() * (begin + 0.5 * width).sin()).clamp_min(1e-3) * width
    x = begin - width * ((1 - share) * (-fall).expm1()).log1p() / fall
    for _ in range(_HALLEY_STEPS):
        x = x.detach()
        length = begin + width - x
        gap = target - length * (density(x[..., None] + length[..., None] * nodes) @ weights)
        step = gap / density(x)
        x = x - step / (1 + 0.5 * step * kappa * x.sin()).clamp(0.5, 2)
    return x.clamp(0, math.pi)


def _variance_and_slope(kappa: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """V and -dV/dkappa = 1 - A / kappa - A^2."""
    small = kappa.clamp_max(_LARGE).clamp_min(torch.finfo(kappa.dtype).tiny)
    zeroth, first = torch.special.i0e(small), torch.special.i1e(small)
    length, variance = first / zeroth, (zeroth - first) / zeroth
    # both terms of 1 - A / kappa tend to 1 / 2
    slope = 1 - length / small - length.square()
    inverse = kappa.clamp_min(_LARGE).reciprocal()
    series, falls = torch.zeros_like(kappa), torch.zeros_like(kappa)
    for k in range(_TERMS, 0, -1):
        series = series * inverse + _SERIES[k]
        falls = falls * inverse + k * _SERIES[k]
    is_large = kappa > _LARGE
    return (
        torch.where(is_large, series * inverse, variance),
        torch.where(is_large, falls * inverse.square(), slope),
    )


def _resultant(kappa: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """A, from V where kappa is large."""
    small = kappa.clamp_max(_LARGE)
    return torch.where(kappa > _LARGE, 1 - variance, torch.special.i1e(small) / torch.special.i0e(small))


def _coefficients(terms: int) -> list[float]:
    """Of V = sum of c_k kappa^-k: the equation V' = 1 / kappa - V / kappa - 2 V + V^2, term by term."""
    c = [0.0, 0.5]
    for k in range(2, terms + 1):
        products = sum(c[i] * c[k - i] for i in range(1, k))
        c.append(0.5 * ((k - 2) * c[k - 1] + products))
    return c


_SERIES = _coefficients(_TERMS)
