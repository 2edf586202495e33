"""Names: what each stands for, where it is visible, and which were used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from qemppl.diagnostics.diagnostic import Label
from qemppl.diagnostics.source import Span
from qemppl.ir.model import DataRef, DefinitionRef, EventDim, Expr, LatentRef, Plate, Size, ValueType
from qemppl.ir.model import Form as DeclaredForm
from qemppl.lang.check.forms import Form
from qemppl.lang.check.ranges import ANYTHING, Range
from qemppl.lang.check.report import Reporter, suggestion
from qemppl.lang.syntax import ast

Role = Literal["plate", "dim", "data", "latent", "definition", "generated"]
BlockName = Literal["data", "transformed data", "model", "generated quantities"]

ROLE_PHRASES: dict[Role, str] = {
    "plate": "a plate",
    "dim": "a dim",
    "data": "data",
    "latent": "a latent",
    "definition": "a deterministic name",
    "generated": "a generated quantity",
}
_LARGEST_TREE = 40
"""Plates that a message shows."""


FOREIGN_NAMES = {
    "lp__": "leave it out: a fit reports the evidence of the model, and the log density of each observation",
    "pi": "write `3.141592653589793`",
    **dict.fromkeys(("TRUE", "True", "true"), "write `1`"),
    **dict.fromkeys(("FALSE", "False", "false"), "write `0`"),
    **dict.fromkeys(
        ("Inf", "inf", "infinity", "negative_infinity"), "leave it out: without a bound, a value has no limit"
    ),
    **dict.fromkeys(
        ("NA", "NaN", "nan"), "a value that is missing is `null` in the data, which are declared `missing`"
    ),
}
"""Names that other languages have, and what to do without them."""


@dataclass(frozen=True, eq=False)
class Symbol:
    """A declared name.

    type: of one value; None if its declaration is wrong, so that nothing more is said about it. plate: where it was declared.
    range: the values that its components take. form: what they satisfy together. array_axes: how many of the first event axes are
    axes of an array. is_transformed: computed in `transformed data`. is_missing: some values may be missing.
    """

    name: str
    role: Role
    span: Span
    type: ValueType | None
    plate: str | None = None
    range: Range = ANYTHING
    form: DeclaredForm | None = None
    array_axes: int = 0
    is_transformed: bool = False
    is_missing: bool = False

    @property
    def label(self) -> Label:
        return Label(self.span, f"`{self.name}` is declared here")

    def as_data(self, kind: str) -> str:
        """Its declaration in `data` with another type: `int y[school];`."""
        return f"{kind} {self.name}[{self.plate}];" if self.plate is not None else f"{kind} {self.name};"


@dataclass(frozen=True, eq=False)
class Value:
    """A checked expression.

    expr: its meaning. range: the values that its components take. is_row: whether it is a row (a transposed vector, a row of a matrix);
    `expr` does not tell. form: what its components are known to satisfy together. array_axes: how many of the first event axes are
    axes of an array.
    """

    expr: Expr
    range: Range
    is_row: bool = False
    form: Form | None = None
    array_axes: int = 0

    @property
    def type(self) -> ValueType:
        return self.expr.type

    @property
    def is_matrix(self) -> bool:
        return len(self.type.event) == 2 and self.array_axes == 0

    @property
    def depends_on_latents(self) -> bool:
        return bool(self.range.sources)

    @property
    def phrase(self) -> str:
        """Its type as it is written."""
        return shape_phrase(self.type.kind, self.type.event, self.is_row, array_axes=self.array_axes)


@dataclass(frozen=True)
class Outward:
    """The function that brings the values of the members of a plate out of it, and whether it may do so here."""

    function: str
    is_here: bool


def shape_phrase(
    kind: str, event: tuple[Size, ...], is_row: bool = False, *, array_axes: int = 0, form: str | None = None
) -> str:
    """A type as it is written: `real`, `vector[P]`, `array[K] simplex[K]`."""
    if kind == "int" or len(event) - array_axes > 2:
        array_axes = len(event)
    outer, own = event[:array_axes], event[array_axes:]
    element = kind
    if own:
        element = f"{form or ('vector', 'matrix')[len(own) - 1]}[{_sizes(own[:1] if form else own)}]"
    array = f"array[{_sizes(outer)}] " if outer else ""
    return f"`{array}{element}`" + (" (transposed)" if is_row else "")


def value_of(symbol: Symbol, kind: ValueType, span: Span) -> Value:
    """The value of a symbol of this type where it is used."""
    expr: Expr
    match symbol.role:
        case "latent":
            expr = LatentRef(symbol.name, kind, span)
        case "definition" | "generated":
            expr = DefinitionRef(symbol.name, kind, span)
        case _:
            expr = DataRef(symbol.name, kind, span)
    return Value(expr, symbol.range, form=symbol.form, array_axes=symbol.array_axes)


def _sizes(event: tuple[Size, ...]) -> str:
    return ", ".join(map(str, event))


@dataclass
class Scope:
    """All names of a program. Names are global: a plate limits where a name may be used, not what it means."""

    report: Reporter
    forgiven: set[str] = field(default_factory=set)
    """Names about which nothing may be concluded."""
    later: dict[str, Span] = field(default_factory=dict)
    """Where every name of the program is first declared, for those not reached yet."""
    symbols: dict[str, Symbol] = field(default_factory=dict)
    ahead: dict[str, Symbol] = field(default_factory=dict)
    """Latents of a chain that `prev` reaches before they are declared, as far as their declarations tell."""
    plates: dict[str, Plate] = field(default_factory=dict)
    dims: dict[str, EventDim] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    unopened: set[str] = field(default_factory=set)
    """Plates that should be open where another one is: what is said of that one says so."""
    misplaced: dict[str, str] = field(default_factory=dict)
    """Plates that stand inside another one by mistake, and that other one, whose names they see so that no more is said."""
    block_end: int | None = None
    """Where the block ends whose names no later block may supply."""
    model_end: int | None = None
    """Where `model` ends: what is generated stands behind, and nothing before depends on it."""

    # Plates.

    def path(self, plate: str | None) -> tuple[str, ...]:
        """From the root down to and including `plate`."""
        path: list[str] = []
        while plate is not None:
            path.append(plate)
            plate = self.plates[plate].parent
        return tuple(reversed(path))

    def is_within(self, plate: str | None, ancestor: str | None) -> bool:
        while plate is not None and plate != ancestor:
            plate = self.plates[plate].parent
        return plate == ancestor

    def deepest(self, *plates: str | None) -> str | None:
        """The deepest of several plates on one path."""
        deepest: str | None = None
        for plate in plates:
            if deepest is None or (plate is not None and plate != deepest and self.is_within(plate, deepest)):
                deepest = plate
        return deepest

    def tree(self, *about: str | None) -> str:
        """The plates as an indented tree on one line a plate; of very many, those around the plates that it is `about`."""
        names = list(self.plates)
        if len(names) > _LARGEST_TREE:
            names = list(dict.fromkeys(name for plate in about for name in self.path(plate)))
        inner: dict[str | None, list[str]] = {}
        for name in names:
            inner.setdefault(self.plates[name].parent, []).append(name)
        lines = ["the plates of this model:"]
        stack = [(name, 1) for name in reversed(inner.get(None, []))]
        while stack and len(lines) <= _LARGEST_TREE:
            name, depth = stack.pop()
            lines.append(f"{'  ' * depth}{name}")
            stack += [(child, depth + 1) for child in reversed(inner.get(name, []))]
        return "\n".join([*lines, "  ..."] if stack else lines)

    # Sizes.

    def known_size(self, size: Size) -> int | None:
        if isinstance(size, int):
            return size
        return self.dims[size].size if size in self.dims else None

    def same_shape(self, a: tuple[Size, ...], b: tuple[Size, ...]) -> bool:
        return len(a) == len(b) and all(
            x == y or (self.known_size(x) is not None and self.known_size(x) == self.known_size(y))
            for x, y in zip(a, b, strict=True)
        )

    # Names.

    def declare(self, symbol: Symbol) -> bool:
        """Enter a name; reports a duplicate."""
        first = self.symbols.get(symbol.name)
        if first is None:
            self.symbols[symbol.name] = symbol
            return True
        labels = (Label(first.span, "first declared here"),)
        note = "names are global: a name means the same in every plate"
        self.report.error(
            "QEM203",
            f"`{symbol.name}` is declared twice",
            symbol.span,
            labels=labels,
            notes=(note,),
            hint="choose another name",
        )
        return False

    def reference(self, name: str, span: Span, plate: str | None, outward: Outward | None = None) -> Value | None:
        """The value of a name used on a plate; reports why it has none. outward: how its members may be meant to come here."""
        place = f"[{plate}]" if plate is not None else ""
        declare = f"declare it in `data`: `real {name}{place};`, or in `model` with its law: `real {name} ~ ...;`"
        symbol = self.find(name, span, declare)
        if symbol is None or symbol.type is None or not self.sees(symbol, span, plate, outward):
            return None
        if symbol.is_missing:
            self._may_be_missing(symbol, span)
            return None
        if symbol.role == "plate":
            hint = f"for the number of its members, declare `int N;` and `plate {name}[N];` in `data`, and write `N`"
            self.report.error("QEM214", f"`{name}` is a plate, not a value", span, labels=(symbol.label,), hint=hint)
            return None
        return value_of(symbol, symbol.type, span)

    def find(self, name: str, span: Span, declare: str | None = None) -> Symbol | None:
        """What a name stands for; reports one that stands for nothing (once). declare: how it would be declared, for the hint."""
        self.used.add(name)
        symbol = self.symbols.get(name)
        if symbol is not None or name in self.forgiven:
            return symbol
        if name in self.later:
            self._used_too_early(name, span)
            return None
        self.forgiven.add(name)
        not_itself = (other for other, place in self.later.items() if place.start > span.start)
        near = self.did_you_mean(name, chain(self.symbols, not_itself))
        hint = FOREIGN_NAMES.get(name) or near or declare or f"declare `{name}` in `data` or in `model`"
        self.report.error("QEM201", f"`{name}` is not declared", span, hint=hint)
        return None

    def is_plate(self, name: ast.Name) -> bool:
        """Whether a name is that of a plate; reports if it is not."""
        report, symbol = self.report, self.symbols.get(name.text)
        self.used.add(name.text)
        if symbol is not None and symbol.role == "plate":
            return True
        if symbol is not None:
            message = f"`{name.text}` is {ROLE_PHRASES[symbol.role]}, not a plate"
            report.error("QEM301", message, name.span, labels=(symbol.label,))
        elif name.text in self.later:
            self._used_too_early(name.text, name.span)
        elif name.text not in self.forgiven:
            hint = report.did_you_mean(name.text, self.plates) or f"declare `plate {name.text};` in `data`"
            report.error("QEM301", f"there is no plate `{name.text}`", name.span, hint=hint)
            self.forgiven.add(name.text)
        return False

    def is_size(self, name: str) -> bool:
        """Whether a name is that of a dim or of a single int of the data."""
        symbol = self.symbols.get(name)
        if symbol is None or symbol.type is None or symbol.is_transformed:
            return False
        is_single_int = symbol.type.kind == "int" and symbol.plate is None and not symbol.type.event
        return symbol.role == "dim" or (symbol.role == "data" and is_single_int)

    def mention(self, *expressions: ast.Expression) -> None:
        """Count the names in expressions as used, though nothing is made of them."""
        stack = list(expressions)
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Variable):
                self.used.add(node.name)
            stack.extend(ast.children(node))

    def _may_be_missing(self, symbol: Symbol, span: Span) -> None:
        message = f"values of `{symbol.name}` may be missing, so it is only observed, with `~`"
        hint = f"remove `missing`, or observe it: `{symbol.name} ~ ...;`"
        self.report.error("QEM218", message, span, labels=(symbol.label,), hint=hint)

    def _used_too_early(self, name: str, span: Span) -> None:
        if self.block_end is not None and self.later[name].start >= self.block_end:
            label = Label(self.later[name], "declared here")
            message = f"`{name}` belongs to a later block, and this one depends on data only"
            hint = "compute it in `model`, or in `generated quantities`"
            self.report.error("QEM217", message, span, labels=(label,), hint=hint)
            return
        if self.model_end is not None and span.start < self.model_end <= self.later[name].start:
            label = Label(self.later[name], "declared here")
            message = (
                f"`{name}` is computed from the posterior in `generated quantities`: the model cannot depend on it"
            )
            self.report.error("QEM239", message, span, labels=(label,), hint="define it in `model`")
            return
        if self.later[name].start < span.start:  # the statement under way declares it
            message = f"the value of `{name}` depends on `{name}` itself"
            self.report.error("QEM238", message, span, hint="define it from other names: every name has one value")
            return
        label = Label(self.later[name], "declared only here")
        message = f"`{name}` is used before it is declared"
        self.report.error("QEM202", message, span, labels=(label,), hint="move its declaration above")

    def did_you_mean(self, name: str, candidates: Iterable[str]) -> str | None:
        """A hint with the nearest names, which then count as used: they were probably meant."""
        near = self.report.nearest(name, candidates)
        self.used.update(near)
        return suggestion(near)

    def sees(self, symbol: Symbol, span: Span, plate: str | None, outward: Outward | None = None) -> bool:
        """Whether a name may be used on a plate; reports if not."""
        if symbol.role == "plate" or symbol.plate is None or self.is_within(plate, symbol.plate):
            return True
        if any(self.is_within(self.misplaced.get(p), symbol.plate) for p in self.path(plate)):
            return True
        if self.is_within(symbol.plate, plate):
            name, own = symbol.name, symbol.plate
            hint = f"use it inside `{self.opener(own)} {{ ... }}`"
            if outward is not None and outward.is_here:
                hint = f"write `{outward.function}({name} over {own})`, or {hint}"
            elif outward is not None:
                block = "transformed data" if symbol.role == "data" else "generated quantities"
                hint = f"for all members together, write `{outward.function}({name} over {own})` in `{block}`"
            self.report.error(
                "QEM305",
                f"`{name}` has one value for each member of `{own}`, and cannot be used outside of that plate",
                span,
                labels=(symbol.label,),
                hint=hint,
            )
        else:
            self.report.error(
                "QEM306",
                f"`{symbol.name}` belongs to the plate `{symbol.plate}`, which is not around the plate `{plate}`",
                span,
                labels=(symbol.label,),
                notes=(self.tree(symbol.plate, plate),),
                hint=self._nest(symbol, plate),
            )
        return False

    def _nest(self, symbol: Symbol, plate: str | None) -> str:
        """How two plates, neither of which is around the other, can meet."""
        own, inner = str(symbol.plate), self.opener(str(plate))
        if symbol.role == "data" or self.path(plate)[0] != plate:
            return f"use it inside `{self.opener(own)} {{ ... }}`"
        open_it = f"and open it inside `{self.opener(own)} {{ ... }}`"
        return f"if each `{plate}` belongs to one `{own}`, declare `{inner} in {own};` in `data`, {open_it}"

    def opener(self, plate: str) -> str:
        """`plate school`, `chain week`: how a plate is opened."""
        return f"{'chain' if self.plates[plate].is_chain else 'plate'} {plate}"
