"""Cells: the texts of a table as values."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qemppl.data.nested import Leaves
from qemppl.ir.model import Kind

MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null"})
"""How a table writes that a value is missing."""


def read_cells(cells: Sequence[str], kind: Kind) -> Leaves:
    """Numbers where all cells are numbers or missing; else a list that keeps the texts that are not."""
    if "_" not in "".join(cells):  # Python reads 1_000 as a number
        with contextlib.suppress(ValueError, OverflowError):
            if kind == "int":
                return np.array([*map(int, cells)], np.int64)
        with contextlib.suppress(ValueError):
            return np.array([*map(float, cells)], np.float64)
    leaves = [_leaf(cell) for cell in cells]
    if any(isinstance(leaf, str) for leaf in leaves):
        return [None if cell in MISSING else leaf for cell, leaf in zip(cells, leaves, strict=True)]
    return np.array(leaves, np.float64)


def whole_numbers(keys: Sequence[str]) -> list[int] | None:
    """The keys as whole numbers without leading zeros or signs, if all of them are."""
    if all(key.isascii() and key.isdigit() and (key[0] != "0" or key == "0") for key in keys):
        return [*map(int, keys)]
    return None


def _leaf(cell: str) -> float | str:
    if cell in MISSING:
        return np.nan
    if "_" not in cell:
        with contextlib.suppress(ValueError):
            return float(cell)
    return cell


def same_cells(x: Leaves, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the values at two lists of positions are the same; two missing ones are."""
    if isinstance(x, list):
        return np.array([x[i] == x[j] for i, j in zip(a.tolist(), b.tolist(), strict=True)], np.bool_)
    same: NDArray[np.bool_] = (x[a] == x[b]) | (np.isnan(x[a]) & np.isnan(x[b]))
    return same
