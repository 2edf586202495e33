"""Nested: one value of the data file, opened level by level into flat leaves."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64] | NDArray[np.int64]
Leaves = Numbers | list[object]

MAX_DEPTH = 16
"""Lists may nest this deep."""

_LISTS = (list, tuple, range)
_PLAIN = {int, float, bool, str, type(None), list, tuple}


class TooDeepError(ValueError):
    """A value nests deeper than MAX_DEPTH (or contains itself)."""


@dataclass(frozen=True, eq=False)
class Nested:
    """A value as its lists, level by level.

    counts: at each level the number of entries of every list there, in file order; the first level has one list. A bare value has
    no level. leaves: the entries of the last level, flat: int64, or float64 (null is NaN) where all are numbers, otherwise as read.
    """

    counts: tuple[NDArray[np.int64], ...]
    leaves: Leaves

    @property
    def depth(self) -> int:
        return len(self.counts)

    def path(self, position: int, level: int | None = None) -> tuple[int, ...]:
        """Subscripts, counted from 1, of the entry at a flat `position` of a level (default: the last)."""
        subscripts = []
        for counts in reversed(self.counts[:level]):
            ends = np.cumsum(counts)
            parent = int(np.searchsorted(ends, position, side="right"))
            subscripts.append(position - int(ends[parent] - counts[parent]) + 1)
            position = parent
        return tuple(reversed(subscripts))

    def at_depth(self, depth: int) -> Nested | None:
        """This value read with `depth` levels, or None if it has others.

        A bare value stands for a list of one (as R writes it), and an empty list for one of any depth.
        """
        if self.depth == depth:
            return self
        if self.depth == 0:
            return Nested((np.ones(1, np.int64),) * depth, self.leaves)
        if self.depth < depth and len(self.leaves) == 0:
            return Nested(self.counts + (np.zeros(0, np.int64),) * (depth - self.depth), self.leaves)
        return None

    @property
    def shape(self) -> str:
        """The lengths by level, for messages: `(8, 1)`; a level of unequal lengths shows its extremes, `(3, 2..5)`."""
        if self.depth == 0:
            return "one value"
        extents = [(int(c.min()), int(c.max())) if c.size else (0, 0) for c in self.counts]
        return "(" + ", ".join(str(low) if low == high else f"{low}..{high}" for low, high in extents) + ")"


def unnest(value: object) -> Nested:
    """Open a number, a text, nested lists or tuples, or anything that numpy reads as an array (a pandas Series)."""
    value = _plain(value)
    if isinstance(value, np.ndarray):
        return _from_array(value)
    if not isinstance(value, _LISTS):
        return Nested((), _leaves([value]))
    counts = [np.array([len(value)], np.int64)]
    flat: list[object] = list(value)
    while True:
        if not {*map(type, flat)} <= _PLAIN:
            flat = [x.tolist() if isinstance(x, np.ndarray) else x for x in map(_plain, flat)]
        types = {*map(type, flat)}
        if not any(issubclass(t, _LISTS) for t in types):
            return Nested(tuple(counts), _leaves(flat))
        if len(counts) == MAX_DEPTH:
            raise TooDeepError
        lists: list[Sequence[object]] = [x if isinstance(x, _LISTS) else [x] for x in flat]
        counts.append(np.fromiter(map(len, lists), np.int64, len(lists)))
        flat = list(chain.from_iterable(lists))


def _plain(value: object) -> object:
    """Numpy scalars become Python's; whatever reads as an array becomes one, with NaN (None) where it is masked."""
    if isinstance(value, np.generic):
        return value.item()
    if not hasattr(value, "__array__"):
        return value
    if isinstance(value, np.ma.MaskedArray):
        return np.ma.filled(value.astype(np.float64), np.nan) if value.dtype.kind in "iuf" else value.tolist()
    array = np.asarray(value)
    return array.item() if array.ndim == 0 else array


def _from_array(array: NDArray[np.generic]) -> Nested:
    if array.dtype.kind not in "iuf":
        return unnest(array.tolist())
    if array.ndim > MAX_DEPTH:
        raise TooDeepError
    sizes = np.cumprod((1, *array.shape))
    counts = tuple(np.full(sizes[d], length, np.int64) for d, length in enumerate(array.shape))
    flat = array.reshape(-1)
    if array.dtype.kind == "f" or (array.dtype == np.uint64 and bool((flat.astype(np.int64) < 0).any())):
        return Nested(counts, flat.astype(np.float64))
    return Nested(counts, flat.astype(np.int64))


def _leaves(flat: list[object]) -> Leaves:
    types = {*map(type, flat)}
    if types == {int}:
        with contextlib.suppress(OverflowError):
            return np.array(flat, np.int64)
    if types <= {int, float, type(None)}:
        with contextlib.suppress(OverflowError):
            return np.array(flat, np.float64)
    return flat
