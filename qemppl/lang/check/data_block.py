"""Checks the `data` block: plates, dims and the names that the data file supplies."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import assert_never

from qemppl.diagnostics.diagnostic import Label
from qemppl.diagnostics.source import Span
from qemppl.ir.model import UNBOUNDED, DataVariable, EventDim, Plate, ValueType
from qemppl.lang.check.declarations import Declarations
from qemppl.lang.check.ranges import Range, constant
from qemppl.lang.check.rewriting import in_front, one_line
from qemppl.lang.check.scope import Scope, Symbol
from qemppl.lang.syntax import ast


@dataclass
class DataBlock:
    """The checker of declarations in `data`; `variables` gathers what was declared, in order."""

    scope: Scope
    declarations: Declarations
    variables: list[DataVariable] = field(default_factory=list)
    _explicit: frozenset[str] = frozenset()
    _plates: dict[str, ast.DataPlate] = field(default_factory=dict)
    _entered: set[ast.DataPlate] = field(default_factory=set)
    _index_of: dict[str, tuple[str, ast.Name]] = field(default_factory=dict)

    def check(self, block: ast.DataBlock) -> None:
        """Check every statement of the block and enter its names."""
        self._explicit = frozenset(s.name.text for s in block.body if isinstance(s, ast.Declaration))
        self._plates = {s.name.text: s for s in reversed(block.body) if isinstance(s, ast.DataPlate)}
        self.scope.block_end = block.span.end
        for statement in block.body:
            match statement:
                case ast.DataPlate():
                    self._plate_after_its_parents(statement)
                case ast.Dim():
                    self._dim(statement)
                case ast.Declaration():
                    self._variable(statement)
                case ast.Skipped():
                    pass
                case _:
                    assert_never(statement)
        self.scope.block_end = None

    # Plates.

    def _plate_after_its_parents(self, statement: ast.DataPlate) -> None:
        """Enter a plate; parents that are declared only further down are reported, and entered before it."""
        line = [statement]
        while (parent := self._later_parent(line[-1])) is not None and parent not in line:
            line.append(parent)
        if parent is not None:
            self._cycle(line[line.index(parent) :])
        else:
            for inner, outer in pairwise(line):
                name, label = inner.parents[0], Label(outer.name.span, "declared only here")
                hint = f"move `{' '.join(outer.span.text.split())}` above"
                message = f"`{name.text}` is used before it is declared"
                self.scope.report.error("QEM202", message, name.span, labels=(label,), hint=hint)
        for plate in reversed(line):
            self._plate(plate, is_cyclic=parent is not None and plate is line[-1])

    def _cycle(self, plates: list[ast.DataPlate]) -> None:
        names = " and ".join(f"`{plate.name.text}`" for plate in plates)
        labels = [Label(plate.span, "declared here") for plate in plates[:-1]]
        message = f"the plates {names} are nested in each other"
        hint = f"let one of them stand outside: `plate {plates[-1].name.text};`"
        self.scope.report.error("QEM303", message, plates[-1].parents[0].span, labels=labels, hint=hint)

    def _later_parent(self, statement: ast.DataPlate) -> ast.DataPlate | None:
        """The parent of a plate, if it is declared further down."""
        if not statement.parents:
            return None
        name = statement.parents[0].text
        is_known = name in self.scope.symbols or name == statement.name.text
        return None if is_known else self._plates.get(name)

    def _plate(self, statement: ast.DataPlate, *, is_cyclic: bool) -> None:
        name = statement.name
        if statement in self._entered:
            return
        self._entered.add(statement)
        parent = None if is_cyclic else self._parent(statement)
        size = None
        if statement.size is not None:
            if len(statement.size.items) == 1:
                size = self.declarations.size(statement.size.items[0])
            else:
                self._two_sizes(statement, statement.size)
        symbol = Symbol(name.text, "plate", name.span, ValueType("int"))
        if not self.scope.declare(symbol):
            return
        index = statement.index
        is_flat = index is not None and bool(statement.parents)
        by = index.text if index is not None and parent is not None else None
        self.scope.plates[name.text] = Plate(name.text, parent, by, size, name.span, statement.is_chain)
        if index is not None and is_flat:
            self._index_column(index, name.text)
        elif index is not None:
            hint = f"write `plate {name.text} in parent by {index.text};`"
            self.scope.report.error("QEM310", "`by` needs the plate that it points to", index.span, hint=hint)

    def _two_sizes(self, statement: ast.DataPlate, brackets: ast.Brackets) -> None:
        name, sizes = statement.name.text, [item.span.text for item in brackets.items]
        self.scope.mention(*brackets.items)
        hint = f"nest one plate in another: `plate {name}[{sizes[0]}]; plate inner in {name};`"
        self.scope.report.error("QEM416", "a plate has one size", brackets.span, hint=hint)

    def _parent(self, statement: ast.DataPlate) -> str | None:
        """The plate around this one; None at the root, and after a mistake."""
        report = self.scope.report
        if len(statement.parents) > 1:
            span = statement.parents[0].span.to(statement.parents[-1].span)
            names = " and ".join(f"`{parent.text}`" for parent in statement.parents)
            note = "the plates of a model form a tree: every plate has at most one parent"
            hint = "nest it in one of them, and give the other as an int column to index a vector with"
            report.error("QEM304", f"`{statement.name.text}` has two parents, {names}", span, notes=(note,), hint=hint)
            self.scope.used.update(parent.text for parent in statement.parents)
        if not statement.parents:
            return None
        parent = statement.parents[0]
        if parent.text == statement.name.text:
            hint = f"write `{'chain' if statement.is_chain else 'plate'} {parent.text};`"
            report.error("QEM303", f"the plate `{parent.text}` cannot be nested in itself", parent.span, hint=hint)
            return None
        if self.scope.is_plate(parent):
            return parent.text
        near = report.nearest(parent.text, self.scope.plates)
        return near[0] if near else None

    def _index_column(self, index: ast.Name, plate: str) -> None:
        """`by` declares the column, unless it has a declaration of its own."""
        self.scope.used.add(index.text)
        if index.text in self._index_of:
            other, first = self._index_of[index.text]
            label = Label(first.span, f"already the index of `{other}`")
            self.scope.report.error("QEM310", f"`{index.text}` is the index of two plates", index.span, labels=(label,))
            return
        self._index_of[index.text] = (plate, index)
        earlier = self.scope.symbols.get(index.text)
        if earlier is not None:
            message = f"the index of `{plate}` is an int for each of its members, and `{index.text}` is not"
            self.scope.report.error(
                "QEM310", message, index.span, labels=(earlier.label,), hint="give the index a name of its own"
            )
            return
        if index.text in self._explicit:
            return
        kind = ValueType("int", (), plate)
        if self.scope.declare(Symbol(index.text, "data", index.span, kind, plate, Range(lower=1.0))):
            self.variables.append(DataVariable(index.text, kind, UNBOUNDED, index.span, is_index=True))

    # Dims and names.

    def _dim(self, statement: ast.Dim) -> None:
        size: int | None = None
        value = statement.size
        if isinstance(value, ast.Number) and value.integer and 1 <= value.value < math.inf:
            size = int(value.value)
        elif value is not None:
            self.scope.report.error("QEM416", "the size of a dim is a whole number of at least 1", value.span)
        name = statement.name
        values = constant(float(size)) if size else Range(lower=1.0)
        if self.scope.declare(Symbol(name.text, "dim", name.span, ValueType("int"), None, values)):
            self.scope.dims[name.text] = EventDim(name.text, size, name.span)

    def _variable(self, statement: ast.Declaration) -> None:
        name = statement.name
        plate = self._plate_of(statement)
        is_placed = plate is not None or statement.brackets is None
        declared = self.declarations.type(statement.type, name, plate, block="data")
        bounds = self.declarations.bounds(statement.type, plate)
        is_missing = statement.is_missing and self._may_be_missing(statement)
        values = bounds.range.without_ends if bounds is not None else Range()
        symbol = Symbol(name.text, "data", name.span, None, plate, values, is_missing=is_missing)
        if not is_placed or declared is None or bounds is None:
            self.scope.declare(symbol)
            return
        kind, form = declared.type, declared.form
        symbol = replace(symbol, type=kind, form=form, array_axes=declared.array_axes)
        if self.scope.declare(symbol):
            is_index = name.text in self._index_of and self._fits_index(statement, kind)
            self.variables.append(
                DataVariable(name.text, kind, bounds.bounds, name.span, is_missing, is_index=is_index, form=form)
            )

    def _may_be_missing(self, statement: ast.Declaration) -> bool:
        """Whether `missing` stands before a type whose values are observed one by one."""
        declared, name = statement.type, statement.name.text
        word = Span(statement.span.source, statement.span.start, statement.span.start + len("missing"))
        message, hint = None, "remove `missing`"
        if declared.kind not in {"int", "real", "vector"}:
            message = f"`missing` stands before numbers and vectors, and `{name}` is declared `{declared.kind}`"
        elif name in self._index_of:
            message = f"`{name}` is the index of the plate `{self._index_of[name][0]}`, which every member needs"
        if message is None:
            return True
        self.scope.report.error("QEM425", message, word, hint=hint)
        return False

    def _plate_of(self, statement: ast.Declaration) -> str | None:
        """The plate in the brackets after the name."""
        brackets = statement.brackets
        if brackets is None:
            return None
        if len(brackets.items) > 1:
            return self._innermost_of(statement, brackets)
        item = brackets.items[0]
        if isinstance(item, ast.Variable):
            symbol = self.scope.symbols.get(item.name)
            is_later = item.name in self.scope.later or item.name in self.scope.forgiven
            is_near = symbol is None and (is_later or bool(self.scope.report.nearest(item.name, self.scope.plates)))
            if is_near or (symbol is not None and symbol.role == "plate"):
                return self._named_plate(item)
        self.scope.mention(item)
        self._no_plate(statement, item)
        return None

    def _named_plate(self, item: ast.Variable) -> str | None:
        """The plate of this name, or the one whose name was probably meant."""
        if self.scope.is_plate(ast.Name(item.name, item.span)):
            return item.name
        near = self.scope.report.nearest(item.name, self.scope.plates)
        return near[0] if near else None

    def _innermost_of(self, statement: ast.Declaration, brackets: ast.Brackets) -> str | None:
        """The plate that `y[county, house]` means; reports it, and everything else of several indices."""
        report, name, items = self.scope.report, statement.name.text, brackets.items
        plates = [i.name for i in items if isinstance(i, ast.Variable) and i.name in self.scope.plates]
        self.scope.mention(*items)
        innermost = self.scope.deepest(*plates)
        is_nested = len(plates) == len(items) and all(self.scope.is_within(innermost, plate) for plate in plates)
        if is_nested and innermost is not None:
            message = "a name lives on one plate; the plates around it are implied"
            report.error(
                "QEM312", message, brackets.span, hint=f"write only the innermost plate: `{name}[{innermost}]`"
            )
            return innermost
        sizes = [" ".join(item.span.text.split()) for item in items]
        if len(plates) == len(items):
            message = f"the plates {' and '.join(f'`{plate}`' for plate in plates)} cross: neither is inside the other"
            outer, inner = plates[0], plates[-1]
            hint = f"nest them, `plate cell in {outer} by row;`, and give the other as an int column of `cell`"
            if len(plates) == 2 and self.scope.plates[inner].parent is None:
                nested = f"declare `{self.scope.opener(inner)} in {outer};` and write `{name}[{inner}]`"
                hint = f"if each `{inner}` belongs to one `{outer}`, {nested}; else {hint}"
            report.error("QEM312", message, brackets.span, notes=(self.scope.tree(*plates),), hint=hint)
            return None
        known = {i.name for i in items if isinstance(i, ast.Variable)} - self.scope.symbols.keys()
        self.scope.forgiven |= known - self.scope.later.keys()
        message = f"`{', '.join(sizes)}` are no plates: the brackets after a name hold the one plate that it lives on"
        hint = f"write `{in_front(statement.type, sizes)} {name};`"
        if len(sizes) == 2:
            hint += f", or nest plates: `plate row; plate cell in row;` and `{name}[cell]`"
        report.error("QEM312", message, brackets.span, hint=hint)
        return None

    def _no_plate(self, statement: ast.Declaration, item: ast.Expression) -> None:
        """Stan's `real y[N]`, with a size where a plate stands."""
        name, size = statement.name.text, " ".join(item.span.text.split())
        symbols = self.scope.symbols
        self.scope.forgiven.add(size)
        label = Label(symbols[size].span, "declared here") if size in symbols else None
        declare = f"declare `plate {size};`" if size.isidentifier() else "declare a plate"
        if size in symbols:
            declare = f"declare `plate obs[{size}];` and write `{one_line(statement.type.span)} {name}[obs];`"
        self.scope.report.error(
            "QEM312",
            f"`{size}` is not a plate: the brackets after a name hold the plate that it lives on",
            item.span,
            labels=(label,) if label else (),
            hint=f"{declare}, or write `{in_front(statement.type, [size])} {name};` for one value of that shape",
        )

    def _fits_index(self, statement: ast.Declaration, kind: ValueType) -> bool:
        plate, by = self._index_of[statement.name.text]
        if kind == ValueType("int", (), plate):
            return True
        self.scope.report.error(
            "QEM310",
            f"`{statement.name.text}` is the index of the plate `{plate}`, so it is an int for each of its members",
            statement.span,
            labels=(Label(by.span, "used as an index here"),),
            hint=f"write `int {statement.name.text}[{plate}];`, or leave the declaration out",
        )
        return False
