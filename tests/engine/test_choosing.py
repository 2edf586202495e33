"""Draws from rows of weights: frequencies within six standard errors, a false alarm less than once in ten thousand runs."""

from __future__ import annotations

import pytest

from qemppl.engine.choosing import choose, choose_product
from qemppl.numerics.lazy import torch

DRAWS = 20_000


def frequencies(index: torch.Tensor, values: int) -> torch.Tensor:
    """(draw, member) -> (member, value)."""
    return torch.stack([(index == value).double().mean(0) for value in range(values)], -1)


def check(index: torch.Tensor, weights: torch.Tensor) -> None:
    share = weights / weights.sum(-1, keepdim=True)
    found = frequencies(index, weights.shape[-1])
    assert ((found - share).abs() <= 6 * (share * (1 - share) / len(index)).sqrt()).all()
    assert (found[share == 0] == 0).all()


@pytest.mark.parametrize("rows", [3, 3 * DRAWS])
def test_all_rows_as_one_or_each_by_itself(rows: int) -> None:
    """More rows than draws are searched one by one, fewer all together."""
    generator = torch.Generator().manual_seed(4)
    table = torch.rand(rows, 2, 5, generator=generator, dtype=torch.float64)
    table[:, :, 0] = table[:, :, 4] = 0.0
    table[1, 1] *= 1e-200
    row, column = torch.tensor([1, 2, 0]).expand(DRAWS, -1), torch.tensor([1, 0, 1]).expand(DRAWS, -1)
    check(choose(table, (row, column), generator), table[row[0], column[0]])


def test_products_of_rows() -> None:
    generator = torch.Generator().manual_seed(5)
    first, second = (torch.rand(size, 4, generator=generator, dtype=torch.float64) for size in (3, 2))
    picks = [torch.tensor([0, 2]).expand(DRAWS, -1)], [torch.tensor([1, 0]).expand(DRAWS, -1)]
    check(choose_product([first, second], picks, generator), first[[0, 2]] * second[[1, 0]])


def test_a_row_without_weight_is_no_fault() -> None:
    generator = torch.Generator().manual_seed(6)
    index = choose(torch.zeros(2, 3), (torch.zeros(100, 1, dtype=torch.long),), generator)
    assert ((index >= 0) & (index < 3)).all()
