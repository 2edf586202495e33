"""Values of expressions that depend on data and constants only, computed with numpy before anything is fitted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qemppl.data.bound import BoundModel
from qemppl.ir.model import Call, Constant, DataRef, Definition, DefinitionRef, Expr, ValueType, walk

Array = NDArray[np.float64]

_ELEMENTWISE: dict[str, Callable[..., Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "remainder": np.remainder,
    "power": np.power,
    "pow": np.power,
    "negate": np.negative,
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "log1m": lambda x: np.log1p(-x),
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "square": np.square,
    "abs": np.abs,
    "inv": np.reciprocal,
}
_REDUCTIONS: dict[str, Callable[..., Array]] = {"sum": np.sum, "mean": np.mean, "min": np.min, "max": np.max}


class Evaluator:
    """Evaluates expressions on a bound model: an array with axes (member of the expression's plate, *event), float64.

    None stands for a value that is not known before fitting, or whose functions are not among the few evaluated here.
    """

    def __init__(self, bound: BoundModel) -> None:
        self.bound = bound
        self._definitions: dict[str, Array | None] = {}
        for statement in bound.ir.statements:
            if isinstance(statement, Definition):
                self._definitions[statement.name] = self.evaluate(statement.value)

    def evaluate(self, expr: Expr) -> Array | None:
        """Children before parents, without recursion: a long sum nests deeply."""
        values: dict[int, Array | None] = {}
        with np.errstate(all="ignore"):
            for node in reversed(list(walk(expr))):
                values[id(node)] = self._node(node, values)
        return values[id(expr)]

    def _node(self, node: Expr, values: dict[int, Array | None]) -> Array | None:
        match node:
            case Constant():
                value: Array | None = np.array(node.value)
            case DataRef():
                value = self._data(node.name)
            case DefinitionRef():
                value = self._definitions.get(node.name)
            case Call():
                value = self._call(node, [values[id(argument)] for argument in node.arguments])
            case _:
                value = None
        return value

    def _call(self, node: Call, arguments: list[Array | None]) -> Array | None:
        known = [(x, argument.type) for x, argument in zip(arguments, node.arguments, strict=True) if x is not None]
        if len(known) < len(arguments):
            return None
        if node.function in _ELEMENTWISE:
            return _ELEMENTWISE[node.function](*(self.align(x, own, node.type) for x, own in known))
        if node.function in _REDUCTIONS and known[0][0].shape[-1:] != (0,):
            return _REDUCTIONS[node.function](known[0][0], axis=-1)
        return None

    def _data(self, name: str) -> Array | None:
        if name in self.bound.arrays:
            return self.bound.arrays[name].astype(np.float64)
        if name in self.bound.members:
            return np.array(float(self.bound.members[name].size))
        return np.array(float(self.bound.sizes[name])) if name in self.bound.sizes else None

    def align(self, value: Array, own: ValueType, target: ValueType) -> Array:
        """A value as it is seen from a plate below its own and by a wider event shape, up to broadcasting."""
        if target.event and not own.event:
            value = value.reshape(value.shape + (1,) * len(target.event))
        if own.plate is None:
            return value if target.plate is None else value[np.newaxis]
        positions = None
        for plate in reversed(self.bound.ir.path(target.plate)):
            if plate == own.plate:
                break
            parent = self.bound.members[plate].parent
            positions = parent if positions is None or parent is None else parent[positions]
        return value if positions is None else value[positions]
