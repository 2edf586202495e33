"""Chains whose states are integrated in closed form: linear-Gaussian ones, given what they hang on.

Where the states of a chain follow normal laws whose means are linear in them, and so do all outcomes that read them, the evidence of a
chain given the latents around it is that of the Kalman filter. Its states then have no particles: they cost no pairs of these, however
little they change from step to step, and leave no variance. Their moments and joint draws follow once all other latents are drawn
(engine/integrated.py).

A state with a family of its own after `approx` has particles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from qemppl.compile.additive import addends
from qemppl.compile.builder import Builder
from qemppl.compile.chains import laws_of
from qemppl.compile.layout import Layout
from qemppl.compile.program import BY_CHAIN
from qemppl.ir.model import (
    UNBOUNDED,
    Call,
    DefinitionRef,
    Expr,
    LatentRef,
    ModelIR,
    Plate,
    Previous,
    RandomVariable,
    walk,
)
from qemppl.numerics import kalman

MOST_NUMBERS = 8
"""Of a state: its covariance is written out."""


@dataclass(frozen=True)
class Integrated:
    """A chain without particles. parent: the plate of whose members each has one, None: one chain. states, outcomes: in their order."""

    plate: str
    parent: str | None
    states: tuple[RandomVariable, ...]
    outcomes: tuple[RandomVariable, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(state.name for state in self.states)


def find_integrated(ir: ModelIR) -> tuple[Integrated, ...]:
    """The chains that are integrated, in the order of the plates."""
    return tuple(found for plate in ir.plates if plate.is_chain and (found := _Candidate(ir, plate).checked()))


@dataclass(frozen=True)
class _Reading:
    """Which expressions read the states of a chain."""

    ir: ModelIR
    states: frozenset[str]

    @cached_property
    def definitions(self) -> dict[str, Expr]:
        return {definition.name: definition.value for definition in self.ir.definitions}

    def nodes(self, expr: Expr) -> Iterator[Expr]:
        """All that an expression is made of, deterministic names included."""
        stack, known = [expr], set()
        while stack:
            for node in walk(stack.pop()):
                yield node
                if isinstance(node, DefinitionRef) and node.name not in known:
                    known.add(node.name)
                    stack.append(self.definitions[node.name])

    def mentions(self, expr: Expr) -> bool:
        return any(isinstance(node, LatentRef | Previous) and node.name in self.states for node in self.nodes(expr))


@dataclass(frozen=True)
class _Candidate:
    """A chain that may be integrated."""

    ir: ModelIR
    plate: Plate

    @cached_property
    def states(self) -> tuple[RandomVariable, ...]:
        return tuple(latent for latent in self.ir.latents if latent.plate == self.plate.name)

    @cached_property
    def reading(self) -> _Reading:
        return _Reading(self.ir, frozenset(state.name for state in self.states))

    @cached_property
    def around(self) -> frozenset[str]:
        """The latents of the plates around the chain."""
        plates = {None, *self.ir.path(self.plate.parent)}
        return frozenset(latent.name for latent in self.ir.latents if latent.plate in plates)

    def checked(self) -> Integrated | None:
        """None where some statement does not serve."""
        states = self.states
        if not any(state.initial for state in states) or len(states) > MOST_NUMBERS:
            return None
        readers = [
            s
            for s in self.ir.statements
            if isinstance(s, RandomVariable) and any(map(self.reading.mentions, s.expressions))
        ]
        outcomes = tuple(s for s in readers if s.observed)
        served = all(map(self._is_state, states)) and all(map(self._is_outcome, outcomes))
        if not outcomes or not served or any(s not in states for s in readers if not s.observed):
            return None
        return Integrated(self.plate.name, self.plate.parent, states, outcomes)

    def _is_state(self, state: RandomVariable) -> bool:
        is_asked = state.family is not None or state.block is not None or state.form is not None
        return not is_asked and all(map(self._is_normal, laws_of(state)))

    def _is_outcome(self, outcome: RandomVariable) -> bool:
        return outcome.plate == self.plate.name and outcome.censoring is None and self._is_normal(outcome)

    def _is_normal(self, variable: RandomVariable) -> bool:
        """Whether a law is that of a number, normal, with a mean that is linear in the states and an sd that is free of them."""
        if variable.law != "normal" or variable.type.event or variable.bounds != UNBOUNDED:
            return False
        mean, sd = variable.arguments
        return self._is_linear(mean) and self._is_free(sd)

    def _is_linear(self, expr: Expr) -> bool:
        """Whether it is a sum of states times what is free, and of what is free."""
        return all(self._is_term(node) for node, _ in addends(self.ir, expr))

    def _is_term(self, node: Expr) -> bool:
        if not self.reading.mentions(node):
            return self._is_free(node)
        match node:
            case LatentRef() | Previous():
                return True
            case Call(function="multiply", arguments=(left, right)):
                free, rest = (right, left) if self.reading.mentions(left) else (left, right)
            case Call(function="divide", arguments=(rest, free)):
                pass
            case _:
                return False
        return self._is_free(free) and self._is_linear(rest)

    def _is_free(self, expr: Expr) -> bool:
        """Whether it reads data and latents around the chain alone."""
        nodes = self.reading.nodes(expr)
        return all(n.name in self.around for n in nodes if isinstance(n, LatentRef | Previous))


# Equations.


@dataclass(frozen=True)
class _Form:
    """An expression that is linear in states. offset: slot, None: 0. before, now: slot of each state's factor by name, None: 1."""

    offset: int | None = None
    before: Mapping[str, int | None] = field(default_factory=dict)
    now: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class System:
    """The equations of a chain, and the slots of their operands."""

    equations: kalman.System
    operands: tuple[int, ...]


