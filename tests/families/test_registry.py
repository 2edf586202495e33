from __future__ import annotations

import numpy as np
import pytest

from qemppl.families.registry import FAMILY_NAMES, VECTOR_FAMILIES, make_family
from qemppl.numerics.supports import BOOLEAN, CIRCLE, COUNT, FINITE, POSITIVE, REAL, UNIT


def test_every_name_and_its_support():
    assert FAMILY_NAMES == {
        "normal": REAL,
        "lognormal": POSITIVE,
        "gamma": POSITIVE,
        "inv_gamma": POSITIVE,
        "exponential": POSITIVE,
        "beta": UNIT,
        "von_mises": CIRCLE,
        "multi_normal": REAL,
        "multi_normal_diag": REAL,
        "dirichlet": REAL,
        "bernoulli": BOOLEAN,
        "categorical": FINITE,
        "binomial": FINITE,
        "neg_binomial": COUNT,
        "poisson": COUNT,
    }
    for name, support in FAMILY_NAMES.items():
        family = make_family(name, 1, np.ones((1, 1)))
        assert (family.name, family.support, family.dimension) == (name, support, 1)


def test_dimensions():
    for name in (*VECTOR_FAMILIES, "von_mises", "bernoulli", "neg_binomial", "poisson"):
        assert make_family(name, 7).dimension == 7
    with pytest.raises(AssertionError, match="univariate"):
        make_family("gamma", 2)
    with pytest.raises(AssertionError, match="finitely many"):
        make_family("categorical", 2)
