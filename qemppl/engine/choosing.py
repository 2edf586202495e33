"""Draws of one value each from many rows of unnormalised weights."""

from __future__ import annotations

from collections.abc import Sequence

from qemppl.numerics.lazy import torch

BELOW_ONE = 1 - 2**-26
"""Uniform numbers stay below it, so that none is rounded up to the next row."""


def choose(table: torch.Tensor, given: Sequence[torch.Tensor], generator: torch.Generator) -> torch.Tensor:
    """Draws a value from each row that is given.

    table: (*row, value), weights. given: the position of the row on each of its axes, all of one shape, which the result has.
    """
    rows, values = table.shape[:-1], table.shape[-1]
    u = _uniforms(given[0].shape, table, generator)
    if rows.numel() > u.numel():
        return _search(table[tuple(given)].double().cumsum(-1), u)
    # All rows as one: heights of the n-th are between n and n + 1.
    heights = table.double().cumsum(-1).reshape(-1, values)
    total = heights[:, -1:]
    number = torch.arange(len(heights), device=heights.device)
    heights = torch.where(total > 0, heights / total, 1.0) + number[:, None]
    row = torch.zeros_like(given[0])
    for size, position in zip(rows, given, strict=True):
        row = row * size + position
    index = torch.searchsorted(heights.flatten(), row + u * BELOW_ONE, right=True)
    return (index - row * values).clamp_(0, values - 1)


def choose_product(
    tables: Sequence[torch.Tensor], given: Sequence[Sequence[torch.Tensor]], generator: torch.Generator
) -> torch.Tensor:
    """The same from rows that are products of rows of several tables."""
    if len(tables) == 1:
        return choose(tables[0], given[0], generator)
    weights = torch.ones((), dtype=torch.float64, device=tables[0].device)
    for table, positions in zip(tables, given, strict=True):
        weights = weights * table[tuple(positions)]
    return _search(weights.double().cumsum(-1), _uniforms(weights.shape[:-1], weights, generator))


def _uniforms(shape: Sequence[int], like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(tuple(shape), generator=generator, dtype=torch.float64, device=like.device)


def _search(heights: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """heights: (*, value), running sums. right: a u of 0 takes the first value that is possible."""
    index = torch.searchsorted(heights, u[..., None] * heights[..., -1:], right=True)
    return index.squeeze(-1).clamp_max_(heights.shape[-1] - 1)
