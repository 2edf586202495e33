"""Axes with names: where a tensor of a compiled program keeps its plate member, its particles and its event.

A tensor has the axes (member, *particles, *event): one member axis always (of size 1 at the root), one particle axis for each group
of its layout in the plan's order, then the event axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.passes import ALL_PASSES
from qemppl.data.bound import BoundModel
from qemppl.numerics.lazy import torch


@dataclass(frozen=True)
class Layout:
    """The named axes of a value: its plate axis (None: the root), its particle groups in order, its event shape."""

    plate: str | None = None
    groups: tuple[str, ...] = ()
    event: tuple[int, ...] = ()

    def with_event(self, event: tuple[int, ...]) -> Layout:
        return replace(self, event=event)

    def __str__(self) -> str:
        event = f" x{list(self.event)}" if self.event else ""
        return f"[{', '.join((self.plate or '1', *self.groups))}]{event}"


@dataclass(frozen=True)
class Target:
    """Where and how to compute. memory: bytes that tables and temporaries may take. passes: of the compiler, those switched on."""

    dtype: torch.dtype
    device: str
    memory: int
    passes: frozenset[str] = ALL_PASSES


@dataclass(frozen=True)
class Axis:
    """A member axis and its way up.

    name: of a plate, or of a set of rows of one. parents: by ancestor axis (nearest first), the position of
    each member's ancestor, (member,). rows: the plate members that data columns are read at; None for all.
    """

    name: str
    size: int
    parents: Mapping[str, NDArray[np.int64]]
    rows: NDArray[np.int64] | None = None


class Axes:
    """The member axes of a bound model, by plate name."""

    def __init__(self, bound: BoundModel) -> None:
        self._axes: dict[str, Axis] = {}
        self._views: dict[str, Axis] = {}
        for plate in bound.ir.plates:
            self._add(bound, plate.name)

    def _add(self, bound: BoundModel, name: str) -> None:
        if name in self._axes:
            return
        members = bound.members[name]
        parents: dict[str, NDArray[np.int64]] = {}
        parent = bound.ir.plate(name).parent
        if parent is not None and members.parent is not None:
            self._add(bound, parent)
            parents[parent] = members.parent
            parents |= {upper: index[members.parent] for upper, index in self._axes[parent].parents.items()}
        self._axes[name] = Axis(name, members.size, parents)

    def __getitem__(self, plate: str) -> Axis:
        """The axis of this name, or the one behind a view of this name."""
        return self._axes[plate] if plate in self._axes else self._views[plate]

    def add_rows(self, plate: str, name: str, rows: NDArray[np.int64]) -> None:
        """A new axis below `plate` whose members are, or stand for, the given members of the plate."""
        axis = self._axes[plate]
        parents = {plate: rows} | {up: index[rows] for up, index in axis.parents.items()}
        self._axes[name] = Axis(name, len(rows), parents, rows)

    def add_view(self, axis: str, label: str, rows: NDArray[np.int64]) -> str:
        """Another way to read data columns on an axis, at other plate members; the name by which `__getitem__` finds it. label: of its own
        for each set of rows."""
        name = f"{axis} {label}"
        self._views[name] = replace(self._axes[axis], rows=rows)
        return name

    def size(self, plate: str | None) -> int:
        """Number of members; the root has one."""
        return 1 if plate is None else self._axes[plate].size

    def below(self, plate: str | None) -> list[str]:
        """The axes right below one."""
        return [name for name, axis in self._axes.items() if next(iter(axis.parents), None) == plate]

    def descendants(self, plate: str) -> list[str]:
        """All axes below one."""
        return [name for name, axis in self._axes.items() if plate in axis.parents]

    def is_sorted(self, axis: str, ancestor: str) -> bool:
        """Whether the members of an axis stand in the order of their ancestors, as those of plates do."""
        return bool(np.all(np.diff(self._axes[axis].parents[ancestor]) >= 0))

    def deepest(self, plates: Sequence[str | None]) -> str | None:
        """The axis that all others of one path are ancestors of."""
        named = [plate for plate in plates if plate is not None]
        return max(named, key=lambda plate: len(self._axes[plate].parents), default=None)

    def depth(self, plate: str | None) -> int:
        """Number of plates on the path to the root."""
        return 0 if plate is None else 1 + len(self._axes[plate].parents)