def write_system(builder: Builder, chain: Integrated) -> System:
    """The system of a chain, as instructions that compute its operands."""
    writer = _Writer(builder, chain)
    laws = [laws_of(state) for state in chain.states]
    first, later = (tuple(writer.equation(each[end]) for each in laws) for end in (0, -1))
    outcomes = tuple(map(writer.outcome, chain.outcomes))
    is_first = writer.operand(builder.is_first_step(chain.plate))
    return System(kalman.System(first, later, outcomes, is_first), tuple(writer.operands))


def evidence_factor(builder: Builder, chain: Integrated) -> int:
    """The slot of the log evidence of each chain: (chain, *particles)."""
    system = write_system(builder, chain)
    apply = partial(kalman.log_evidence, system.equations)
    return builder.elementwise(f"{BY_CHAIN} filter of {chain.plate}", apply, system.operands)


@dataclass(frozen=True)
class _Writer:
    builder: Builder
    chain: Integrated
    operands: list[int] = field(default_factory=list)

    @cached_property
    def reading(self) -> _Reading:
        return _Reading(self.builder.bound.ir, frozenset(self.chain.names))

    @cached_property
    def one(self) -> int:
        return self.builder.constant(("number", 1.0), Layout(), lambda: 1.0)

    def operand(self, slot: int) -> int:
        """The position of a slot among the operands."""
        if slot not in self.operands:
            self.operands.append(slot)
        return self.operands.index(slot)

    def outcome(self, variable: RandomVariable) -> kalman.Outcome:
        builder, name = self.builder, variable.name
        known = ~np.isnan(builder.bound.arrays[name])
        is_known = builder.constant(("is known", name), Layout(self.chain.plate), lambda: known.astype(float))
        value = builder.data(name, self.chain.plate)
        return kalman.Outcome(self.equation(variable), self.operand(value), self.operand(is_known))

    def equation(self, variable: RandomVariable) -> kalman.Equation:
        mean, sd = variable.arguments
        form = self._form(mean)
        before, now = (
            {self.chain.names.index(name): self._position(slot) for name, slot in factors.items()}
            for factors in (form.before, form.now)
        )
        variance = self.builder.call("square", [self.builder.expression(sd)])
        return kalman.Equation(self._position(form.offset), before, now, self.operand(variance))

    def _position(self, slot: int | None) -> int | None:
        return None if slot is None else self.operand(slot)

    def _form(self, expr: Expr) -> _Form:
        offset: int | None = None
        before: dict[str, int | None] = {}
        now: dict[str, int | None] = {}
        for node, sign in addends(self.builder.bound.ir, expr):
            term = (
                self._term(node)
                if sign > 0
                else self._scaled(self._term(node), lambda slot: self.builder.call("negate", [slot]))
            )
            if term.offset is not None:
                offset = term.offset if offset is None else self.builder.call("add", [offset, term.offset])
            for factors, more in ((before, term.before), (now, term.now)):
                for name, slot in more.items():
                    factors[name] = (
                        self.builder.call("add", [self._factor(factors[name]), self._factor(slot)])
                        if name in factors
                        else slot
                    )
        return _Form(offset, before, now)

    def _term(self, node: Expr) -> _Form:
        builder = self.builder
        if not self.reading.mentions(node):
            return _Form(builder.expression(node))
        match node:
            case LatentRef(name=name):
                return _Form(now={name: None})
            case Previous(name=name):
                return _Form(before={name: None})
            case Call(function="multiply", arguments=(left, right)):
                free, rest = (right, left) if self.reading.mentions(left) else (left, right)
                factor = builder.expression(free)
                return self._scaled(self._form(rest), lambda slot: builder.call("multiply", [slot, factor]))
            case Call(function="divide", arguments=(rest, free)):
                divisor = builder.expression(free)
                return self._scaled(self._form(rest), lambda slot: builder.call("divide", [slot, divisor]))
        raise AssertionError("the chain has been checked")

    def _factor(self, slot: int | None) -> int:
        return self.one if slot is None else slot

    def _scaled(self, form: _Form, scale: Callable[[int], int]) -> _Form:
        before, now = (
            {name: scale(self._factor(slot)) for name, slot in factors.items()} for factors in (form.before, form.now)
        )
        return _Form(None if form.offset is None else scale(form.offset), before, now)
