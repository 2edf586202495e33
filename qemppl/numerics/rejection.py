"""Draws by rejection."""

from __future__ import annotations

from collections.abc import Callable

from qemppl.numerics.elementwise import broadcast
from qemppl.numerics.lazy import torch


def draw_by_rejection(
    propose: Callable[..., tuple[torch.Tensor, torch.Tensor]], *parameters: torch.Tensor
) -> torch.Tensor:
    """One draw for each element of the broadcast parameters: new proposals where the last one was refused.

    propose: from parameters, (element,), to proposals and whether each is refused. A NaN must not count as refused, or the loop
    would not end.
    """
    parameters = broadcast(*parameters)
    columns = [parameter.flatten() for parameter in parameters]
    draws = torch.empty_like(columns[0])
    open_elements = torch.arange(len(draws), device=draws.device)
    while len(open_elements):
        draws[open_elements], refused = propose(*(column[open_elements] for column in columns))
        open_elements = open_elements[refused]
    return draws.view(parameters[0].shape)
