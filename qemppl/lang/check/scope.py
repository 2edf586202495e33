"""Names: what each stands for, where it is visible, and which were used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from qemppl.diagnostics.diagnostic import Label
from qemppl.diagnostics.source import Span
from qemppl.ir.model import DataRef, DefinitionRef, EventDim, Expr, LatentRef, Plate, Size, ValueType
from qemppl.lang.check.ranges import ANYTHING, Range
from qemppl.lang.check.report import Reporter, suggestion
from qemppl.lang.syntax import ast

Role = Literal["plate", "dim", "data", "latent", "definition"]

ROLE_PHRASES: dict[Role, str] = {
    "plate": "a plate",
    "dim": "a dim",
    "data": "data",
    "latent": "a latent",
    "definition": "a deterministic name",
}


@dataclass(frozen=True, eq=False)
class Symbol:
    """A declared name.

    type: of one value; None if its declaration is wrong, so that nothing more is said about it. plate: where it was declared.
    range: the values it takes.
    """

    name: str
    role: Role
    span: Span
    type: ValueType | None
    plate: str | None = None
    range: Range = ANYTHING

    @property
    def label(self) -> Label:
        return Label(self.span, f"`{self.name}` is declared here")


@dataclass(frozen=True, eq=False)
class Value:
    """A checked expression: its meaning, the values it takes, and whether it is a row (a transposed vector)."""

    expr: Expr
    range: Range
    is_row: bool = False

    @property
    def type(self) -> ValueType:
        return self.expr.type

    @property
    def depends_on_latents(self) -> bool:
        return bool(self.range.sources)


def shape_phrase(kind: str, event: tuple[Size, ...], is_row: bool = False) -> str:
    """A type as it is written: `real`, `vector[P]`."""
    if not event:
        return f"`{kind}`"
    return f"`vector[{event[0]}]`" + (" (transposed)" if is_row else "")


@dataclass
class Scope:
    """All names of a program. Names are global: a plate limits where a name may be used, not what it means."""

    report: Reporter
    forgiven: set[str] = field(default_factory=set)
    """Names about which nothing may be concluded."""
    later: dict[str, Span] = field(default_factory=dict)
    """Where every name of the program is first declared, for those not reached yet."""
    symbols: dict[str, Symbol] = field(default_factory=dict)
    plates: dict[str, Plate] = field(default_factory=dict)
    dims: dict[str, EventDim] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

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

    def tree(self) -> str:
        """The plates as an indented tree on one line a plate."""
        lines = ["the plates of this model:"]
        lines += [f"{'  ' * len(self.path(name))}{name}" for name in self._depth_first(None)]
        return "\n".join(lines)

    def _depth_first(self, parent: str | None) -> Iterator[str]:
        stack = [name for name, plate in reversed(self.plates.items()) if plate.parent == parent]
        while stack:
            name = stack.pop()
            yield name
            stack.extend(child for child, plate in reversed(self.plates.items()) if plate.parent == name)

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

    def reference(self, name: str, span: Span, plate: str | None) -> Value | None:
        """The value of a name used on a plate; reports why it has none."""
        symbol = self.find(name, span)
        if symbol is None or symbol.type is None or not self._is_visible(symbol, span, plate):
            return None
        if symbol.role == "plate":
            self.report.error("QEM214", f"`{name}` is a plate, not a value", span, labels=(symbol.label,))
            return None
        expr: Expr
        match symbol.role:
            case "latent":
                expr = LatentRef(name, symbol.type, span)
            case "definition":
                expr = DefinitionRef(name, symbol.type, span)
            case _:
                expr = DataRef(name, symbol.type, span)
        return Value(expr, symbol.range)

    def find(self, name: str, span: Span) -> Symbol | None:
        """What a name stands for; reports one that stands for nothing (once)."""
        self.used.add(name)
        symbol = self.symbols.get(name)
        if symbol is not None or name in self.forgiven:
            return symbol
        if name in self.later:
            self._used_too_early(name, span)
            return None
        self.forgiven.add(name)
        near = self.did_you_mean(name, [*self.symbols, *self.later])
        hint = near or f"declare `{name}` in `data` or in `model`"
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

    def _used_too_early(self, name: str, span: Span) -> None:
        label = Label(self.later[name], "declared only here")
        message = f"`{name}` is used before it is declared"
        self.report.error("QEM202", message, span, labels=(label,), hint="move its declaration above")

    def did_you_mean(self, name: str, candidates: Iterable[str]) -> str | None:
        """A hint with the nearest names, which then count as used: they were probably meant."""
        near = self.report.nearest(name, candidates)
        self.used.update(near)
        return suggestion(near)

    def _is_visible(self, symbol: Symbol, span: Span, plate: str | None) -> bool:
        if symbol.role == "plate" or symbol.plate is None or self.is_within(plate, symbol.plate):
            return True
        if self.is_within(symbol.plate, plate):
            where = f"inside `plate {symbol.plate} {{ ... }}`"
            self.report.error(
                "QEM305",
                f"`{symbol.name}` has one value for each member of `{symbol.plate}`, and cannot be used outside of that plate",
                span,
                labels=(symbol.label,),
                hint=f"use it {where}",
            )
        else:
            self.report.error(
                "QEM306",
                f"`{symbol.name}` belongs to the plate `{symbol.plate}`, which is not around the plate `{plate}`",
                span,
                labels=(symbol.label,),
                notes=(self.tree(),),
            )
        return False
