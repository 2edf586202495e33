"""Backends: the array operations that evaluating an expression needs, with numpy here and with tensors in the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from qemppl.ir.functions import Function

Array = NDArray[np.float64]
Positions = NDArray[np.int64]
A = TypeVar("A")


class Backend(Protocol[A]):
    """What differs between numpy and torch. Values have `shape` and `reshape` and the axes (*leading, [member,] *event).

    Axes are counted from the end, so that leading axes (such as draw) may be there or not; those of two values broadcast.
    """

    def constant(self, array: NDArray[Any]) -> A:
        """A value of the data, in the backend's own precision."""

    def function(self, function: Function) -> Callable[..., A]:
        """The builtin on aligned values; the size of a result, where it takes one, comes last as an int."""

    def take(self, value: A, positions: Positions, axis: int) -> A:
        """The entries at known positions of an axis, (*leading, position, *rest); NaN at position -1."""

    def gather(self, value: A, index: A, axis: int) -> A:
        """The entry of an axis that `index`, counted from 1, names at each element.

        value: (*leading, [member,] n, *rest). index: the same number of axes up to leading ones, with a 1 for `axis`; the result
        has that 1 too, and all other axes broadcast. NaN where the index lies outside of 1..n.
        """

    def plate_reduce(self, name: str, value: A, lengths: Positions, axis: int) -> A:
        """`sum`, `mean`, `sd`, `min` or `max` over consecutive segments of an axis: (*leading, segment, *rest).

        lengths: (segment,), their sum is the length of the axis. Of an empty segment the sum is 0 and the others are NaN, as is the
        `sd` (divisor n - 1) of one member.
        """


class NumpyBackend:
    """float64 arrays. What is not defined is NaN or infinite, without a warning."""

    def constant(self, array: NDArray[Any]) -> Array:
        return np.asarray(array, np.float64)

    def function(self, function: Function) -> Callable[..., Array]:
        def compute(*arguments: Array | int) -> Array:
            with np.errstate(all="ignore"):
                return np.asarray(function.compute(*arguments), np.float64)

        return compute

    def take(self, value: Array, positions: Positions, axis: int) -> Array:
        absent = positions < 0
        if not absent.any():
            return np.take(value, positions, axis)
        taken = np.full((*value.shape[:axis], len(positions), *value.shape[axis:][1:]), np.nan)
        present = np.flatnonzero(~absent)
        np.moveaxis(taken, axis, 0)[present] = np.moveaxis(np.take(value, positions[present], axis), axis, 0)
        return taken

    def gather(self, value: Array, index: Array, axis: int) -> Array:
        size = value.shape[axis]
        inside = (index >= 1) & (index <= size)
        position = np.where(inside, index - 1, 0).astype(np.int64)
        axes = max(value.ndim, position.ndim)
        value = value.reshape((1,) * (axes - value.ndim) + value.shape)
        position = position.reshape((1,) * (axes - position.ndim) + position.shape)
        if size == 0:
            one = (*value.shape[:axis], 1, *value.shape[axis:][1:])
            return np.full(np.broadcast_shapes(one, position.shape), np.nan)
        return np.where(inside, np.take_along_axis(value, position, axis), np.nan)

    def plate_reduce(self, name: str, value: Array, lengths: Positions, axis: int) -> Array:
        x = np.moveaxis(value, axis, 0)
        with np.errstate(all="ignore"):
            if name in {"min", "max"}:
                reduced = _segments(np.minimum if name == "min" else np.maximum, x, lengths, np.nan)
            else:
                reduced = _segments(np.add, x, lengths, 0.0)
            counts = lengths.reshape(-1, *(1,) * (x.ndim - 1))
            if name in {"mean", "sd"}:
                reduced = reduced / counts
            if name == "sd":
                deviations = x - np.repeat(reduced, lengths, 0)
                reduced = np.sqrt(_segments(np.add, deviations**2, lengths, 0.0) / np.where(counts < 2, 0, counts - 1))
        return np.moveaxis(reduced, 0, axis)


def _segments(ufunc: np.ufunc, x: Array, lengths: Positions, empty: float) -> Array:
    """(segment, ...): `ufunc` over consecutive segments of the first axis."""
    reduced = np.full((len(lengths), *x.shape[1:]), empty)
    filled = lengths > 0
    if filled.any():
        starts = np.cumsum(lengths) - lengths
        reduced[filled] = ufunc.reduceat(x, starts[filled], 0)
    return reduced


NUMPY = NumpyBackend()
