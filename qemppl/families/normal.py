"""The normal family."""

from __future__ import annotations

from qemppl.families.diagonal_normal import DiagonalNormal


class Normal(DiagonalNormal):
    """Normal laws of one coordinate. standard: (loc, scale); mean coordinates: (mean, variance), centred; T = (x, x^2)."""

    name = "normal"

    def __init__(self) -> None:
        super().__init__(dimension=1)
