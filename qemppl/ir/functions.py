"""The builtin functions and operators of the language: one row each.

`apply` receives tensors whose leading axes (plate member, particles) are already aligned. An elementwise function also has its event
axes aligned; a reduction works on the last event axis. The checker reads the signatures and never calls `apply`, so torch is not
imported for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from qemppl.numerics.lazy import torch

Shape = Literal["elementwise", "reduce", "contract", "vector"]


@dataclass(frozen=True)
class Function:
    """A builtin.

    name: as written in a model, or the name of an operator. parameters: names of the arguments, for messages. shape: `elementwise`
    (scalars, or vectors of one size), `reduce` (a vector to a scalar), `contract` (two vectors to a scalar), `vector` (a vector to
    a vector of the same size). integer: int arguments give an int. operator: its symbol, where it is written as one.
    """

    name: str
    parameters: tuple[str, ...]
    apply: Callable[..., torch.Tensor]
    shape: Shape = "elementwise"
    integer: bool = False
    operator: str | None = None


def _boolean(compare: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A comparison whose result is 0 or 1 in the dtype of its arguments."""
    return lambda a, b: compare(a, b).to(a.dtype)


def _truth(a: torch.Tensor) -> torch.Tensor:
    return a != 0


_ROWS = (
    Function("add", ("a", "b"), lambda a, b: a + b, integer=True, operator="+"),
    Function("subtract", ("a", "b"), lambda a, b: a - b, integer=True, operator="-"),
    Function("multiply", ("a", "b"), lambda a, b: a * b, integer=True, operator="*"),
    Function("divide", ("a", "b"), lambda a, b: a / b, operator="/"),
    Function("remainder", ("a", "b"), lambda a, b: torch.remainder(a, b), integer=True, operator="%"),  # noqa: PLW0108 (torch is lazy)
    Function("power", ("a", "b"), lambda a, b: a**b, operator="^"),
    Function("negate", ("a",), lambda a: -a, integer=True, operator="-"),
    Function("not", ("a",), lambda a: (~_truth(a)).to(a.dtype), integer=True, operator="!"),
    Function("and", ("a", "b"), lambda a, b: (_truth(a) & _truth(b)).to(a.dtype), integer=True, operator="&&"),
    Function("or", ("a", "b"), lambda a, b: (_truth(a) | _truth(b)).to(a.dtype), integer=True, operator="||"),
    Function("equal", ("a", "b"), _boolean(lambda a, b: a == b), integer=True, operator="=="),
    Function("not_equal", ("a", "b"), _boolean(lambda a, b: a != b), integer=True, operator="!="),
    Function("less", ("a", "b"), _boolean(lambda a, b: a < b), integer=True, operator="<"),
    Function("less_equal", ("a", "b"), _boolean(lambda a, b: a <= b), integer=True, operator="<="),
    Function("greater", ("a", "b"), _boolean(lambda a, b: a > b), integer=True, operator=">"),
    Function("greater_equal", ("a", "b"), _boolean(lambda a, b: a >= b), integer=True, operator=">="),
    Function(
        "select", ("condition", "a", "b"), lambda c, a, b: torch.where(_truth(c), a, b), integer=True, operator="?:"
    ),
    Function("exp", ("x",), lambda x: x.exp()),
    Function("log", ("x",), lambda x: x.log()),
    Function("log1p", ("x",), lambda x: x.log1p()),
    Function("log1m", ("x",), lambda x: (-x).log1p()),
    Function("expm1", ("x",), lambda x: x.expm1()),
    Function("sqrt", ("x",), lambda x: x.sqrt()),
    Function("square", ("x",), lambda x: x * x, integer=True),
    Function("pow", ("x", "y"), lambda x, y: x**y),
    Function("abs", ("x",), lambda x: x.abs(), integer=True),
    Function("inv", ("x",), lambda x: 1 / x),
    Function("inv_logit", ("x",), lambda x: x.sigmoid()),
    Function("logit", ("x",), lambda x: x.log() - (-x).log1p()),
    Function("Phi", ("x",), lambda x: 0.5 * torch.special.erfc(-x / math.sqrt(2))),
    Function("tanh", ("x",), lambda x: x.tanh()),
    Function("softmax", ("x",), lambda x: x.softmax(-1), shape="vector"),
    Function("sum", ("x",), lambda x: x.sum(-1), shape="reduce", integer=True),
    Function("mean", ("x",), lambda x: x.mean(-1), shape="reduce"),
    Function("min", ("x",), lambda x: x.amin(-1), shape="reduce", integer=True),
    Function("max", ("x",), lambda x: x.amax(-1), shape="reduce", integer=True),
    Function("dot_product", ("x", "y"), lambda x, y: (x * y).sum(-1), shape="contract"),
)

FUNCTIONS: dict[str, Function] = {row.name: row for row in _ROWS}
CALLABLE: dict[str, Function] = {row.name: row for row in _ROWS if row.operator is None}
"""The functions that a model calls by name."""
