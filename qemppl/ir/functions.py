"""The builtin functions and operators of the language: one row each.

The checker reads names and signatures only: neither torch nor numpy is imported for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qemppl.numerics.lazy import numpy as np
from qemppl.numerics.lazy import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True)
class Function:
    """A builtin, for torch and for numpy.

    name: as written in a model, or the name of an operator. parameters: names of the arguments, for messages. signature: the own axes
    of arguments and result, a letter an axis (`nm,m->n`); None for an elementwise function, whose arguments are numbers or have one
    shape. apply, compute: the value from tensors, from arrays; leading axes (member, particles) are aligned already, and so are
    those of the event of an elementwise function. integer: int arguments give an int. operator: its symbol, if it is written as one.
    is_contraction: the result is the sum, over the letters that it lacks, of the product of the arguments.
    """

    name: str
    parameters: tuple[str, ...]
    apply: Callable[..., torch.Tensor]
    compute: Callable[..., Array]
    signature: str | None = None
    integer: bool = False
    operator: str | None = None
    is_contraction: bool = False

    @property
    def axes(self) -> tuple[str, ...]:
        """The letters of each argument's own axes; of an elementwise function there are none."""
        return tuple((self.signature or "," * (len(self.parameters) - 1) + "->").split("->")[0].split(","))

    @property
    def result(self) -> str:
        """The letters of the result's axes."""
        return (self.signature or "->").split("->")[1]

    @property
    def is_sized(self) -> bool:
        """Whether the last argument is the size of the result: `apply` and `compute` take it as a Python int."""
        return not set(self.result) <= set("".join(self.axes))


