"""What every ModelIR keeps, asserted: the front end and whoever rewrites a model rely on it. Tests verify every model that they compile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qemppl.distributions.base import Law
from qemppl.distributions.registry import LAWS
from qemppl.families.registry import FAMILY_NAMES
from qemppl.ir import model as ir
from qemppl.ir.functions import FUNCTIONS, PLATE_REDUCTIONS
from qemppl.ir.model import Definition, Expr, ModelIR, RandomVariable, Size, ValueType, children, walk

_TRUTHS = frozenset({"not", "and", "or", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal"})


def verify(model: ModelIR) -> None:
    """Raises AssertionError where a model is ill-formed; what it would mean on data is not looked at."""
    check = _Verifier(model)
    check.declarations()
    check.block(model.transformed, reduces=True)
    assert not check.random, "transformed data are computed from data alone"
    check.block(model.statements, reduces=False)
    check.block(model.generated, reduces=True)


class _Verifier:
    """Goes through a model in order. names: the type of every name so far. random: those that are no data, nor computed from data.

    latents: those of `model` among them; all_latents: also those that come later, which `prev` reaches. sizes: the names that an axis may
    be as long as, with their numbers where they have any.
    """

    def __init__(self, model: ModelIR) -> None:
        self.model = model
        self.names: dict[str, ValueType] = {}
        self.random: set[str] = set()
        self.plates: set[str] = set()
        self.latents: dict[str, ValueType] = {}
        self.all_latents = {latent.name: latent.type for latent in model.latents}
        self.reduces = False
        self.missing = {v.name for v in model.data if v.missing}
        self.outcomes = {v.name for v in model.data} | {d.name for d in model.transformed}
        self.sizes: dict[Size, Size | None] = {dim.name: dim.size for dim in model.dims}
        self.sizes |= {v.name: None for v in model.data if v.type == ValueType("int") and not v.missing}

    def declarations(self) -> None:
        for plate in self.model.plates:
            assert plate.parent is None or plate.parent in self.plates, plate
            assert plate.index is None or plate.parent is not None, plate
            assert plate.size is None or plate.size in self.sizes or isinstance(plate.size, int), plate
            self.define(plate.name, ValueType("int"))
            self.plates.add(plate.name)
        for dim in self.model.dims:
            self.define(dim.name, ValueType("int"))
        for variable in self.model.data:
            self.define(variable.name, variable.type)
            assert all(size in self.sizes or isinstance(size, int) for size in variable.type.event), variable
        for variable in self.model.data:
            self.ends(variable.type, (variable.bounds.lower, variable.bounds.upper))

    def define(self, name: str, kind: ValueType) -> None:
        assert name not in self.names, f"{name} is defined twice"
        self.names[name] = kind

    def block(self, statements: Iterable[Definition | RandomVariable], *, reduces: bool) -> None:
        self.reduces = reduces
        for statement in statements:
            if isinstance(statement, Definition):
                self.expression(statement.value, statement.plate)
                assert not _reaches_back([statement.value]), statement.name
                self.define(statement.name, statement.type)
                if self.is_random(statement.value):
                    self.random.add(statement.name)
                continue
            if is_latent := not statement.observed and not reduces:
                self.latents[statement.name] = statement.type
            self.variable(statement, is_latent=is_latent)
            if not statement.observed:
                self.define(statement.name, statement.type)
                self.random.add(statement.name)

    def variable(self, variable: RandomVariable, *, is_latent: bool) -> None:
        """A latent, an observation, or a draw."""
        name, kind, law = variable.name, variable.type, LAWS[variable.law]
        assert kind.plate == variable.plate, name
        assert not variable.observed or (name in self.outcomes and self.same(self.names[name], kind)), name
        own = (variable.family, variable.block, variable.initial, variable.sampled or None)
        assert is_latent or own == (None, None, None, None), name
        assert variable.family in {None, *FAMILY_NAMES} and not (variable.sampled and kind.kind == "real"), name
        assert not (is_latent and variable.enumerated) or (kind.event, *own[:2]) == ((), None, None), name
        assert is_latent or variable.observed or not law.improper, name
        assert _reaches_back(variable.arguments) == (variable.initial is not None), name
        self.law(law, variable.arguments, kind)
        if variable.initial is not None:
            assert not _reaches_back(variable.initial.arguments), name
            self.law(LAWS[variable.initial.law], variable.initial.arguments, kind)
        self.ends(kind, (variable.bounds.lower, variable.bounds.upper))
        if variable.censoring is not None:
            flag = variable.censoring.flag
            self.ends(kind, (flag,))
            assert variable.observed and law.has_cdf and flag.type.kind == "int", name

    def law(self, law: Law, arguments: Sequence[Expr], outcome: ValueType) -> None:
        """The shapes, kinds and places of what a law is applied to. Axes before a value's own are those of the outcome."""
        rank = len(outcome.event) - len(law.sizes)
        assert law.support.integer == (outcome.kind == "int") and rank >= 0, law.name
        sizes = dict(zip(law.sizes, outcome.event[rank:], strict=True))
        for argument, value in zip(law.arguments, arguments, strict=True):
            self.expression(value, outcome.plate)
            event, what = value.type.event, value.span.text
            outer = event[: len(event) - len(argument.sizes)]
            assert not outer or self.fit(outer, outcome.event[:rank]), what
            self.letters("".join(argument.sizes), event[len(outer) :], sizes, what)
            assert not argument.support.integer or value.type.kind == "int", what
            assert argument.name not in law.data_arguments or not self.is_random(value), what

    def ends(self, kind: ValueType, ends: Iterable[Expr | None]) -> None:
        """What is known before fitting: a number for all components, or one for each."""
        for end in ends:
            if end is not None:
                self.expression(end, kind.plate)
                assert not self.is_random(end) and (not end.type.event or self.fit(end.type.event, kind.event)), end

    def is_random(self, expr: Expr) -> bool:
        parts = [node for node in walk(expr) if isinstance(node, ir.LatentRef | ir.DefinitionRef | ir.Previous)]
        return any(isinstance(node, ir.Previous) or node.name in self.random for node in parts)

    def expression(self, expr: Expr, site: str | None) -> None:
        """Every part of an expression that stands on the plate `site`."""
        pending: list[tuple[Expr, str | None]] = [(expr, site)]
        while pending:
            node, place = pending.pop()
            what = f"{node.span.text} on {place}"
            assert self.model.is_within(place, node.type.plate) and node.span.text, what
            assert all(size in self.sizes or isinstance(size, int) for size in node.type.event), what
            assert self.is_typed(node, place), what
            pending += [(child, node.over if isinstance(node, ir.PlateReduce) else place) for child in children(node)]

    def is_typed(self, node: Expr, site: str | None) -> bool:  # noqa: PLR0911 (one line a form)
        kind, model = node.type, self.model
        match node:
            case ir.Constant():
                return kind == ValueType("real") or (kind == ValueType("int") and node.value.is_integer())
            case ir.DataRef():
                has_value = all(node.name not in names for names in (self.plates, self.missing, self.random))
                return has_value and self.same(self.names.get(node.name), kind)
            case ir.LatentRef() | ir.DefinitionRef():
                is_latent = isinstance(node, ir.LatentRef)
                return is_latent == (node.name in self.latents) and self.same(self.names.get(node.name), kind)
            case ir.Previous():
                chains = [plate for plate in model.path(site) if model.plate(plate).is_chain]
                return [kind.plate] == chains[-1:] and self.same(self.all_latents.get(node.name), kind)
            case ir.Lag():
                is_chain = model.plate(node.chain).is_chain and kind.plate == node.chain
                return is_chain and kind == node.value.type and node.steps >= 1 and not self.is_random(node.value)
            case ir.Gather():
                value, index = node.value.type, node.index.type
                picked = ValueType(value.kind, value.event[1:], self.deepest((value.plate, index.plate)))
                return index.kind == "int" and not index.event and bool(value.event) and kind == picked
            case ir.PlateReduce():
                around = [plate for plate in model.path(node.over)[:-1] if model.is_within(site, plate)]
                is_int = node.value.type.kind == "int" and node.function in {"sum", "min", "max"}
                reduced = ValueType("int" if is_int else "real", node.value.type.event, around[-1] if around else None)
                return self.reduces and node.function in PLATE_REDUCTIONS and kind == reduced
            case ir.Call():
                return self.is_typed_call(node)

    def is_typed_call(self, node: ir.Call) -> bool:
        function, types, what = FUNCTIONS[node.function], [part.type for part in node.arguments], node.span.text
        values = types[1:] if function.name == "select" else types
        is_int = function.name in _TRUTHS or (function.integer and all(kind.kind == "int" for kind in values))
        sizes: dict[str, Size] = {}
        if function.is_sized:
            sizes[function.result[-1]] = node.type.event[-1]
        for letters, kind in zip(function.axes, types, strict=True):
            if function.signature is not None:
                self.letters(letters, kind.event, sizes, what)
            assert function.signature is not None or self.fit(kind.event or node.type.event, node.type.event), what
        event = node.type.event if function.signature is None else [sizes[letter] for letter in function.result]
        kind_of_call, plate = "int" if is_int else "real", self.deepest(kind.plate for kind in types)
        return (node.type.kind, node.type.plate) == (kind_of_call, plate) and self.fit(event, node.type.event)

    def letters(self, letters: str, event: Sequence[Size], sizes: dict[str, Size], what: str) -> None:
        """A letter stands for one size throughout; `sizes` tells those known so far."""
        known = [sizes.setdefault(letter, size) for letter, size in zip(letters, event, strict=True)]
        assert self.fit(known, event), what

    def fit(self, a: Sequence[Size], b: Sequence[Size]) -> bool:
        return [self.sizes.get(size) or size for size in a] == [self.sizes.get(size) or size for size in b]

    def same(self, a: ValueType | None, b: ValueType) -> bool:
        """The same, but `b` may be real: a real name may stand for whole numbers."""
        return a is not None and a.plate == b.plate and self.fit(a.event, b.event) and b.kind in {a.kind, "real"}

    def deepest(self, plates: Iterable[str | None]) -> str | None:
        return max(plates, key=lambda plate: len(self.model.path(plate)), default=None)


def _reaches_back(expressions: Iterable[Expr]) -> bool:
    return any(isinstance(node, ir.Previous) for expression in expressions for node in walk(expression))
