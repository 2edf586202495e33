"""The equations of an integrated chain, with the slots of all that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial, reduce

import numpy as np

from qemppl.compile.additive import addends
from qemppl.compile.builder import Builder
from qemppl.compile.chains import laws_of
from qemppl.compile.layout import Layout
from qemppl.compile.linear_gaussian import Integrated, Number, Reading, rows_by_step
from qemppl.compile.program import BY_CHAIN
from qemppl.ir.model import Call, Constant, Expr, Gather, LatentRef, Previous, RandomVariable
from qemppl.numerics import kalman

Factors = Mapping[Number, int | None]
"""The slot of what each number of a state is multiplied by, None: 1."""


def write_system(builder: Builder, chain: Integrated) -> tuple[kalman.System, list[int]]:
    """The equations of a chain, and the slots of their operands."""
    writer = _Writer(builder, chain)
    laws = {state.name: laws_of(state) for state in chain.states}
    first, later = (
        tuple(writer.equation(laws[name][end], component=i) for name, i in chain.numbers) for end in (0, -1)
    )
    outcomes = tuple(seen for outcome in chain.outcomes for seen in writer.outcomes(outcome))
    is_first = writer.operand(builder.is_first_step(chain.plate))
    return kalman.System(first, later, outcomes, is_first), writer.operands


def evidence_factor(builder: Builder, chain: Integrated) -> int:
    """The slot of the log evidence of each chain: (chain, *particles)."""
    system, operands = write_system(builder, chain)
    return builder.elementwise(f"{BY_CHAIN} filter of {chain.plate}", partial(kalman.log_evidence, system), operands)


@dataclass(frozen=True)
class _Form:
    """An expression that is linear in states. offset: slot, None: 0. before, now: of the states one step before, and of the same step."""

    offset: int | None = None
    before: Factors = field(default_factory=dict)
    now: Factors = field(default_factory=dict)


@dataclass(frozen=True)
class _Writer:
    builder: Builder
    chain: Integrated
    operands: list[int] = field(default_factory=list)
    positions: dict[int, int] = field(default_factory=dict)
    sds: dict[int, int] = field(default_factory=dict)

    @cached_property
    def reading(self) -> Reading:
        return Reading(self.builder.bound.ir, frozenset(self.chain.names))

    @cached_property
    def one(self) -> int:
        return self.builder.constant(("number", 1.0), Layout(), lambda: 1.0)

    def operand(self, slot: int) -> int:
        """The position of a slot among the operands."""
        return self._place(slot, self.positions)

    def _sd(self, slot: int) -> int:
        """The same of one that stands for an sd, and for nothing else."""
        return self._place(slot, self.sds)

    def outcomes(self, variable: RandomVariable) -> Iterator[kalman.Outcome]:
        """An outcome of the chain's own plate, or the first of each step, the second of each, and so on, of a plate below."""
        builder, chain, plate = self.builder, self.chain.plate, variable.plate
        assert plate is not None, "below the chain"
        values = builder.bound.arrays[variable.name]
        path = builder.bound.ir.path(plate)
        below = path[path.index(chain) + 1 :]
        for number, rows in enumerate(rows_by_step(builder.axes, chain, plate).T):
            known = (rows >= 0) & ~np.isnan(values[rows])
            upper = {plate: rows.clip(0)} | {up: builder.axes[plate].parents[up][rows] for up in below[:-1]}
            cells = {up: builder.axes.add_view(chain, f"{number} of {plate} by {up}", upper[up]) for up in below}
            key = ("is known", variable.name, number)
            is_known = builder.constant(key, Layout(chain), partial(known.astype, float))
            value = builder.data(variable.name, cells.get(plate, plate))
            yield kalman.Outcome(self.equation(variable, cells), self.operand(value), self.operand(is_known))

    def equation(
        self, variable: RandomVariable, cells: Mapping[str, str] | None = None, component: int | None = None
    ) -> kalman.Equation:
        """Of a component of a vector, or of a number. cells: the view of each plate below the chain."""
        mean, sd = variable.arguments
        linear = _Linear(self, cells or {})
        form = linear.form(mean, component)
        before, now = (
            {self.chain.numbers.index(number): self._position(slot) for number, slot in factors.items()}
            for factors in (form.before, form.now)
        )
        return kalman.Equation(self._position(form.offset), before, now, self._sd(linear.slot(sd, component)))

    def _place(self, slot: int, positions: dict[int, int]) -> int:
        if slot not in positions:
            positions[slot] = len(self.operands)
            self.operands.append(slot)
        return positions[slot]

    def _position(self, slot: int | None) -> int | None:
        return None if slot is None else self.operand(slot)