def _torch_truth(compare: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A comparison whose result is 0 or 1 in the dtype of its arguments."""
    return lambda a, b: compare(a, b).to(a.dtype)


def _truth(function: Callable[..., Array]) -> Callable[..., Array]:
    return lambda *arguments: function(*arguments).astype(np.float64)


def _by_element(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """What numpy lacks, one number at a time."""

    def compute(x: Array) -> Array:
        values: Array = np.fromiter(map(function, np.ravel(x).tolist()), np.float64, np.size(x))
        return values.reshape(np.shape(x))

    return compute


def _lgamma(x: float) -> float:
    return math.inf if x <= 0 and x == math.floor(x) else math.lgamma(x)


def _row(name: str, apply: Callable[..., torch.Tensor], compute: Callable[..., Array], **more: Any) -> Function:
    """A function of one number."""
    return Function(name, ("x",), apply, compute, **more)


def _softmax(x: Array) -> Array:
    terms: Array = np.exp(x - np.max(x, -1, keepdims=True))
    shares: Array = terms / terms.sum(-1, keepdims=True)
    return shares


def _sd(x: Any, root: Callable[[Any], Any]) -> Any:
    """With the divisor n - 1; of one component NaN, without the warnings of `std`."""
    mean = x.sum(-1)[..., None] / x.shape[-1]
    deviations = x - mean
    return root((deviations * deviations).sum(-1) / (x.shape[-1] - 1 or np.nan))


def _log_sum_exp(x: Array) -> Array:
    largest = np.max(x, -1, keepdims=True)
    total: Array = np.log(np.exp(x - largest).sum(-1))
    result: Array = total + largest[..., 0]
    return result


def _where(condition: Array, a: Array, b: Array) -> Array:
    return np.where(condition != 0, a, b)


_ARITHMETIC = (
    Function("add", ("a", "b"), lambda a, b: a + b, lambda a, b: a + b, integer=True, operator="+"),
    Function("subtract", ("a", "b"), lambda a, b: a - b, lambda a, b: a - b, integer=True, operator="-"),
    Function("multiply", ("a", "b"), lambda a, b: a * b, lambda a, b: a * b, integer=True, operator="*"),
    Function("divide", ("a", "b"), lambda a, b: a / b, lambda a, b: a / b, operator="/"),
    Function(
        "remainder",
        ("a", "b"),
        lambda a, b: torch.remainder(a, b),
        lambda a, b: np.remainder(a, b),
        integer=True,
        operator="%",
    ),
    Function("power", ("a", "b"), lambda a, b: a**b, lambda a, b: a**b, operator="^"),
    Function("negate", ("a",), lambda a: -a, lambda a: -a, integer=True, operator="-"),
)

_LOGIC = (
    Function("not", ("a",), lambda a: (a == 0).to(a.dtype), _truth(lambda a: a == 0), integer=True, operator="!"),
    Function(
        "and",
        ("a", "b"),
        _torch_truth(lambda a, b: (a != 0) & (b != 0)),
        _truth(lambda a, b: (a != 0) & (b != 0)),
        integer=True,
        operator="&&",
    ),
    Function(
        "or",
        ("a", "b"),
        _torch_truth(lambda a, b: (a != 0) | (b != 0)),
        _truth(lambda a, b: (a != 0) | (b != 0)),
        integer=True,
        operator="||",
    ),
    *(
        Function(name, ("a", "b"), _torch_truth(compare), _truth(compare), integer=True, operator=operator)
        for name, operator, compare in (
            ("equal", "==", lambda a, b: a == b),
            ("not_equal", "!=", lambda a, b: a != b),
            ("less", "<", lambda a, b: a < b),
            ("less_equal", "<=", lambda a, b: a <= b),
            ("greater", ">", lambda a, b: a > b),
            ("greater_equal", ">=", lambda a, b: a >= b),
        )
    ),
    Function(
        "select",
        ("condition", "a", "b"),
        lambda c, a, b: torch.where(c != 0, a, b),
        _where,
        integer=True,
        operator="?:",
    ),
)

_ELEMENTWISE = (
    _row("exp", lambda x: x.exp(), lambda x: np.exp(x)),
    _row("log", lambda x: x.log(), lambda x: np.log(x)),
    _row("log1p", lambda x: x.log1p(), lambda x: np.log1p(x)),
    _row("log1m", lambda x: (-x).log1p(), lambda x: np.log1p(-x)),
    _row("expm1", lambda x: x.expm1(), lambda x: np.expm1(x)),
    _row("log1p_exp", lambda x: torch.nn.functional.softplus(x, threshold=40.0), lambda x: np.logaddexp(0.0, x)),
    _row("sqrt", lambda x: x.sqrt(), lambda x: np.sqrt(x)),
    _row("square", lambda x: x * x, lambda x: x * x, integer=True),
    Function("pow", ("x", "y"), lambda x, y: x**y, lambda x, y: x**y),
    _row("abs", lambda x: x.abs(), lambda x: np.abs(x), integer=True),
    _row("inv", lambda x: 1 / x, lambda x: 1 / x),
    _row("inv_logit", lambda x: x.sigmoid(), lambda x: 0.5 * (1 + np.tanh(0.5 * x))),
    _row("logit", lambda x: x.log() - (-x).log1p(), lambda x: np.log(x) - np.log1p(-x)),
    _row(
        "Phi",
        lambda x: 0.5 * torch.special.erfc(-x / math.sqrt(2)),
        _by_element(lambda x: 0.5 * math.erfc(-x / math.sqrt(2))),
    ),
    _row("lgamma", lambda x: x.lgamma(), _by_element(_lgamma)),
    _row("sin", lambda x: x.sin(), lambda x: np.sin(x)),
    _row("cos", lambda x: x.cos(), lambda x: np.cos(x)),
    _row("tanh", lambda x: x.tanh(), lambda x: np.tanh(x)),
    _row("floor", lambda x: x.floor(), lambda x: np.floor(x)),
    _row("ceil", lambda x: x.ceil(), lambda x: np.ceil(x)),
    Function("fmin", ("x", "y"), lambda x, y: torch.minimum(x, y), lambda x, y: np.minimum(x, y)),
    Function("fmax", ("x", "y"), lambda x, y: torch.maximum(x, y), lambda x, y: np.maximum(x, y)),
)

_VECTORS = (
    _row("sum", lambda x: x.sum(-1), lambda x: x.sum(-1), signature="n->", integer=True),
    _row("mean", lambda x: x.mean(-1), lambda x: x.mean(-1), signature="n->"),
    _row("sd", lambda x: _sd(x, torch.sqrt), lambda x: _sd(x, np.sqrt), signature="n->"),
    _row("min", lambda x: x.amin(-1), lambda x: x.min(-1), signature="n->", integer=True),
    _row("max", lambda x: x.amax(-1), lambda x: x.max(-1), signature="n->", integer=True),
    _row("log_sum_exp", lambda x: x.logsumexp(-1), _log_sum_exp, signature="n->"),
    _row("softmax", lambda x: x.softmax(-1), _softmax, signature="n->n"),
    _row("cumulative_sum", lambda x: x.cumsum(-1), lambda x: x.cumsum(-1), signature="n->n"),
    Function(
        "dot_product",
        ("x", "y"),
        lambda x, y: (x * y).sum(-1),
        lambda x, y: (x * y).sum(-1),
        signature="n,n->",
        is_contraction=True,
    ),
    Function(
        "rep_vector",
        ("x", "n"),
        lambda x, n: x.unsqueeze(-1).expand(*x.shape, n),
        lambda x, n: np.broadcast_to(np.asarray(x)[..., None], (*np.shape(x), n)),
        signature=",->n",
    ),
)

_MATRICES = (
    Function(
        "matrix_vector",
        ("a", "x"),
        lambda a, x: (a * x[..., None, :]).sum(-1),
        lambda a, x: (a * x[..., None, :]).sum(-1),
        signature="nm,m->n",
        operator="*",
        is_contraction=True,
    ),
    Function(
        "matrix_product",
        ("a", "b"),
        lambda a, b: a @ b,
        lambda a, b: a @ b,
        signature="nm,mk->nk",
        operator="*",
        is_contraction=True,
    ),
    _row("transpose", lambda a: a.mT, lambda a: np.swapaxes(a, -1, -2), signature="nm->mn", operator="'"),
    Function(
        "diag_pre_multiply",
        ("d", "a"),
        lambda d, a: d[..., :, None] * a,
        lambda d, a: d[..., :, None] * a,
        signature="n,nm->nm",
    ),
    Function(
        "quad_form_diag",
        ("a", "d"),
        lambda a, d: d[..., :, None] * a * d[..., None, :],
        lambda a, d: d[..., :, None] * a * d[..., None, :],
        signature="nn,n->nn",
    ),
)

FUNCTIONS: dict[str, Function] = {
    row.name: row for row in (*_ARITHMETIC, *_LOGIC, *_ELEMENTWISE, *_VECTORS, *_MATRICES)
}
CALLABLE: dict[str, Function] = {row.name: row for row in FUNCTIONS.values() if row.operator is None}
"""The functions that a model calls by name."""
PLATE_REDUCTIONS = ("sum", "mean", "sd", "min", "max")
"""The functions that a model writes with `over` a plate."""
