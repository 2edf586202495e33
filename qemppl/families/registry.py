"""Every posterior family, by the name written after `approx`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qemppl.families.base import Family
from qemppl.families.beta import Beta
from qemppl.families.binomial import Binomial
from qemppl.families.categorical import Bernoulli, Categorical
from qemppl.families.diagonal_normal import DiagonalNormal
from qemppl.families.dirichlet import Dirichlet
from qemppl.families.exponential import Exponential
from qemppl.families.gamma import Gamma
from qemppl.families.inverse_gamma import InverseGamma
from qemppl.families.lognormal import LogNormal
from qemppl.families.multivariate_normal import MultivariateNormal
from qemppl.families.negative_binomial import NegBinomial, Poisson
from qemppl.families.normal import Normal
from qemppl.families.von_mises import VonMises
from qemppl.numerics.supports import Support

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UNIVARIATE: dict[str, Callable[[], Family]] = {
    f.name: f for f in (Normal, LogNormal, Gamma, InverseGamma, Exponential, Beta)
}
_VECTOR: dict[str, Callable[[int], Family]] = {f.name: f for f in (MultivariateNormal, DiagonalNormal, Dirichlet)}
_INDEPENDENT: dict[str, Callable[[int], Family]] = {f.name: f for f in (VonMises, Bernoulli, NegBinomial, Poisson)}

FAMILY_NAMES: dict[str, Support] = {
    f.name: f.support
    for f in (
        *(Normal, LogNormal, Gamma, InverseGamma, Exponential, Beta, VonMises),
        *(MultivariateNormal, DiagonalNormal, Dirichlet),
        *(Bernoulli, Categorical, Binomial, NegBinomial, Poisson),
    )
}
"""The support that each family serves."""
VECTOR_FAMILIES = frozenset(_VECTOR)
"""The families of several numbers together."""


def make_family(name: str, dimension: int, highest: NDArray[np.float64] | None = None) -> Family:
    """The family of that name on values of `dimension` coordinates, which is 1 for a univariate family of reals.

    highest: the largest value of each coordinate, (member, coordinate), where values are counted from 0 and finitely many.
    """
    if name in (Categorical.name, Binomial.name):
        assert highest is not None, "finitely many values"
        return Binomial(dimension, highest) if name == Binomial.name else Categorical(dimension, int(highest.max()) + 1)
    if name in _INDEPENDENT:
        return _INDEPENDENT[name](dimension)
    if name in _VECTOR:
        return _VECTOR[name](dimension)
    assert dimension == 1, f"{name} is univariate"
    return _UNIVARIATE[name]()