@dataclass(frozen=True)
class _Linear:
    """Takes expressions apart that are linear in states."""

    writer: _Writer
    cells: Mapping[str, str]

    @property
    def builder(self) -> Builder:
        return self.writer.builder

    def form(self, expr: Expr, component: int | None = None) -> _Form:
        """The sum of its terms. component: of a vector."""
        total = _Form()
        for node, sign in addends(self.builder.bound.ir, expr):
            term = self._term(node, component if node.type.event else None)
            total = self._sum(total, term if sign > 0 else self._scaled(term, "negate"))
        return total

    def slot(self, expr: Expr, component: int | None) -> int:
        """That of an expression without states, or of a component of it."""
        slot = self.builder.expression(expr, self.cells)
        if not self.builder.layouts[slot].event:
            return slot
        assert component is not None, "a vector"
        return self.builder.component(slot, component)

    def _term(  # noqa: PLR0911 (one line a form)
        self, node: Expr, component: int | None
    ) -> _Form:
        reading = self.writer.reading
        if not reading.mentions(node):
            return _Form(self.slot(node, component))
        match node:
            case LatentRef(name=name):
                return _Form(now={(name, component): None})
            case Previous(name=name):
                return _Form(before={(name, component): None})
            case Gather(value=value, index=Constant(value=index)):
                return self.form(value, int(index) - 1)
            case Call(function="sum", arguments=(vector,)):
                return self._total(self.form(vector, i) for i in self._components(vector))
            case Call(function="divide", arguments=(rest, free)):
                return self._scaled(self.form(rest, component), "divide", self.slot(free, component))
            case Call(arguments=(left, right)):
                free, rest = (right, left) if reading.mentions(left) else (left, right)
                which = self._components(rest) if node.function == "dot_product" else [component]
                return self._total(self._scaled(self.form(rest, i), "multiply", self.slot(free, i)) for i in which)
        raise AssertionError("the chain has been checked")

    def _components(self, vector: Expr) -> range:
        return range(self.builder.bound.size(vector.type.event[0]))

    def _total(self, forms: Iterable[_Form]) -> _Form:
        return reduce(self._sum, forms, _Form())

    def _sum(self, left: _Form, right: _Form) -> _Form:
        def add(a: int | None, b: int | None) -> int:
            return self.builder.call("add", [self._factor(a), self._factor(b)])

        def both(a: Factors, b: Factors) -> Factors:
            return {**a, **{name: add(a[name], slot) if name in a else slot for name, slot in b.items()}}

        offsets = [form.offset for form in (left, right) if form.offset is not None]
        offset = add(*offsets) if len(offsets) == 2 else offsets[0] if offsets else None
        return _Form(offset, both(left.before, right.before), both(left.now, right.now))

    def _scaled(self, form: _Form, function: str, *by: int) -> _Form:
        """All of it multiplied or divided by a slot, or negated."""

        def scale(slot: int | None) -> int:
            return self.builder.call(function, [self._factor(slot), *by])

        before, now = ({name: scale(slot) for name, slot in factors.items()} for factors in (form.before, form.now))
        return _Form(None if form.offset is None else scale(form.offset), before, now)

    def _factor(self, slot: int | None) -> int:
        return self.writer.one if slot is None else slot
