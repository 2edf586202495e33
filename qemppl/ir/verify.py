"""What every ModelIR keeps, asserted: the front end and whoever rewrites a model rely on it. Tests verify every model that they compile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from qemppl.distributions.base import Argument
from qemppl.distributions.registry import LAWS
from qemppl.families.registry import FAMILY_NAMES
from qemppl.ir.functions import FUNCTIONS, PLATE_REDUCTIONS
from qemppl.ir.model import (
    Bounds,
    Call,
    Constant,
    DataRef,
    Definition,
    DefinitionRef,
    Expr,
    Gather,
    Lag,
    LatentRef,
    ModelIR,
    PlateReduce,
    Previous,
    RandomVariable,
    Size,
    ValueType,
    children,
    walk,
)

_TRUTHS = frozenset({"not", "and", "or", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal"})
_KEPT_INT = frozenset({"sum", "min", "max"})
"""The plate reductions of whole numbers that are whole."""


def verify(model: ModelIR) -> None:
    """Raises AssertionError where a model is ill-formed; what it would mean on data is not looked at."""
    _Verifier(model).run()


@dataclass
class _Verifier:
    """names: the type of every name defined so far. random: those that depend on latents, or are drawn."""

    model: ModelIR
    names: dict[str, ValueType] = field(default_factory=dict)
    random: set[str] = field(default_factory=set)
    latents: dict[str, RandomVariable] = field(default_factory=dict)
    reduces: bool = False

    def run(self) -> None:
        model = self.model
        for i, plate in enumerate(model.plates):
            assert plate.parent is None or plate.parent in {outer.name for outer in model.plates[:i]}, plate
            assert plate.index is None or plate.parent is not None, plate
            self.define(plate.name, ValueType("int"))
        for dim in model.dims:
            self.define(dim.name, ValueType("int"))
        for variable in model.data:
            self.define(variable.name, variable.type)
        for variable in model.data:
            self.bounds(variable.bounds, variable.type)
        for size in (*(plate.size for plate in model.plates), *(s for v in model.data for s in v.type.event)):
            self.size(size)
        self.reduces = True
        for definition in model.transformed:
            self.definition(definition)
            assert definition.name not in self.random, definition.name
        self.reduces = False
        for statement in model.statements:
            self.definition(statement) if isinstance(statement, Definition) else self.variable(statement)
        self.reduces = True
        for statement in model.generated:
            self.definition(statement) if isinstance(statement, Definition) else self.draw(statement)

    # Statements.

    def define(self, name: str, kind: ValueType) -> None:
        assert name not in self.names, f"{name} is defined twice"
        self.names[name] = kind

    def definition(self, statement: Definition) -> None:
        self.expression(statement.value, statement.plate)
        assert not any(isinstance(node, Previous) for node in walk(statement.value)), statement.name
        self.define(statement.name, statement.type)
        if self.is_random(statement.value):
            self.random.add(statement.name)

    def variable(self, variable: RandomVariable) -> None:
        """A latent or an observation of `model`."""
        name, kind = variable.name, variable.type
        assert kind.plate == variable.plate, name
        if variable.observed:
            assert name in {v.name for v in self.model.data} | {v.name for v in self.model.transformed}, name
            assert self.same(self.names[name], kind), name
            extras = (variable.family, variable.block, variable.initial, variable.sampled or None)
            assert extras == (None,) * 4, name
        else:
            assert variable.censoring is None, name
            self.define(name, kind)
            self.random.add(name)
            self.latents[name] = variable
        self.law(variable)
        assert variable.family is None or variable.family in FAMILY_NAMES, name
        assert not variable.enumerated or (kind.event, variable.block, variable.family) == ((), None, None), name
        assert not variable.sampled or kind.kind == "int", name
        reaches = any(isinstance(node, Previous) for e in variable.arguments for node in walk(e))
        assert reaches == (variable.initial is not None), name
        if variable.censoring is not None:
            flag = variable.censoring.flag
            self.expression(flag, variable.plate)
            assert flag.type.kind == "int", name
            assert not self.is_random(flag), name
            assert LAWS[variable.law].has_cdf, name
            assert flag.type.event in {(), kind.event}, name

    def draw(self, variable: RandomVariable) -> None:
        """A draw of `generated quantities`."""
        extras = (variable.family, variable.block, variable.initial, variable.censoring)
        assert extras == (None,) * 4, variable.name
        assert not variable.observed and not variable.sampled and not LAWS[variable.law].improper, variable.name
        self.define(variable.name, variable.type)
        self.law(variable)
        self.random.add(variable.name)

    def law(self, variable: RandomVariable) -> None:
        """Shapes, kinds and places of what a law is applied to."""
        laws = [(variable.law, variable.arguments)]
        if variable.initial is not None:
            laws.append((variable.initial.law, variable.initial.arguments))
            assert variable.plate is not None and self.model.plate(variable.plate).is_chain, variable.name
            assert not any(isinstance(n, Previous) for e in variable.initial.arguments for n in walk(e)), variable.name
        for name, arguments in laws:
            law, outcome = LAWS[name], variable.type
            assert law.support.integer == (outcome.kind == "int"), variable.name
            sizes = dict(zip(law.sizes[::-1], outcome.event[::-1], strict=False))
            assert len(outcome.event) >= len(law.sizes), variable.name
            batch = outcome.event[: len(outcome.event) - len(law.sizes)]
            for argument, value in zip(law.arguments, arguments, strict=True):
                self.expression(value, variable.plate)
                self.argument(argument, value, sizes, batch)
                assert argument.name not in law.data_arguments or not self.is_random(value), variable.name
        self.bounds(variable.bounds, variable.type)

    def argument(self, argument: Argument, value: Expr, sizes: dict[str, Size], batch: tuple[Size, ...]) -> None:
        event = value.type.event
        rank = len(event) - len(argument.sizes)
        assert rank == 0 or self.same_sizes(event[:rank], batch), value.span.text
        known = [sizes.setdefault(letter, size) for letter, size in zip(argument.sizes, event[rank:], strict=True)]
        assert self.same_sizes(event[rank:], known), value.span.text
        assert not argument.support.integer or value.type.kind == "int", value.span.text

    def bounds(self, bounds: Bounds, kind: ValueType) -> None:
        for end in (bounds.lower, bounds.upper):
            if end is not None:
                self.expression(end, kind.plate)
                assert not self.is_random(end), end.span.text
                assert not end.type.event or self.same_sizes(end.type.event, kind.event), end.span.text

    # Expressions.

    def is_random(self, expr: Expr) -> bool:
        return any(isinstance(n, LatentRef | DefinitionRef | Previous) and n.name in self.random for n in walk(expr))

    def expression(self, expr: Expr, site: str | None) -> None:
        """Every part of an expression that stands on the plate `site`."""
        pending: list[tuple[Expr, str | None]] = [(expr, site)]
        while pending:
            node, place = pending.pop()
            what = f"{node.span.text} on {place}"
            assert self.model.is_within(place, node.type.plate), what
            assert node.span.start < node.span.end, what
            for size in node.type.event:
                self.size(size)
            self.node(node, place)
            inner = node.over if isinstance(node, PlateReduce) else place
            pending += [(child, inner) for child in children(node)]

    def node(self, node: Expr, site: str | None) -> None:
        kind, what = node.type, f"{node.span.text} on {site}"
        match node:
            case Constant():
                assert kind == ValueType("real") or (kind == ValueType("int") and node.value == int(node.value)), what
            case DataRef():
                plates = {plate.name for plate in self.model.plates}
                assert node.name not in self.random | plates and self.same(self.names[node.name], kind), what
                assert not any(v.missing and v.name == node.name for v in self.model.data), what
            case LatentRef():
                assert node.name in self.latents and self.same(self.names[node.name], kind), what
            case DefinitionRef():
                assert node.name not in self.latents and self.same(self.names[node.name], kind), what
            case Previous():
                chain = self.latents[node.name].plate
                assert chain is not None and self.model.plate(chain).is_chain, what
                assert self.same(self.names[node.name], kind) and self.model.is_within(site, chain), what
            case Lag():
                assert not self.is_random(node.value) and node.steps >= 1, what
                assert self.model.plate(node.chain).is_chain and kind.plate == node.chain, what
                assert kind == node.value.type, what
            case Call():
                self.call(node)
            case Gather():
                assert node.index.type.kind == "int" and not node.index.type.event, what
                plate = self.deepest((node.value.type.plate, node.index.type.plate))
                assert kind == ValueType(node.value.type.kind, node.value.type.event[1:], plate), what
                assert node.value.type.event, what
            case PlateReduce():
                assert self.reduces and node.function in PLATE_REDUCTIONS, what
                around = [p for p in self.model.path(node.over)[:-1] if self.model.is_within(site, p)]
                is_int = node.value.type.kind == "int" and node.function in _KEPT_INT
                wanted = ValueType("int" if is_int else "real", node.value.type.event, around[-1] if around else None)
                assert kind == wanted, what

    def call(self, node: Call) -> None:
        function, types, what = FUNCTIONS[node.function], [part.type for part in node.arguments], node.span.text
        assert len(types) == len(function.parameters), what
        kept = types[1:] if function.name == "select" else types
        is_int = function.name in _TRUTHS or (function.integer and all(kind.kind == "int" for kind in kept))
        assert node.type.kind == ("int" if is_int else "real"), what
        assert node.type.plate == self.deepest(kind.plate for kind in types), what
        if function.signature is None:
            shaped = [kind.event for kind in types if kind.event] or [()]
            assert all(self.same_sizes(event, node.type.event) for event in shaped), what
            return
        sizes: dict[str, Size] = {}
        if function.is_sized:
            sizes[function.result[-1]] = node.type.event[-1]
            assert isinstance(node.arguments[-1], Constant | DataRef) and types[-1].kind == "int", what
        for letters, kind in zip(function.axes, types, strict=True):
            known = [sizes.setdefault(letter, size) for letter, size in zip(letters, kind.event, strict=True)]
            assert self.same_sizes(known, kind.event), what
        assert self.same_sizes([sizes[letter] for letter in function.result], node.type.event), what

    # Sizes and plates.

    def size(self, size: Size | None) -> None:
        """A number, a dim, or a single int of the data."""
        if isinstance(size, str):
            single = [v.name for v in self.model.data if v.type == ValueType("int") and not v.missing]
            assert size in {*single, *(dim.name for dim in self.model.dims)}, size
        else:
            assert size is None or size >= 1, size

    def same(self, a: ValueType, b: ValueType) -> bool:
        """The same but for a wider kind in `b`: a real name may stand for whole numbers."""
        return a.plate == b.plate and self.same_sizes(a.event, b.event) and b.kind in (a.kind, "real")

    def same_sizes(self, a: Sequence[Size], b: Sequence[Size]) -> bool:
        known: dict[Size, Size] = {dim.name: dim.size for dim in self.model.dims if dim.size is not None}
        return [known.get(size, size) for size in a] == [known.get(size, size) for size in b]

    def deepest(self, plates: Iterable[str | None]) -> str | None:
        """The deepest of several plates, all of which lie on one path."""
        return max(plates, key=lambda plate: len(self.model.path(plate)), default=None)
