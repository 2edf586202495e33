"""BoundModel: a model together with its data, checked against every declaration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qemppl.ir.model import ModelIR, Size


@dataclass(frozen=True)
class Members:
    """The members of a plate.

    Members are sorted by their parent member (stable), so the members below any range of parents are a range too.
    parent: (member,) int64, the parent's position; None for a plate at the root.
    labels: one text a member: the user's labels, or the member's number in the data file counted from 1 (`2`). Nested lists put the
    parent's label before it (`1,2`; `Kent,2`).
    rows: (member,) int64, position of the member in the data file: value_in_file_order[rows] = value. Rows of a table whose plate nests
    as lists count in the order of their parents.
    """

    size: int
    parent: NDArray[np.int64] | None
    labels: tuple[str, ...]
    rows: NDArray[np.int64]
    labelled: bool = False


@dataclass(frozen=True)
class BoundModel:
    """A model bound to data; nothing of the data remains unchecked.

    sizes: event dims and scalar sizes by name. members: by plate. arrays: data variables and transformed data by name, axes (member of
    the deepest plate, *event), without the member axis at the root; float64, or int64 for int data (float64 where values are missing: NaN).
    Indices count from 1 as written; an index column of a plate is an array only if an expression or a bound needs it, as the parent's
    number in the data file counted from 1. data_hash: sha256 of the data as read.
    """

    ir: ModelIR
    sizes: Mapping[str, int]
    members: Mapping[str, Members]
    arrays: Mapping[str, NDArray[np.float64] | NDArray[np.int64]]
    data_hash: str

    def size(self, size: Size) -> int:
        """The number that an event size stands for."""
        return size if isinstance(size, int) else self.sizes[size]

    def count(self, plate: str | None) -> int:
        """Number of members of a plate; the root has one."""
        return 1 if plate is None else self.members[plate].size
