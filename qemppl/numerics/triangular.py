"""Triangular forms of many small least-squares problems at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

PIECE = 1024
"""Rows of a group that are brought to triangular form at a time."""
BATCH_ENTRIES = 1 << 22
"""Numbers that are brought to triangular form in one call."""


def triangular(table: NDArray[np.float64], group: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """The upper triangle R of Q'A for the rows A of each group, with Q orthogonal, so that R'R = A'A and |R v| = |A v| for every v.

    table: (row, column). group: (row,), numbers below `count`. -> (group, column, column); zero for a group without rows, and in its
    last rows for one with fewer rows than columns.
    (Golub & Van Loan, "Matrix Computations", section 5.2; long groups piece by piece, as in tall-skinny QR.)
    """
    columns = table.shape[1]
    piece = max(PIECE, 4 * columns)
    while True:
        order = np.argsort(group, kind="stable")
        table, group = table[order], group[order]
        sizes = np.bincount(group, minlength=count)
        rank = np.arange(len(group)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        starts = np.flatnonzero(rank % piece == 0)
        triangles = _triangles(table, starts, np.diff(starts, append=len(table)))
        if sizes.max(initial=0) <= piece:
            break
        table, group = triangles.reshape(-1, columns), np.repeat(group[starts], columns)
    result = np.zeros((count, columns, columns))
    result[group[starts]] = triangles
    return result


def _triangles(
    table: NDArray[np.float64], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Of consecutive rows: (piece, column, column)."""
    columns = table.shape[1]
    found = np.empty((len(starts), columns, columns))
    padded = np.maximum(2 ** np.ceil(np.log2(lengths)).astype(np.int64), columns)
    for size in np.unique(padded):
        for chosen in _batches(np.flatnonzero(padded == size), max(BATCH_ENTRIES // (size * columns), 1)):
            place = np.arange(size)
            rows = np.minimum(starts[chosen, None] + place, len(table) - 1)
            found[chosen] = np.linalg.qr(
                np.where((place < lengths[chosen, None])[..., None], table[rows], 0.0), mode="r"
            )
    return found


def _batches(pieces: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    return (pieces[start : start + size] for start in range(0, len(pieces), size))
