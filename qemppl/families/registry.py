"""Every posterior family, by the name written after `approx`."""

from __future__ import annotations

from collections.abc import Callable

from qemppl.families.base import Family
from qemppl.families.beta import Beta
from qemppl.families.diagonal_normal import DiagonalNormal
from qemppl.families.gamma import Gamma
from qemppl.families.inverse_gamma import InverseGamma
from qemppl.families.lognormal import LogNormal
from qemppl.families.multivariate_normal import MultivariateNormal
from qemppl.families.normal import Normal
from qemppl.numerics.supports import Support

_UNIVARIATE: dict[str, Callable[[], Family]] = {f.name: f for f in (Normal, LogNormal, Gamma, InverseGamma, Beta)}
_VECTOR: dict[str, Callable[[int], Family]] = {f.name: f for f in (MultivariateNormal, DiagonalNormal)}

FAMILY_NAMES: dict[str, Support] = {
    f.name: f.support for f in (Normal, LogNormal, Gamma, InverseGamma, Beta, MultivariateNormal, DiagonalNormal)
}
"""The support that each family serves."""


def make_family(name: str, dimension: int) -> Family:
    """The family of that name on values of `dimension` coordinates, which is 1 unless the name is of a vector family."""
    if name in _VECTOR:
        return _VECTOR[name](dimension)
    assert dimension == 1, f"{name} is univariate"
    return _UNIVARIATE[name]()
