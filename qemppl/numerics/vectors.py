"""Sums and gathers over the last axis, batch axes broadcasting: what has both batches is the result only, never a temporary."""

from __future__ import annotations

from qemppl.numerics.lazy import torch


def inner(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Sum of a b over the last axis: a matrix product where the batch axes differ."""
    product: torch.Tensor = torch.einsum("...n,...n->...", a, b)
    return product


def weighted_logs(weight: torch.Tensor, log_p: torch.Tensor) -> torch.Tensor:
    """Sum of weight log_p over the last axis; a term of weight 0 is 0, also for log_p = -inf. A term of -inf outweighs one of inf."""
    if bool(log_p.isfinite().all()):
        return inner(weight, log_p)
    terms = weight * torch.where(weight == 0, 0.0, log_p)
    return torch.where((terms == -torch.inf).any(-1), -torch.inf, terms.sum(-1))


def pick(values: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    """values[.., position]. values: (*batch, n). position: (*batch), int64, from 0."""
    position = position.unsqueeze(-1)
    dims = max(values.dim(), position.dim())
    values, position = (v.reshape(*(1,) * (dims - v.dim()), *v.shape) for v in (values, position))
    return torch.take_along_dim(values, position, -1).squeeze(-1)


def apply_matrix(matrix: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    """matrix (*batch, m, n), vector (*batch, n) -> (*batch, m)."""
    product: torch.Tensor = torch.einsum("...mn,...n->...m", matrix, vector)
    return product


def is_unit(total: torch.Tensor) -> torch.Tensor:
    """Whether a sum that should be 1 is, up to the rounding of its terms and of a data file: within the root of the precision."""
    tolerance: float = torch.finfo(total.dtype).eps ** 0.5
    return (total - 1).abs() <= tolerance
