"""How the members of a chain's plate follow each other, as positions to gather by: planned once for each section of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qemppl.data.chain_steps import at_steps
from qemppl.numerics.lazy import torch


@dataclass(frozen=True)
class Fold:
    """Neighbouring transitions that become one. left, right: (pair,) their positions; lone: (other,), those without a neighbour. What
    comes out is numbered in the order pairs, others."""

    left: torch.Tensor
    right: torch.Tensor
    lone: torch.Tensor


@dataclass(frozen=True)
class Links:
    """The chains of a section, the longest first. parent: (member,) the position of each step's parent, sorted. parents: their number."""

    parent: NDArray[np.int64]
    parents: int
    device: str

    @cached_property
    def _lengths(self) -> NDArray[np.int64]:
        return np.bincount(self.parent, minlength=self.parents)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """(chain,) the parents that have one."""
        order = np.argsort(-self._lengths, kind="stable")
        return order[self._lengths[order] > 0]

    @cached_property
    def _first(self) -> NDArray[np.int64]:
        """(chain,) the first member."""
        return (np.cumsum(self._lengths) - self._lengths)[self._order]

    @cached_property
    def owner(self) -> torch.Tensor:
        """(chain,) the position of its parent."""
        return self._tensor(self._order)

    @cached_property
    def first(self) -> torch.Tensor:
        """(chain,) the position of its first member."""
        return self._tensor(self._first)

    @property
    def longest(self) -> int:
        """Steps of the longest chain."""
        return int(self._lengths.max(initial=0))

    @property
    def chains(self) -> int:
        return len(self._order)

    @cached_property
    def even(self) -> bool:
        """Whether every parent has a chain, and all are equally long."""
        return len(set(self._lengths.tolist())) == 1

    @cached_property
    def steps(self) -> tuple[torch.Tensor, ...]:
        """By step, (chain,) the members that stand there, of the chains that are long enough: these come first."""
        return tuple(map(self._tensor, at_steps(self._first, self._lengths[self._order])))

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """Rounds of folding, until each chain is one transition; of these, `tops` says whose they are."""
        return self._folding[0]

    @property
    def tops(self) -> torch.Tensor:
        """(chain,) the position of each chain's only transition after all folds."""
        return self._folding[1]

    @cached_property
    def _folding(self) -> tuple[tuple[Fold, ...], torch.Tensor]:
        chain = np.empty(self.parents, np.int64)
        chain[self._order] = np.arange(self.chains)
        owner = chain[self.parent]
        place = np.arange(len(owner)) - self._first[owner]
        folds = []
        while place.max(initial=0) > 0:
            order = np.lexsort((place, owner))
            is_left = place[order] % 2 == 0
            has_right = np.zeros_like(is_left)
            has_right[:-1] = is_left[:-1] & (owner[order][1:] == owner[order][:-1])
            left, lone = order[has_right], order[is_left & ~has_right]
            right = order[np.flatnonzero(has_right) + 1]
            folds.append(Fold(*map(self._tensor, (left, right, lone))))
            kept = np.concatenate((left, lone))
            owner, place = owner[kept], place[kept] // 2
        return tuple(folds), self._tensor(np.argsort(owner, kind="stable"))

    def _tensor(self, positions: NDArray[np.int64]) -> torch.Tensor:
        return torch.as_tensor(positions, device=self.device)
