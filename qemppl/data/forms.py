"""Forms: what the components of a value satisfy together, and the values that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qemppl.data.evaluate import Array
from qemppl.data.report import number

Form = Literal["simplex", "ordered", "positive_ordered", "cholesky_factor_corr", "cholesky_factor", "covariance"]
Fault = tuple[NDArray[np.bool_], Callable[[int], str]]
"""Which values are wrong, and what to say of one of them by its flat position: `sums to 1.2, not to 1`."""
TOLERANCE = 1e-8
"""Rounding of a sum by component; of a matrix relative to its largest entry."""


def form_faults(form: Form, x: Array, of: str = "") -> Iterator[Fault]:
    """The values that lack a form, each by its first fault. x: (..., component), or (..., row, column) of a matrix; a NaN fits.

    of: what the form belongs to, for the messages.
    """
    found: NDArray[np.bool_] | None = None
    with np.errstate(invalid="ignore", over="ignore"):
        for wrong, say in _FAULTS[form](x):
            yield wrong if found is None else wrong & ~found, _said(say, of)
            found = wrong if found is None else found | wrong


def _said(say: Callable[[int], str], of: str) -> Callable[[int], str]:
    return say if not of else lambda i: f"{say(i)} ({of})"


def _simplex(x: Array) -> Iterator[Fault]:
    least = x.min(-1, initial=np.inf)
    yield least < 0, lambda i: f"has the component {number(least.flat[i])}, but no component of a simplex is negative"
    total = x.sum(-1)
    yield (
        np.abs(total - 1) > TOLERANCE * x.shape[-1],
        lambda i: f"sums to {number(total.flat[i])}, but a simplex sums to 1",
    )


def _ordered(x: Array) -> Iterator[Fault]:
    falls = np.diff(x, axis=-1) <= 0
    rows = x.reshape(-1, x.shape[-1])

    def say(i: int) -> str:
        at = int(np.argmax(falls.reshape(len(rows), -1)[i]))
        return f"has {number(rows[i, at])} before {number(rows[i, at + 1])}, but its components must increase"

    yield np.any(falls, axis=-1), say


def _positive_ordered(x: Array) -> Iterator[Fault]:
    first = x[..., :1].min(-1, initial=np.inf)
    yield first <= 0, lambda i: f"starts with {number(first.flat[i])}, but all components must be positive"
    yield from _ordered(x)


def _cholesky_factor(x: Array) -> Iterator[Fault]:
    yield np.any(np.triu(x, 1) != 0, axis=(-2, -1)), lambda i: "is not lower triangular"
    diagonal = np.diagonal(x, axis1=-2, axis2=-1).min(-1, initial=np.inf)
    yield diagonal <= 0, lambda i: f"has {number(diagonal.flat[i])} on its diagonal, which must be positive"


def _cholesky_factor_corr(x: Array) -> Iterator[Fault]:
    yield from _cholesky_factor(x)
    wrong = np.abs((x**2).sum(-1) - 1) > TOLERANCE * x.shape[-1]
    yield np.any(wrong, axis=-1), lambda i: "has a row whose squares do not sum to 1"


def _covariance(x: Array) -> Iterator[Fault]:
    largest = np.abs(x).max((-2, -1), initial=0)
    skew = np.abs(x - np.swapaxes(x, -1, -2)).max((-2, -1), initial=0)
    yield skew > TOLERANCE * largest, lambda i: "is not symmetric"
    least = np.linalg.eigvalsh(np.where(np.isfinite(x), x, np.eye(x.shape[-1]))).min(-1, initial=np.inf)
    yield least <= 0, lambda i: f"is not positive definite: its least eigenvalue is {number(least.flat[i])}"


_FAULTS: dict[Form, Callable[[Array], Iterator[Fault]]] = {
    "simplex": _simplex,
    "ordered": _ordered,
    "positive_ordered": _positive_ordered,
    "cholesky_factor": _cholesky_factor,
    "cholesky_factor_corr": _cholesky_factor_corr,
    "covariance": _covariance,
}
