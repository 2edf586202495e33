"""Dot products of sums and of products, each part contracted with what it shares particles with.

A coefficient such as mu + exp(psi) .* e has a value for every pair of particles of its parts, in every component. But with data x

    (mu + exp(psi) .* e)' x  =  mu' x + (e .* x)' exp(psi),

where the first product has no pairs, and the second is a matrix product over the components: nothing has both pairs and components.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qemppl.ir.functions import FUNCTIONS

if TYPE_CHECKING:
    from qemppl.compile.builder import Builder


def distributed(builder: Builder, first: int, second: int) -> int | None:
    """The slot of the dot product of two vectors; None where it costs least as it stands."""
    for vector, other in ((first, second), (second, first)):
        name, parts = builder.calls.get(vector, ("", ()))
        differs = [builder.layouts[part].groups != builder.layouts[vector].groups for part in parts]
        if name in {"add", "subtract"} and any(differs):
            return builder.call(name, [_with(builder, part, other) for part in parts])
        if name == "multiply" and all(differs):
            return _product(builder, parts, other)
    return None


def _with(builder: Builder, part: int, other: int) -> int:
    """The sum over components of a part, a vector or a number, times another vector."""
    if builder.layouts[part].event:
        return builder.call("dot_product", [part, other])
    return builder.call("multiply", [part, builder.call("sum", [other])])


def _product(builder: Builder, parts: Sequence[int], other: int) -> int:
    """The sum over components of two parts, one of them maybe a number, times another vector."""
    numbers = [part for part in parts if not builder.layouts[part].event]
    if numbers:
        (vector,) = (part for part in parts if part not in numbers)
        return builder.call("multiply", [*numbers, builder.call("dot_product", [vector, other])])
    outer, inner = sorted(parts, key=lambda part: builder.axes.depth(builder.layouts[part].plate))
    return builder.contract(FUNCTIONS["dot_product"], [builder.call("multiply", [inner, other]), outer])
