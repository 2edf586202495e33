"""Every posterior family, by the name written after `approx`."""

from __future__ import annotations

from collections.abc import Callable

from qemppl.families.base import Family
from qemppl.families.beta import Beta
from qemppl.families.categorical import Bernoulli, Categorical
from qemppl.families.diagonal_normal import DiagonalNormal
from qemppl.families.dirichlet import Dirichlet
from qemppl.families.gamma import Gamma
from qemppl.families.inverse_gamma import InverseGamma
from qemppl.families.lognormal import LogNormal
from qemppl.families.multivariate_normal import MultivariateNormal
from qemppl.families.negative_binomial import NegBinomial, Poisson
from qemppl.families.normal import Normal
from qemppl.numerics.supports import Support

_UNIVARIATE: dict[str, Callable[[], Family]] = {f.name: f for f in (Normal, LogNormal, Gamma, InverseGamma, Beta)}
_VECTOR: dict[str, Callable[[int], Family]] = {f.name: f for f in (MultivariateNormal, DiagonalNormal, Dirichlet)}
_DISCRETE: dict[str, Callable[[int], Family]] = {f.name: f for f in (Bernoulli, NegBinomial, Poisson)}

FAMILY_NAMES: dict[str, Support] = {
    f.name: f.support
    for f in (
        *(Normal, LogNormal, Gamma, InverseGamma, Beta, MultivariateNormal, DiagonalNormal, Dirichlet),
        *(Bernoulli, Categorical, NegBinomial, Poisson),
    )
}
"""The support that each family serves."""
VECTOR_FAMILIES = frozenset(_VECTOR)
"""The families of several numbers together."""


def make_family(name: str, dimension: int, states: int | None = None) -> Family:
    """The family of that name on values of `dimension` coordinates, which is 1 for a univariate family of reals.

    states: the number of values of each coordinate, for `categorical`.
    """
    if name == Categorical.name:
        assert states is not None, "finitely many values"
        return Categorical(dimension, states)
    if name in _DISCRETE:
        return _DISCRETE[name](dimension)
    if name in _VECTOR:
        return _VECTOR[name](dimension)
    assert dimension == 1, f"{name} is univariate"
    return _UNIVARIATE[name]()
