"""Values of expressions: of data alone before anything is fitted, and with given latents on joint draws."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Generic, cast, overload

import numpy as np

from qemppl.data.backend import NUMPY, A, Array, Backend, Positions
from qemppl.data.bound import BoundModel
from qemppl.ir.functions import FUNCTIONS, Function
from qemppl.ir.model import (
    Call,
    Constant,
    DataRef,
    DefinitionRef,
    Expr,
    Gather,
    Lag,
    LatentRef,
    PlateReduce,
    Previous,
    ValueType,
    before,
    children,
)

__all__ = ["Array", "Evaluator"]


class Evaluator(Generic[A]):
    """Evaluates expressions on a bound model: a value has axes (*leading, [member of the expression's plate,] *event).

    values: latents, deterministic names and draws by name, with any leading axes, read when they are needed: names may be added to the
    mapping between two evaluations. Data have no leading axes and broadcast. A deterministic name of `model` that is not among the
    values is computed when it is first asked for; `prev(x)` is a value of that name. None stands for a value that is not known.
    """

    @overload
    def __init__(self: Evaluator[Array], bound: BoundModel) -> None: ...
    @overload
    def __init__(self, bound: BoundModel, values: Mapping[str, A], backend: Backend[A]) -> None: ...
    def __init__(self, bound: BoundModel, values: Mapping[str, Any] | None = None, backend: Any = NUMPY) -> None:
        self.bound = bound
        self.backend: Backend[A] = backend
        self._values: Mapping[str, A] = {} if values is None else values
        self._pending = iter(bound.ir.definitions)
        self._definitions: dict[str, A | None] = {}
        self._data: dict[str, A] = {}

    def evaluate(self, expr: Expr) -> A | None:
        """The value of an expression; of an elementwise function, axes of length 1 stand for any length."""
        value: A | None = None
        for step in self.steps(expr):
            value = step[2]
        return value

    def steps(self, expr: Expr) -> Iterator[tuple[Expr, list[A | None], A | None]]:
        """Every subexpression with the values of its direct parts and its own, parts first; the expression itself comes last.

        Without recursion: a long sum nests deeply.
        """
        pending: list[tuple[Expr, bool]] = [(expr, False)]
        done: list[A | None] = []
        while pending:
            node, is_ready = pending.pop()
            parts = children(node)
            if parts and not is_ready:
                pending.append((node, True))
                pending.extend((part, False) for part in reversed(parts))
                continue
            arguments = done[len(done) - len(parts) :]
            del done[len(done) - len(parts) :]
            done.append(self._node(node, arguments))
            yield node, arguments, done[-1]

    def align(self, value: A, own: ValueType, target: ValueType) -> A:
        """A value as it is seen from a plate below its own and among more event axes, up to broadcasting.

        (*leading, [member of own.plate,] *event) -> (*leading, [member of target.plate or 1,] *1, *event), with as many event axes
        as `target` has.
        """
        rank, width = len(own.event), max(len(own.event), len(target.event))
        is_placed = own.plate is None and target.plate is not None
        shape = _shape(value)
        outer = shape[: len(shape) - rank]
        if is_placed or width > rank:
            value = _reshaped(value, (*outer, *(1,) * (is_placed + width - rank), *shape[len(outer) :]))
        if own.plate is None or own.plate == target.plate:
            return value
        return self.backend.take(value, self.ancestors(target.plate, own.plate), -width - 1)

    def ancestors(self, plate: str | None, ancestor: str) -> Positions:
        """(member of `plate`,): the position of the member of `ancestor` around each."""
        assert plate is not None, "a value is seen from its own plate and from those below"
        positions: Positions | None = None
        for name in reversed(self.bound.ir.path(plate)):
            if name == ancestor:
                break
            parent = self.bound.members[name].parent
            assert parent is not None, "a value is seen from its own plate and from those below"
            positions = parent if positions is None else parent[positions]
        return np.arange(self.bound.count(plate)) if positions is None else positions

    def _node(self, node: Expr, parts: list[A | None]) -> A | None:  # noqa: PLR0911 (one line a form)
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        match node:
            case Constant():
                return self.backend.constant(np.array(node.value))
            case DataRef():
                return self._read(node.name)
            case LatentRef() | DefinitionRef():
                return self._values[node.name] if node.name in self._values else self._definition(node.name)
            case Call():
                return self._call(node, known)
            case Gather():
                return self._gather(node, *known)
            case PlateReduce():
                return self._plate_reduce(node, *known)
            case Lag():
                return self._lag(node, *known)
            case Previous():
                return self._values.get(before(node.name))

    def _read(self, name: str) -> A | None:
        """Data, or the size of a dim or of a plate as a number."""
        if name not in self._data:
            if name in self.bound.arrays:
                array = self.bound.arrays[name]
            elif name in self.bound.members:
                array = np.array(float(self.bound.members[name].size))
            elif name in self.bound.sizes:
                array = np.array(float(self.bound.sizes[name]))
            else:
                return None
            self._data[name] = self.backend.constant(array)
        return self._data[name]

    def _definition(self, name: str) -> A | None:
        while name not in self._definitions:
            definition = next(self._pending, None)
            if definition is None:
                return None
            # In the order of the statements: each finds its parts computed.
            self._definitions[definition.name] = self.evaluate(definition.value)
        return self._definitions[name]

    def _call(self, node: Call, parts: list[A]) -> A:
        function = FUNCTIONS[node.function]
        if function.signature is not None and any(0 in map(self.bound.size, x.type.event) for x in node.arguments):
            return self._of_nothing(function, node.type)
        size = [int(cast("Any", parts[-1]))] if function.is_sized else []
        aligned = []
        for part, argument in zip(parts[: len(parts) - len(size)], node.arguments, strict=False):
            own = argument.type
            target = node.type if function.signature is None else ValueType(own.kind, own.event, node.type.plate)
            aligned.append(self.align(part, own, target))
        return self.backend.function(function)(*aligned, *size)

    def _of_nothing(self, function: Function, kind: ValueType) -> A:
        """A function of vectors without components: a sum is 0, anything else is not defined."""
        event = tuple(self.bound.size(size) for size in kind.event)
        is_sum = function.is_contraction or function.name == "sum"
        value = self.backend.constant(np.full(event, 0.0 if is_sum else math.nan))
        return self.align(value, ValueType(kind.kind, kind.event), kind)

    def _gather(self, node: Gather, value: A, index: A) -> A:
        rest = len(node.value.type.event) - 1
        value = self.align(value, node.value.type, ValueType(node.type.kind, node.value.type.event, node.type.plate))
        index = self.align(index, node.index.type, ValueType("int", (1,) * (rest + 1), node.type.plate))
        picked = self.backend.gather(value, index, -rest - 1)
        shape = _shape(picked)
        return _reshaped(picked, shape[: len(shape) - rest - 1] + shape[len(shape) - rest :])

    def _plate_reduce(self, node: PlateReduce, value: A) -> A:
        """The members of a plate stand in the order of their parents, so those below one member are consecutive."""
        value = self._at_members(value, node.value.type, node.over)
        axis, group = -len(node.type.event) - 1, node.type.plate
        if group is None:
            reduced = self.backend.plate_reduce(node.function, value, np.array([self.bound.count(node.over)]), axis)
            shape = _shape(reduced)
            return _reshaped(reduced, shape[:axis] + shape[axis:][1:])
        lengths = np.bincount(self.ancestors(node.over, group), minlength=self.bound.count(group))
        return self.backend.plate_reduce(node.function, value, lengths, axis)

    def _lag(self, node: Lag, value: A) -> A:
        """NaN before the first step of each chain. Of members that are not whole chains it is an array, by its text."""
        if (known := self._read(node.span.text)) is not None:
            return known
        chain = self.bound.members[node.chain]
        earlier = np.maximum(np.arange(chain.size) - node.steps, -1)
        if chain.parent is not None:
            earlier[chain.parent[earlier] != chain.parent] = -1
        value = self._at_members(value, node.value.type, node.chain)
        return self.backend.take(value, earlier, -len(node.type.event) - 1)

    def _at_members(self, value: A, own: ValueType, plate: str) -> A:
        """A value at each member of a plate, with no axis of length 1 in their place."""
        value = self.align(value, own, ValueType(own.kind, own.event, plate))
        axis, members = -len(own.event) - 1, self.bound.count(plate)
        if _shape(value)[axis] == members:
            return value
        return self.backend.take(value, np.zeros(members, np.int64), axis)


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(value.shape)


def _reshaped(value: A, shape: tuple[int, ...]) -> A:
    return cast("A", cast("Any", value).reshape(shape))
