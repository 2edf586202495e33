"""Packs: rows of one member side by side, so that they share an operation.

A pack has `width` rows; the last pack of a member is filled up with rows that do not count. Each place in a pack is a view of the axis
of packs, at which an expression reads the data of its own rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.builder import Builder
from qemppl.compile.layout import Layout
from qemppl.compile.rows import Rows
from qemppl.compile.simplify import leaves
from qemppl.ir.model import Expr, LatentRef

PRODUCT, LOGARITHM = 0.4, 2.5
"""Cost of a row in a product, and of the logarithm of one, in nanoseconds."""
WIDTHS = range(2, 17)
FEWEST_ROWS = 2000
"""With fewer rows, more instructions cost more than fewer operations save."""


@dataclass(frozen=True)
class Place:
    """A place in the packs of an axis. view: the name to read its data by. counts: (pack,), whether its row counts."""

    axis: str
    view: str
    counts: NDArray[np.bool_]

    def counted(self, builder: Builder, value: int) -> int:
        """The slot of a value by pack that is -inf where the row does not count."""
        if self.counts.all() and builder.layouts[value].plate == self.axis:
            return value
        key = ("not counted", self.view)
        hidden = builder.constant(key, Layout(self.axis), lambda: np.where(self.counts, 0.0, -np.inf))
        return builder.call("add", [value, hidden])


@dataclass(frozen=True)
class Packing:
    """Rows side by side on an axis of packs. rows: (pack, place) on their plate. counts: (pack, place), whether a row counts."""

    axis: str
    rows: NDArray[np.int64]
    counts: NDArray[np.bool_]

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def width(self) -> int:
        return int(self.rows.shape[1])

    def places(self, builder: Builder) -> Iterator[Place]:
        """Every place of a pack, its view added to the builder's axes."""
        for place in range(self.width):
            view = builder.axes.add_view(self.axis, str(place), self.rows[:, place])
            yield Place(self.axis, view, self.counts[:, place])


def pack(builder: Builder, rows: Rows, predictor: Expr, most: float = 1.0) -> Packing | None:
    """The packs of an observation's rows, with an axis of their own; None where a row has a latent of its own, where rows are few, or
    where there would be more than `most` packs a row.

    All rows of a pack belong to one member of the deepest plate above theirs that the predictor reads, be it latents or data.
    """
    axis, plate = rows.axis, rows.variable.plate
    read = list(leaves(builder.bound.ir, [predictor]))
    is_own = any(isinstance(leaf, LatentRef) and leaf.type.plate == plate for leaf in read)
    if axis is None or plate is None or is_own or builder.axes.size(axis) < FEWEST_ROWS:
        return None
    home = builder.axes.deepest([leaf.type.plate for leaf in read if leaf.type.plate != plate])
    size = builder.axes.size(axis)
    parents = np.zeros(size, np.int64) if home is None else builder.axes[axis].parents[home]
    packed, counts = side_by_side(parents, np.arange(size) if rows.index is None else rows.index)
    if len(packed) > most * size:
        return None
    name = f"packs of {rows.site}"
    builder.axes.add_rows(plate, name, packed[:, 0])
    return Packing(name, packed, counts)


def side_by_side(
    parents: NDArray[np.int64], positions: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Positions of packed rows, and which of them count: (pack, place). parents: (row,), sorted, the member that each row belongs to.
    positions: (row,) on the plate."""
    counts = np.bincount(parents)
    width = min(WIDTHS, key=lambda w: int(np.ceil(counts / w).sum()) * (w * PRODUCT + LOGARITHM))
    packs = np.ceil(counts / width).astype(np.int64)
    first_row, first_pack = np.cumsum(counts) - counts, np.cumsum(packs) - packs
    rank = np.arange(len(parents)) - first_row[parents]
    pack, place = first_pack[parents] + rank // width, rank % width
    filled = np.zeros((int(packs.sum()), width), dtype=bool)
    filled[pack, place] = True
    first = positions[np.searchsorted(pack, np.arange(len(filled)))]
    rows = np.repeat(first[:, None], width, axis=1)  # the first row of a pack stands in for what is missing
    rows[pack, place] = positions
    return rows, filled
