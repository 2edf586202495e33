"""The independent density of every law with axes of its own, at ordinary arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special as sp
import scipy.stats as st

from qemppl.distributions.base import Law
from qemppl.distributions.registry import LAWS

SHARES = np.array([0.2, 0.5, 0.3])
FACTOR = np.array([[1.5, 0, 0], [0.4, 0.3, 0], [-2.0, 0.1, 0.7]])
CUTS = np.array([-1.5, 0.2, 0.9])
CORRELATION = np.linalg.cholesky(np.array([[1, 0.5, -0.3], [0.5, 1, 0.2], [-0.3, 0.2, 1]]))


@dataclass(frozen=True)
class Case:
    """density: from a value and the arguments to the log density. arguments: several sets. values, outside: of the first set's shape."""

    density: Callable[..., Any]
    arguments: tuple[tuple[Any, ...], ...]
    values: tuple[Any, ...]
    outside: tuple[Any, ...]


def has_axes(law: Law) -> bool:
    """Whether a value or an argument of a law is a vector or a matrix."""
    return bool(law.sizes) or any(argument.sizes for argument in law.arguments)


def _lkj(L: Any, eta: float) -> float:
    """Rows are independent: the square of the length of what is left of the diagonal is a beta variable, the direction is uniform."""
    n, total = len(L), 0.0
    for i in range(1, n):
        square, b = (L[i, :i] ** 2).sum(), eta + (n - 1 - i) / 2
        log_sphere = np.log(2) + i / 2 * np.log(np.pi) - sp.gammaln(i / 2)
        total += st.beta.logpdf(square, i / 2, b) + np.log(2) - log_sphere - (i - 2) / 2 * np.log(square)
    return total


def _ordered_logistic(x: float, eta: float, c: Any) -> float:
    below = np.concatenate(([0], sp.expit(np.asarray(c) - eta), [1]))
    return float(np.log(np.diff(below)[int(x) - 1]))


CASES = {
    "dirichlet": Case(
        st.dirichlet.logpdf,
        ((np.array([2.0, 0.7, 5.0]),), (np.ones(3),), (np.array([300.0, 0.01, 40.0]),)),
        (SHARES, np.array([0.9, 1e-8, 0.1 - 1e-8])),
        (np.array([0.5, 0.6, -0.1]), np.array([0.3, 0.3, 0.3])),
    ),
    "multi_normal": Case(
        st.multivariate_normal.logpdf,
        ((np.array([1.0, -2.0, 3.0]), FACTOR @ FACTOR.T), (np.zeros(3), np.diag([1e-4, 1.0, 1e4]))),
        (np.zeros(3), np.array([1.0, -2.0, 3.5])),
        (),
    ),
    "multi_normal_cholesky": Case(
        lambda x, mu, L: st.multivariate_normal.logpdf(x, mu, L @ L.T),
        ((np.array([1.0, -2.0, 3.0]), FACTOR), (np.zeros(3), np.diag([1e-2, 1.0, 1e2]))),
        (np.zeros(3), np.array([1.0, -2.0, 3.5])),
        (),
    ),
    "lkj_corr_cholesky": Case(
        _lkj,
        ((2.5,), (1.0,), (0.3,), (60.0,)),
        (CORRELATION, np.linalg.cholesky(0.999 * np.ones((3, 3)) + 0.001 * np.eye(3))),
        (np.diag([1.0, 1.0, -1.0]), 0.9 * np.eye(3), np.array([[0.6, 0.8, 0], [0, 1, 0], [0, 0, 1]])),
    ),
    "multinomial": Case(
        lambda x, theta: st.multinomial.logpmf(x, int(x.sum()), theta),
        ((SHARES,), (np.array([0.999, 1e-3, 0.0]),)),
        (np.array([3.0, 4.0, 0.0]), np.array([0.0, 0.0, 0.0]), np.array([100.0, 1.0, 0.0])),
        (np.array([3.0, -1.0, 2.0]), np.array([0.5, 0.5, 1.0])),
    ),
    "categorical": Case(
        lambda x, theta: np.log(theta[int(x) - 1]),
        ((SHARES,), (np.array([1e-300, 0.4, 0.6]),)),
        (1.0, 2.0, 3.0),
        (0.0, 4.0, 1.5, -1.0),
    ),
    "categorical_logit": Case(
        lambda x, beta: sp.log_softmax(beta)[int(x) - 1],
        ((np.array([0.3, -1.0, 2.0]),), (np.array([800.0, -800.0, 0.0]),)),
        (1.0, 2.0, 3.0),
        (0.0, 4.0, 1.5, -1.0),
    ),
    "ordered_logistic": Case(
        _ordered_logistic,
        ((0.4, CUTS), (-3.0, np.array([-20.0, 0.0, 1e-3]))),
        (1.0, 2.0, 3.0, 4.0),
        (0.0, 5.0, 1.5),
    ),
}
"""Every law with axes."""

ALL = [(name, arguments) for name, case in CASES.items() for arguments in case.arguments]
WITH_AXES = {name: law for name, law in LAWS.items() if has_axes(law)}
