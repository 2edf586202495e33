"""What instructions do to the axes (member, *particles, *event) of their operands."""

from __future__ import annotations

from collections.abc import Callable

from qemppl.numerics.lazy import torch


def insert_axes(missing: tuple[int, ...], value: torch.Tensor) -> torch.Tensor:
    """Axes of size 1 at the places of groups that are missing."""
    for position in missing:
        value = value.unsqueeze(1 + position)
    return value


def sized(apply: Callable[..., torch.Tensor], size: int, value: torch.Tensor) -> torch.Tensor:
    """A function of a value and a size."""
    return apply(value, size)


def components_as_particles(axis: int, place: int, index: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """value (member, *particles, component, *rest) -> (member, *particles with that of the index at `place`, *rest)."""
    return value.index_select(axis, index).movedim(axis, place)


def take_component(axis: int, value: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """value (member, *particles, component, *rest), index (member, *particles) -> (member, *particles, *rest)."""
    trailing = value.dim() - axis
    index = index.long().reshape(*index.shape, *(1,) * trailing) - 1
    return torch.take_along_dim(value, index, axis).squeeze(axis)


def einsum(equation: str, at_root: tuple[bool, ...], left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Of two values, of which those at the root have no member axis in the equation."""
    operands = [v.squeeze(0) if root else v for v, root in zip((left, right), at_root, strict=True)]
    result = torch.einsum(equation, *operands)
    return result.unsqueeze(0) if all(at_root) else result


def gather_root(position: int, value: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """value (1, *particles, component, *rest), index (member,) -> (member, *particles, *rest)."""
    return value.squeeze(0).movedim(position - 1, 0).index_select(0, index.long() - 1)


def gather_rows(position: int, value: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """value (member, *particles, component, *rest), index (member,) -> (member, *particles, *rest)."""
    member = torch.arange(len(index), device=index.device)
    return value.movedim(position, 1)[member, index.long() - 1]
