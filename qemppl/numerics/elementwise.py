"""Arithmetic that reuses the storage of large temporaries: each full-size pass saved is time saved in the inner loop."""

from __future__ import annotations

from qemppl.numerics.lazy import torch


def has_room(tensor: torch.Tensor, *others: torch.Tensor) -> bool:
    """Whether every other tensor broadcasts to the shape of `tensor` without enlarging it, and no derivative needs `tensor` as it is."""
    if tensor.requires_grad:
        return False
    shape = tensor.shape
    for other in others:
        extra = len(shape) - other.dim()
        if extra < 0 or any(n not in (1, shape[extra + i]) for i, n in enumerate(other.shape)):
            return False
    return True


def times(fresh: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """fresh * factor, written over `fresh` where there is room: for a temporary that nothing else uses."""
    return fresh.mul_(factor) if has_room(fresh, factor) else fresh * factor


def plus(fresh: torch.Tensor, term: torch.Tensor, sign: float = 1.0) -> torch.Tensor:
    """fresh + sign term, written over `fresh` where there is room: for a temporary that nothing else uses."""
    return fresh.add_(term, alpha=sign) if has_room(fresh, term) else fresh.add(term, alpha=sign)


def plus_product(fresh: torch.Tensor, a: torch.Tensor, b: torch.Tensor, sign: float = 1.0) -> torch.Tensor:
    """fresh + sign a b, written over `fresh` where there is room: for a temporary that nothing else uses."""
    if has_room(fresh, a, b):
        return fresh.addcmul_(a, b, value=sign)
    return torch.addcmul(fresh, a, b, value=sign)


def log_indicator(inside: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """0 where `inside`, else -inf, in the dtype of `like`."""
    return torch.zeros(inside.shape, dtype=like.dtype, device=like.device).masked_fill_(~inside, -torch.inf)


def positive(scale: torch.Tensor) -> torch.Tensor:
    """A positive argument, with the smallest normal number in place of one that underflowed to 0."""
    return scale.clamp_min(torch.finfo(scale.dtype).tiny)


def broadcast(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The tensors expanded to their common shape."""
    return tuple(torch.broadcast_tensors(*tensors))  # type: ignore[no-untyped-call]
