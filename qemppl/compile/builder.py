"""From typed expressions to instructions: axes are aligned by name, constants folded, equal subexpressions shared."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from math import prod

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.layout import Axes, Layout
from qemppl.compile.program import Instruction
from qemppl.data.bound import BoundModel
from qemppl.ir.functions import FUNCTIONS
from qemppl.ir.model import Call, Constant, DataRef, DefinitionRef, Expr, Gather, LatentRef, children
from qemppl.numerics.lazy import torch

Apply = Callable[..., "torch.Tensor"]


class Builder:
    """Collects the instructions of one program.

    latents: the layout of each latent's particles. groups: every particle group, in the order that layouts use.
    """

    def __init__(
        self, bound: BoundModel, axes: Axes, latents: Mapping[str, Layout], dtype: torch.dtype, device: str
    ) -> None:
        self.bound = bound
        self.axes = axes
        self.dtype = dtype
        self.device = device
        self.layouts: list[Layout] = []
        self.constants: dict[int, torch.Tensor] = {}
        self.inputs: dict[str, int] = {}
        self.instructions: list[Instruction] = []
        self._latents = latents
        self._order = {group: i for i, group in enumerate(dict.fromkeys(g for v in latents.values() for g in v.groups))}
        self._definitions = {definition.name: definition.value for definition in bound.ir.definitions}
        self._memo: dict[Hashable, int] = {}

    # Leaves.

    def constant(self, key: Hashable, layout: Layout, make: Callable[[], NDArray[np.generic] | float]) -> int:
        """The slot of a constant; made once for each key. Shape (member, *event) by layout."""
        if key not in self._memo:
            slot = self._new_slot(layout)
            array = np.asarray(make())
            dtype = torch.int64 if array.dtype == np.int64 and _is_index(key) else self.dtype
            shape = (self.axes.size(layout.plate), *layout.event)
            self.constants[slot] = torch.as_tensor(array, dtype=dtype, device=self.device).reshape(shape)
            self._memo[key] = slot
        return self._memo[key]

    def ancestors(self, axis: str, ancestor: str) -> int:
        """The slot of the position of each member's ancestor."""
        return self.constant((_INDEX, axis, ancestor), Layout(axis), lambda: self.axes[axis].parents[ancestor])

    def data(self, name: str, axis: str | None) -> int:
        """The slot of a data variable or size, read at the rows of an axis."""
        if name not in self.bound.arrays:
            return self.constant(("size", name), Layout(), lambda: float(self.bound.size(name)))
        array = self.bound.arrays[name]
        event = array.shape if axis is None else array.shape[1:]
        rows = None if axis is None else self.axes[axis].rows
        return self.constant(
            ("data", name, axis), Layout(axis, (), event), lambda: array if rows is None else array[rows]
        )

    def latent(self, name: str) -> int:
        """The slot that receives the particles of a latent."""
        if name not in self.inputs:
            self.inputs[name] = self._new_slot(self._latents[name])
        return self.inputs[name]

    # Expressions.

    def expression(self, expr: Expr, cells: Mapping[str, str] | None = None) -> int:
        """The slot of an expression. cells: the axis to read a plate's columns on, where it is not the plate's own."""
        cells = cells or {}
        done: dict[int, int] = {}
        stack: list[tuple[Expr, bool]] = [(expr, False)]
        while stack:  # iterative: a long sum nests deeply
            node, ready = stack.pop()
            if ready:
                done[id(node)] = self._node(node, [done[id(child)] for child in self._parts(node)], cells)
            elif id(node) not in done:
                known = self._memo.get(self._definition_key(node, cells))
                if known is not None:
                    done[id(node)] = known
                    continue
                stack.append((node, True))
                stack.extend((child, False) for child in self._parts(node))
        return done[id(expr)]

    def _parts(self, node: Expr) -> tuple[Expr, ...]:
        return (self._definitions[node.name],) if isinstance(node, DefinitionRef) else children(node)

    def _definition_key(self, node: Expr, cells: Mapping[str, str]) -> Hashable:
        return ("definition", node.name, tuple(cells.items())) if isinstance(node, DefinitionRef) else ("none",)

    def _node(self, node: Expr, parts: list[int], cells: Mapping[str, str]) -> int:
        match node:
            case Constant(value=value):
                return self.constant(("number", value), Layout(), lambda: float(value))
            case DataRef(name=name, type=kind):
                return self.data(name, None if kind.plate is None else cells.get(kind.plate, kind.plate))
            case LatentRef(name=name):
                return self.latent(name)
            case DefinitionRef():
                self._memo[self._definition_key(node, cells)] = parts[0]
                return parts[0]
            case Call(function=function):
                return self.call(function, parts)
            case Gather():
                return self._gather(parts[0], parts[1])

    def call(self, name: str, parts: Sequence[int]) -> int:
        """A builtin applied to slots."""
        function = FUNCTIONS[name]
        if function.shape == "contract":
            return self._contract(parts[0], parts[1])
        layout = self.union(parts)
        aligned = [self.align(part, layout) for part in parts]
        if function.shape == "reduce":
            layout = Layout(layout.plate, layout.groups, layout.event[:-1])
        return self.emit(name, function.apply, aligned, layout)

    def elementwise(self, operation: str, apply: Apply, parts: Sequence[int]) -> int:
        """Any function of aligned arguments; `operation` must name what it computes."""
        layout = self.union(parts)
        return self.emit(operation, apply, [self.align(part, layout) for part in parts], layout)

    def _contract(self, left: int, right: int) -> int:
        """Inner product over the last event axis, as a matrix product where the operands' other axes differ."""
        layout = self.union((left, right))
        names = {axis: chr(ord("a") + i) for i, axis in enumerate(("member", *layout.groups, "event"))}
        operands, terms, shapes = [], [], []
        for slot in (left, right):
            at_root = self.layouts[slot].plate is None
            operand = slot if at_root else self._lift(slot, layout.plate)
            axes = (() if at_root else ("member",)) + self.layouts[slot].groups + ("event",)
            operands.append(operand)
            terms.append("".join(names[axis] for axis in axes))
            shapes.append(at_root)
        result = Layout(layout.plate, layout.groups, ())
        target = "".join(names[axis] for axis in (() if all(shapes) else ("member",)) + layout.groups)
        equation = f"{terms[0]},{terms[1]}->{target}"
        return self.emit(f"dot_product {equation}", partial(_einsum, equation, tuple(shapes)), operands, result)

    def _gather(self, value: int, index: int) -> int:
        """`value[index]` along the first event axis; the index is known before fitting and counts from 1."""
        layout, axis = self.layouts[value], self.layouts[index].plate
        rest = layout.event[1:]
        position = 1 + len(layout.groups)
        if axis is None:
            number = int(self.constants[index].item()) - 1
            return self.emit(
                f"component {number + 1}",
                lambda v: v.select(position, number),
                [value],
                Layout(layout.plate, layout.groups, rest),
            )
        joint = self.axes.deepest((axis, layout.plate))
        index = self._lift(index, joint)
        if layout.plate is not None:
            value = self._lift(value, joint)
        apply = partial(_gather_rows, position) if layout.plate is not None else partial(_gather_root, position)
        return self.emit("gather", apply, [value, index], Layout(joint, layout.groups, rest))

    # Alignment.

    def union(self, parts: Sequence[int]) -> Layout:
        """The layout that every part broadcasts to: deepest plate, all groups, widest event."""
        layouts = [self.layouts[part] for part in parts]
        groups = sorted({group for layout in layouts for group in layout.groups}, key=self._order.__getitem__)
        event = max((layout.event for layout in layouts), key=lambda event: (len(event), prod(event)))
        return Layout(self.axes.deepest([layout.plate for layout in layouts]), tuple(groups), event)

    def align(self, slot: int, layout: Layout) -> int:
        """The value lifted to the layout's plate, with axes of size 1 for the groups and event axes it lacks."""
        slot = self._lift(slot, layout.plate)
        own = self.layouts[slot]
        missing = tuple(i for i, group in enumerate(layout.groups) if group not in own.groups)
        trailing = len(layout.event) - len(own.event)
        if not missing and not trailing:
            return slot
        view = Layout(own.plate, layout.groups, layout.event)
        return self.emit(f"view +{missing}+{trailing}", partial(_insert_axes, missing, trailing), [slot], view)

    def _lift(self, slot: int, plate: str | None) -> int:
        """From an ancestor's members to those of `plate`. A value at the root broadcasts as it is."""
        own = self.layouts[slot]
        if own.plate is None or own.plate == plate:
            return slot
        assert plate is not None
        index = self.ancestors(plate, own.plate)
        return self.emit("lift", lambda v, i: v.index_select(0, i), [slot, index], Layout(plate, own.groups, own.event))

    # Instructions.

    def emit(self, operation: str, apply: Apply, sources: Sequence[int], layout: Layout) -> int:
        """The slot of `apply(*sources)`; equal operations on equal sources share one, constants are folded now."""
        key = (operation, tuple(sources), layout)
        if key not in self._memo:
            slot = self._new_slot(layout)
            if all(source in self.constants for source in sources):
                self.constants[slot] = apply(*[self.constants[source] for source in sources])
            else:
                self.instructions.append(Instruction(slot, operation, apply, tuple(sources), layout))
            self._memo[key] = slot
        return self._memo[key]

    def _new_slot(self, layout: Layout) -> int:
        self.layouts.append(layout)
        return len(self.layouts) - 1


_INDEX = "position of ancestor"


def _is_index(key: Hashable) -> bool:
    return isinstance(key, tuple) and key[0] == _INDEX


def _insert_axes(missing: tuple[int, ...], trailing: int, value: torch.Tensor) -> torch.Tensor:
    for position in missing:
        value = value.unsqueeze(1 + position)
    return value.reshape(*value.shape, *(1,) * trailing) if trailing else value


def _einsum(equation: str, at_root: tuple[bool, ...], left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    operands = [v.squeeze(0) if root else v for v, root in zip((left, right), at_root, strict=True)]
    result = torch.einsum(equation, *operands)
    return result.unsqueeze(0) if all(at_root) else result


def _gather_root(position: int, value: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """value (1, *particles, component, *rest), index (member,) -> (member, *particles, *rest)."""
    return value.squeeze(0).movedim(position - 1, 0).index_select(0, index.long() - 1)


def _gather_rows(position: int, value: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """value (member, *particles, component, *rest), index (member,) -> (member, *particles, *rest)."""
    member = torch.arange(len(index), device=index.device)
    return value.movedim(position, 1)[member, index.long() - 1]
