"""From typed expressions to instructions: axes are aligned by name, constants folded, equal subexpressions shared."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from math import prod

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.axis_functions import (
    components_as_particles,
    einsum,
    gather_root,
    gather_rows,
    insert_axes,
    sized,
    take_component,
)
from qemppl.compile.chains import steps_before
from qemppl.compile.distribute import distributed
from qemppl.compile.layout import Axes, Layout, Target
from qemppl.compile.program import VIEW, Instruction
from qemppl.data.bound import BoundModel
from qemppl.data.chain_steps import first_steps
from qemppl.data.evaluate import Evaluator
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
    before,
    children,
)
from qemppl.numerics.lazy import torch

Apply = Callable[..., "torch.Tensor"]


class Builder:
    """Collects the instructions of one program.

    latents: the layout of each latent's particles, and of those one step before, in the order of particle axes. states: the possible
    values of each enumerated latent, which are its particles.
    """

    def __init__(
        self,
        bound: BoundModel,
        axes: Axes,
        latents: Mapping[str, Layout],
        target: Target,
        states: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> None:
        self.bound = bound
        self.axes = axes
        self.dtype = target.dtype
        self.device = target.device
        self.passes = target.passes
        self.layouts: list[Layout] = []
        self.constants: dict[int, torch.Tensor] = {}
        self.inputs: dict[str, int] = {}
        self.previous: dict[str, tuple[int, torch.Tensor]] = {}
        """By latent, the slot of its particles one step before, and the position of that step."""
        self.owners: dict[int, tuple[str, str]] = {}
        """By slot of a position of ancestors: the axes of member and ancestor."""
        self.instructions: list[Instruction] = []
        self.calls: dict[int, tuple[str, tuple[int, ...]]] = {}
        """By slot of an elementwise builtin: its name, and the slots of its arguments."""
        self._latents = latents
        self._states = states or {}
        self._order = {group: i for i, group in enumerate(dict.fromkeys(g for v in latents.values() for g in v.groups))}
        self._definitions = {definition.name: definition.value for definition in bound.ir.definitions}
        self._memo: dict[Hashable, int] = {}

    # Leaves.

    def constant(self, key: Hashable, layout: Layout, make: Callable[[], NDArray[np.generic] | float]) -> int:
        """The slot of a constant; made once for each key. Shape (member, *event) by layout."""
        if key in self._memo:
            return self._memo[key]
        array = np.asarray(make())
        dtype = torch.int64 if array.dtype == np.int64 and _is_index(key) else self.dtype
        shape = (self.axes.size(layout.plate), *layout.event)
        return self._constant_slot(key, layout, torch.as_tensor(array, dtype=dtype, device=self.device).reshape(shape))

    def _constant_slot(self, key: Hashable, layout: Layout, value: torch.Tensor) -> int:
        if key not in self._memo:
            self._memo[key] = self._new_slot(layout)
            self.constants[self._memo[key]] = value
        return self._memo[key]

    def ancestors(self, axis: str, ancestor: str) -> int:
        """The slot of the position of each member's ancestor."""
        slot = self.constant((_INDEX, axis, ancestor), Layout(axis), lambda: self.axes[axis].parents[ancestor])
        self.owners[slot] = (axis, ancestor)
        return slot

    def data(self, name: str, axis: str | None) -> int:
        """The slot of a data variable or size, read at the rows of an axis."""
        if name not in self.bound.arrays:
            return self.constant(("size", name), Layout(), lambda: float(self.bound.size(name)))
        array = self.bound.arrays[name]
        event = array.shape if axis is None else array.shape[1:]
        own = None if axis is None else self.axes[axis]
        return self.constant(
            ("data", name, axis),
            Layout(own.name if own else None, (), event),
            lambda: array if own is None or own.rows is None else array[own.rows],
        )

    def latent(self, name: str) -> int:
        """The slot that receives the particles of a latent; of an enumerated one they are known: (member, state)."""
        if name in self._states:
            return self._all_states(name, self._latents[name])
        if name not in self.inputs:
            self.inputs[name] = self._new_slot(self._latents[name])
        return self.inputs[name]

    def previous_latent(self, name: str) -> int:
        """The slot that receives the particles of a latent one step before; at the first step of a chain, those of that step itself."""
        layout = self._latents[before(name)]
        if name in self._states:
            return self._all_states(name, layout)
        if name not in self.previous:
            assert layout.plate is not None, "a latent of a chain"
            steps = torch.as_tensor(steps_before(self.bound, layout.plate), device=self.device)
            self.previous[name] = (self._new_slot(layout), steps)
        return self.previous[name][0]

    def _all_states(self, name: str, layout: Layout) -> int:
        states = torch.as_tensor(self._states[name], dtype=self.dtype, device=self.device)
        return self._constant_slot(("states", name, layout), layout, states.expand(self.axes.size(layout.plate), -1))

    def is_first_step(self, chain: str) -> int:
        """The slot of 1 at the first step of every chain, else 0."""
        return self.constant(
            ("first steps", chain), Layout(chain), lambda: first_steps(self.bound, chain).astype(float)
        )

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
        if isinstance(node, Lag):
            return ()
        return (self._definitions[node.name],) if isinstance(node, DefinitionRef) else children(node)

    def _definition_key(self, node: Expr, cells: Mapping[str, str]) -> Hashable:
        return ("definition", node.name, tuple(cells.items())) if isinstance(node, DefinitionRef) else ("none",)

    def _node(  # noqa: PLR0911 (one line a form)
        self, node: Expr, parts: list[int], cells: Mapping[str, str]
    ) -> int:
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
            case Call():
                return self._call(node, parts)
            case Gather():
                return self._gather(parts[0], parts[1])
            case Lag():
                return self._lag(node, cells)
            case Previous(name=name):
                return self.previous_latent(name)
            case PlateReduce():
                raise AssertionError(f"{type(node).__name__} has no instructions")

    def _lag(self, node: Lag, cells: Mapping[str, str]) -> int:
        """Data of an earlier step. Before the first there are none: binding lets them stand only where the outcome is missing too, or where
        another law holds."""
        plate = node.type.plate
        assert plate is not None, "a lag lives on its chain"
        axis = cells.get(plate, plate)
        values = Evaluator(self.bound).evaluate(node)
        assert values is not None, "data are known"
        own = self.axes[axis]
        return self.constant(
            ("lag", node.span.start, axis),
            Layout(own.name, (), values.shape[1:]),
            lambda: values if own.rows is None else values[own.rows],
        )

    def _call(self, node: Call, parts: Sequence[int]) -> int:
        """A builtin with own axes of arguments or result, or an elementwise one."""
        function = FUNCTIONS[node.function]
        if function.signature is None:
            return self.call(function.name, parts)
        if function.is_sized:
            size = self.bound.size(node.type.event[-1])
            own = self.layouts[parts[0]]
            result = Layout(own.plate, own.groups, (*own.event, size))
            return self.emit(f"{function.name} {size}", partial(sized, function.apply, size), parts[:1], result)
        return self._vector_call(function, parts)

    def call(self, name: str, parts: Sequence[int]) -> int:
        """A builtin applied to slots."""
        function = FUNCTIONS[name]
        if function.signature is not None:
            return self._vector_call(function, parts)
        slot = self.elementwise(name, function.apply, parts)
        self.calls[slot] = (name, tuple(parts))
        return slot

    def _vector_call(self, function: Function, parts: Sequence[int]) -> int:
        """A builtin whose arguments or result have axes of their own."""
        if function.name == "dot_product" and "distribute" in self.passes:
            slot = distributed(self, *parts)
            if slot is not None:
                return slot
        if function.is_contraction:
            return self.contract(function, parts)
        layout, result = self._shape(function, parts)
        ranks = [len(axes) for axes in function.axes]
        aligned = [self.align(part, layout, rank) for part, rank in zip(parts, ranks, strict=True)]
        return self.emit(function.name, function.apply, aligned, result)

    def _shape(self, function: Function, parts: Sequence[int]) -> tuple[Layout, Layout]:
        """What the arguments broadcast to besides their own axes, and the result."""
        layout = self.union(parts, [len(axes) for axes in function.axes])
        sizes = {
            letter: size
            for part, axes in zip(parts, function.axes, strict=True)
            for letter, size in zip(axes, self.layouts[part].event, strict=True)
        }
        return layout, layout.with_event(tuple(sizes[letter] for letter in function.result))

    def elementwise(
        self, operation: str, apply: Apply, parts: Sequence[int], ranks: Sequence[int] | None = None
    ) -> int:
        """Any function of aligned arguments; `operation` must name what it computes.

        ranks: how many last event axes each argument keeps for itself; the function sums them up.
        """
        ranks = ranks or [0] * len(parts)
        layout = self.union(parts, ranks)
        aligned = [self.align(part, layout, rank) for part, rank in zip(parts, ranks, strict=True)]
        return self.emit(operation, apply, aligned, layout)

    def contract(self, function: Function, parts: Sequence[int]) -> int:
        """A sum of products over event axes, as a matrix product where the operands' other axes differ."""
        _, result = self._shape(function, parts)
        letters = iter(chr(ord("A") + i) for i in range(26))
        names = {axis: next(letters) for axis in ("member", *result.groups)}
        operands, terms, at_root = [], [], []
        for slot, axes in zip(parts, function.axes, strict=True):
            is_root = self.layouts[slot].plate is None
            operands.append(slot if is_root else self._lift(slot, result.plate))
            own = (() if is_root else ("member",)) + self.layouts[slot].groups
            terms.append("".join(names[axis] for axis in own) + axes)
            at_root.append(is_root)
        kept = (() if all(at_root) else ("member",)) + result.groups
        equation = f"{','.join(terms)}->{''.join(names[axis] for axis in kept)}{function.result}"
        return self.emit(f"{function.name} {equation}", partial(einsum, equation, tuple(at_root)), operands, result)

    def _gather(self, value: int, index: int) -> int:
        """`value[index]` along the first event axis; the index counts from 1."""
        layout, by = self.layouts[value], self.layouts[index]
        rest, position = layout.event[1:], 1 + len(layout.groups)
        if by.groups:
            return self._gather_by_particle(value, index)
        if by.plate is None:
            return self.component(value, int(self.constants[index].item()) - 1)
        joint = self.axes.deepest((by.plate, layout.plate))
        index = self._lift(index, joint)
        if layout.plate is not None:
            value = self._lift(value, joint)
        apply = partial(gather_rows, position) if layout.plate is not None else partial(gather_root, position)
        return self.emit("gather", apply, [value, index], Layout(joint, layout.groups, rest))

    def component(self, value: int, number: int) -> int:
        """One along the first event axis, counted from 0."""
        layout = self.layouts[value]
        own, position = layout.with_event(layout.event[1:]), 1 + len(layout.groups)
        return self.emit(f"component {number + 1}", lambda v: v.select(position, number), [value], own)

    def _gather_by_particle(self, value: int, index: int) -> int:
        """`value[z]` for a discrete latent z: the component axis becomes the particle axis where all members have the same states."""
        layout, by = self.layouts[value], self.layouts[index]
        states = self.constants.get(index)
        union = self.union((value, index), (len(layout.event), 0))
        if states is not None and len(by.groups) == 1 and by.groups[0] not in layout.groups and _rows_agree(states):
            place = 1 + union.groups.index(by.groups[0])
            picked = partial(components_as_particles, 1 + len(layout.groups), place, states[0].long() - 1)
            shape = Layout(layout.plate, union.groups, layout.event[1:])
            return self.emit(f"components by {by.groups[0]} {index}", picked, [value], shape)
        value = self.align(value, Layout(union.plate, union.groups), len(layout.event))
        index = self.align(index, Layout(union.plate, union.groups))
        apply = partial(take_component, 1 + len(union.groups))
        return self.emit("component by particle", apply, [value, index], union.with_event(layout.event[1:]))

    # Alignment.

    def union(self, parts: Sequence[int], ranks: Sequence[int] | None = None) -> Layout:
        """The layout that every part broadcasts to: deepest plate, all groups, widest event.

        ranks: how many last event axes of each part do not take part.
        """
        layouts = [self.layouts[part] for part in parts]
        groups = sorted({group for layout in layouts for group in layout.groups}, key=self._order.__getitem__)
        shared = [v.event[: len(v.event) - r] for v, r in zip(layouts, ranks or [0] * len(parts), strict=True)]
        event = max(shared, key=lambda event: (len(event), prod(event)))
        return Layout(self.axes.deepest([layout.plate for layout in layouts]), tuple(groups), event)

    def align(self, slot: int, layout: Layout, rank: int = 0) -> int:
        """The value lifted to the layout's plate, with axes of size 1 for the groups and event axes it lacks.

        rank: how many last event axes it keeps for itself.
        """
        slot = self._lift(slot, layout.plate)
        own = self.layouts[slot]
        missing = tuple(i for i, group in enumerate(layout.groups) if group not in own.groups)
        kept = own.event[len(own.event) - rank :]
        lacking = len(layout.event) + rank - len(own.event)
        if not missing and not lacking:
            return slot
        view = Layout(own.plate, layout.groups, (*layout.event, *kept))
        position = 1 + len(layout.groups)
        insert = partial(insert_axes, (*missing, *range(position - 1, position - 1 + lacking)))
        return self.emit(f"{VIEW} +{missing}+{lacking}", insert, [slot], view)

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


def _rows_agree(states: torch.Tensor) -> bool:
    return bool((states == states[:1]).all())
