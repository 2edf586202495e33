"""ModelIR: a checked model as data. Every name is resolved, every expression typed, every statement on its plate.

A plate is a set of conditionally independent members; plates form a forest. A value has an *event shape* (the
shape of one value) and lives on at most one plate path, named by its deepest plate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from qemppl.diagnostics.source import Span

Kind = Literal["int", "real"]
Form = Literal["simplex", "ordered", "positive_ordered", "cholesky_factor_corr"]
"""What the components of a value satisfy together: the last event axis, or the last two of a matrix."""
Size = int | str
"""The size of an event axis: a number, or the name of a `dim` or of a scalar int of the data."""


@dataclass(frozen=True)
class ValueType:
    """What an expression stands for: the kind of each component, the event shape and the deepest plate (None: the root)."""

    kind: Kind
    event: tuple[Size, ...] = ()
    plate: str | None = None


@dataclass(frozen=True)
class Constant:
    """A number."""

    value: float
    type: ValueType
    span: Span


@dataclass(frozen=True)
class DataRef:
    """A data variable, or the size of a `dim` or of a plate used as a number."""

    name: str
    type: ValueType
    span: Span


@dataclass(frozen=True)
class LatentRef:
    """A latent variable."""

    name: str
    type: ValueType
    span: Span


@dataclass(frozen=True)
class DefinitionRef:
    """A deterministic name of the model."""

    name: str
    type: ValueType
    span: Span


@dataclass(frozen=True)
class Call:
    """A builtin of `ir.functions` applied to arguments; operators are builtins too (`a + b` is `add(a, b)`)."""

    function: str
    arguments: tuple[Expr, ...]
    type: ValueType
    span: Span


@dataclass(frozen=True)
class Gather:
    """`value[index]`: one component of the first event axis of `value`, counted from 1."""

    value: Expr
    index: Expr
    type: ValueType
    span: Span


@dataclass(frozen=True)
class PlateReduce:
    """`sum(value over plate)`: the members of `over` below one member of the result's plate become one value.

    function: `sum`, `mean`, `sd`, `min` or `max`. The value lives on `over` or on a plate around it.
    """

    function: str
    value: Expr
    over: str
    type: ValueType
    span: Span


@dataclass(frozen=True)
class Previous:
    """`prev(name)`: the value of a latent of a chain at the step before."""

    name: str
    type: ValueType
    span: Span


@dataclass(frozen=True)
class Lag:
    """`lag(value, steps)`: data of a chain, that many steps before."""

    value: Expr
    steps: int
    chain: str
    type: ValueType
    span: Span


Expr = Constant | DataRef | LatentRef | DefinitionRef | Call | Gather | PlateReduce | Previous | Lag


@dataclass(frozen=True)
class Bounds:
    """Declared bounds; None is no bound. Bounds depend on data and constants only."""

    lower: Expr | None = None
    upper: Expr | None = None


UNBOUNDED = Bounds()


@dataclass(frozen=True)
class Plate:
    """A plate of the forest.

    `index` names the column `by` which members point at the parent's member (ragged nesting by a flat column); without it a
    nested plate is given by nested lists. `size` is a declared size: a number, or the name of a dim or of a scalar int of the data.
    The members of a chain are ordered in time, in the order of the data file.
    """

    name: str
    parent: str | None
    index: str | None
    size: Size | None
    span: Span
    is_chain: bool = False


@dataclass(frozen=True)
class EventDim:
    """`dim P;` or `dim K = 3;`: the size of an event axis, inferred from the data where it is not given."""

    name: str
    size: int | None
    span: Span


@dataclass(frozen=True)
class DataVariable:
    """A declared name of the data file. `is_index` marks the integer-or-label column `by` which a plate is nested."""

    name: str
    type: ValueType
    bounds: Bounds
    span: Span
    missing: bool = False
    is_index: bool = False
    form: Form | None = None


@dataclass(frozen=True)
class Censoring:
    """Where `flag` is 1 only a bound of the outcome is known: `right`, it is at least the value given; `left`, at most."""

    side: Literal["right", "left"]
    flag: Expr


@dataclass(frozen=True)
class InitialLaw:
    """The law of the first step of a chain."""

    law: str
    arguments: tuple[Expr, ...]


@dataclass(frozen=True)
class RandomVariable:
    """A latent, an observation of a data variable of the same name, or in `generated` a draw.

    `plate` is the deepest plate whose members each have one such variable. `bounds` truncate `law`, both ends included: those of the
    declaration of a latent, those of `T[ , ]` of an observation. `family` is the user's choice after `approx`; `block` numbers the
    `joint { }` it stands in; `initial` is the law of the first step in a chain. An int latent is enumerated unless it is `sampled`.
    """

    name: str
    plate: str | None
    law: str
    arguments: tuple[Expr, ...]
    type: ValueType
    observed: bool
    span: Span
    bounds: Bounds = UNBOUNDED
    form: Form | None = None
    family: str | None = None
    block: int | None = None
    sampled: bool = False
    censoring: Censoring | None = None
    initial: InitialLaw | None = None

    @property
    def enumerated(self) -> bool:
        """Whether it is a discrete latent over whose values the evidence sums exactly."""
        return self.type.kind == "int" and not self.observed and not self.sampled

    @property
    def expressions(self) -> Iterator[Expr]:
        """Every expression of the statement."""
        yield from self.arguments
        yield from self.initial.arguments if self.initial is not None else ()
        yield from (end for end in (self.bounds.lower, self.bounds.upper) if end is not None)
        if self.censoring is not None:
            yield self.censoring.flag


@dataclass(frozen=True)
class Definition:
    """A deterministic name, assigned once."""

    name: str
    plate: str | None
    value: Expr
    span: Span

    @property
    def type(self) -> ValueType:
        return self.value.type

    @property
    def expressions(self) -> Iterator[Expr]:
        """Every expression of the statement."""
        yield self.value


Statement = RandomVariable | Definition


@dataclass(frozen=True)
class ModelIR:
    """A whole model. Statements stand in an order in which every name is defined before it is used, but for `prev`.

    transformed: names computed from the data before anything is fitted; a `DataRef` reads them like data. statements: of `model`.
    generated: of `generated quantities`, evaluated on joint posterior draws; a random variable there is a draw.
    """

    name: str
    plates: tuple[Plate, ...]
    dims: tuple[EventDim, ...]
    data: tuple[DataVariable, ...]
    statements: tuple[Statement, ...]
    transformed: tuple[Definition, ...] = ()
    generated: tuple[Statement, ...] = ()
    text: str = field(repr=False, default="")

    @cached_property
    def latents(self) -> tuple[RandomVariable, ...]:
        return tuple(s for s in self.statements if isinstance(s, RandomVariable) and not s.observed)

    @cached_property
    def observations(self) -> tuple[RandomVariable, ...]:
        return tuple(s for s in self.statements if isinstance(s, RandomVariable) and s.observed)

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        return tuple(s for s in self.statements if isinstance(s, Definition))

    @cached_property
    def _plates_by_name(self) -> dict[str, Plate]:
        return {plate.name: plate for plate in self.plates}

    def plate(self, name: str) -> Plate:
        return self._plates_by_name[name]

    def path(self, plate: str | None) -> tuple[str, ...]:
        """The plates from the root down to and including `plate`; empty for None."""
        path: list[str] = []
        while plate is not None:
            path.append(plate)
            plate = self.plate(plate).parent
        return tuple(reversed(path))

    def is_within(self, plate: str | None, ancestor: str | None) -> bool:
        """Whether `plate` is `ancestor` or lies below it; everything lies below the root (None)."""
        return ancestor is None or ancestor in self.path(plate)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct subexpressions."""
    if isinstance(expr, Call):
        return expr.arguments
    if isinstance(expr, Gather):
        return (expr.value, expr.index)
    if isinstance(expr, PlateReduce | Lag):
        return (expr.value,)
    return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """Every subexpression once, parents first. Iterative: a long sum nests deeply."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def before(name: str) -> str:
    """What the value of a latent one step before is called, as it is written; no latent has such a name."""
    return f"prev({name})"


def reached_back(expressions: Iterable[Expr]) -> set[str]:
    """The latents whose value one step before some expression reads."""
    return {node.name for expr in expressions for node in walk(expr) if isinstance(node, Previous)}
