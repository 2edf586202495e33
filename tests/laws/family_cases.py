"""Members of every posterior family, and particles of them."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as hs

from qemppl.families.base import ExponentialFamily
from qemppl.families.registry import FAMILY_NAMES, make_family
from qemppl.numerics.quasi import uniforms

FACTOR = torch.tensor([[1.5, 0, 0], [0.4, 0.3, 0], [-2.0, 0.1, 0.7]], dtype=torch.float64)
DIMENSION = {
    "multi_normal": 3,
    "multi_normal_diag": 3,
    "dirichlet": 3,
    "von_mises": 2,
    "categorical": 2,
    "binomial": 2,
    "neg_binomial": 2,
}
STATES = 3
HIGHEST = {"binomial": np.array([[40.0, 7.0]])}
"""The largest values of each coordinate, of every member alike."""
PHI = 2.0**26
"""A Poisson law of mean 1, as a negative binomial one."""
STANDARD = {
    "normal": [[0.0, 1.0], [-3.0, 0.02], [40.0, 7.0]],
    "lognormal": [[0.0, 1.0], [-3.0, 0.02], [4.0, 0.7]],
    "gamma": [[2.0, 3.0], [0.3, 0.01], [500.0, 20.0]],
    "inv_gamma": [[4.5, 3.0], [0.8, 0.01], [500.0, 20.0]],
    "beta": [[2.0, 3.0], [0.4, 0.6], [300.0, 5.0]],
    "exponential": [[1.0], [0.02], [300.0]],
    "von_mises": [[0.3, -3.1, 2.0, 0.05], [3.0, 1.0, 400.0, 30.0], [-2.0, 0.0, 5.0, 1e4]],
    "multi_normal": [[1.0, -2.0, 3.0, *FACTOR.flatten().tolist()], [0.0, 0, 0, *(2 * torch.eye(3)).flatten().tolist()]],
    "multi_normal_diag": [[1.0, -2.0, 3.0, 0.1, 2.0, 1.0], [0.0, 0, 0, 5.0, 6.0, 7.0]],
    "dirichlet": [[2.0, 3.0, 0.5, 4.0], [0.4, 0.6, 1.0, 30.0], [300.0, 5.0, 0.1, 20.0]],
    "bernoulli": [[0.3, 0.7], [0.95, 0.05], [0.4, 0.6]],
    "categorical": [[0.2, 0.3, 0.5, 0.9, 0.06, 0.04], [0.5, 0.25, 0.25, 0.1, 0.1, 0.8]],
    "binomial": [[0.3, 0.9, 0.0, 0.0], [0.02, 0.5, 0.0, 0.0]],
    "neg_binomial": [[3.0, 0.2, 2.0, 40.0], [200.0, 1.0, 0.7, 1e3]],
    "poisson": [[3.0, 3 * PHI], [0.2, 0.2 * PHI], [500.0, 500 * PHI]],
}
NAMES = list(FAMILY_NAMES)
DISCRETE = [name for name in NAMES if FAMILY_NAMES[name].integer]


concentrations = hs.floats(-8, 8).map(lambda e: 10.0**e)


def make(name):
    dimension = DIMENSION.get(name, 1)
    return make_family(name, dimension, HIGHEST.get(name, np.full((1, dimension), STATES - 1.0)))


EXPONENTIAL = [name for name in NAMES if isinstance(make(name), ExponentialFamily)]


def family_and_standard(name):
    return make(name), torch.tensor(STANDARD[name], dtype=torch.float64)


def particles(family, standard, count=200, seed=0):
    u = uniforms(torch.Generator().manual_seed(seed), len(standard), count, family.dimension, torch.float64)
    return u, family.quantile(standard, u)
