"""Expressions evaluated with tensors: values on joint draws, with the axis `draw` in front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.layout import Target
from qemppl.data.backend import NUMPY, Positions
from qemppl.ir.functions import Function
from qemppl.numerics.lazy import torch


@dataclass(frozen=True)
class TorchBackend:
    """Tensors of one dtype on one device; see `qemppl.data.backend.Backend` for the axes."""

    target: Target

    def constant(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.as_tensor(array, dtype=self.target.dtype, device=self.target.device)

    def function(self, function: Function) -> Callable[..., torch.Tensor]:
        return function.apply

    def take(self, value: torch.Tensor, positions: Positions, axis: int) -> torch.Tensor:
        index = torch.as_tensor(positions, device=value.device)
        taken = value.index_select(axis, index.clamp_min(0))
        absent = (index < 0).reshape(-1, *(1,) * (-axis - 1))
        return taken.masked_fill(absent, torch.nan) if bool(absent.any()) else taken

    def gather(self, value: torch.Tensor, index: torch.Tensor, axis: int) -> torch.Tensor:
        size = value.shape[axis]
        inside = (index >= 1) & (index <= size)
        position = torch.where(inside, index - 1, 0).long()
        axes = max(value.dim(), position.dim())
        value, position = (x.reshape((1,) * (axes - x.dim()) + tuple(x.shape)) for x in (value, position))
        return torch.where(inside, torch.take_along_dim(value, position, axis), torch.nan)

    def plate_reduce(self, name: str, value: torch.Tensor, lengths: Positions, axis: int) -> torch.Tensor:
        reduced = NUMPY.plate_reduce(name, value.detach().cpu().double().numpy(), lengths, axis)
        return self.constant(np.ascontiguousarray(reduced))
