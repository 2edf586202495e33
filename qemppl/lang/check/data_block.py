"""Checks the `data` block: plates, dims and the names that the data file supplies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from qemppl.diagnostics.diagnostic import Label
from qemppl.ir.model import DataVariable, EventDim, Plate, ValueType
from qemppl.lang.check.declarations import Declarations
from qemppl.lang.check.ranges import Range
from qemppl.lang.check.scope import Scope, Symbol
from qemppl.lang.syntax import ast


@dataclass
class DataBlock:
    """The checker of declarations in `data`; `variables` gathers what was declared, in order."""

    scope: Scope
    declarations: Declarations
    variables: list[DataVariable] = field(default_factory=list)
    _explicit: frozenset[str] = frozenset()
    _index_of: dict[str, tuple[str, ast.Name]] = field(default_factory=dict)

    def check(self, block: ast.DataBlock) -> None:
        """Check every statement of the block and enter its names."""
        self._explicit = frozenset(s.name.text for s in block.body if isinstance(s, ast.Declaration))
        for statement in block.body:
            match statement:
                case ast.DataPlate():
                    self._plate(statement)
                case ast.Dim():
                    self._dim(statement)
                case ast.Declaration():
                    self._variable(statement)
                case ast.Skipped():
                    pass
                case _:
                    assert_never(statement)

    # Plates.

    def _plate(self, statement: ast.DataPlate) -> None:
        name = statement.name
        parent = self._parent(statement)
        size = None
        if statement.size is not None:
            if len(statement.size.items) == 1:
                size = self.declarations.size(statement.size.items[0])
            else:
                self.scope.report.error("QEM416", "a plate has one size", statement.size.span)
        symbol = Symbol(name.text, "plate", name.span, ValueType("int"))
        if not self.scope.declare(symbol):
            return
        index = statement.index
        is_flat = index is not None and parent is not None
        self.scope.plates[name.text] = Plate(
            name.text, parent, index.text if index is not None and is_flat else None, size, name.span
        )
        if index is not None and is_flat:
            self._index_column(index, name.text)
        elif index is not None and not statement.parents:
            hint = f"write `plate {name.text} in parent by {index.text};`"
            self.scope.report.error("QEM310", "`by` needs the plate that it points to", index.span, hint=hint)

    def _parent(self, statement: ast.DataPlate) -> str | None:
        """The plate around this one; None at the root, and after a mistake."""
        report = self.scope.report
        if len(statement.parents) > 1:
            span = statement.parents[0].span.to(statement.parents[-1].span)
            names = " and ".join(f"`{parent.text}`" for parent in statement.parents)
            note = "the plates of a model form a tree: every plate has at most one parent"
            hint = "nest it in one of them, and give the other as an int column to index a vector with"
            report.error("QEM304", f"`{statement.name.text}` has two parents, {names}", span, notes=(note,), hint=hint)
        if not statement.parents:
            return None
        parent = statement.parents[0]
        if parent.text == statement.name.text:
            report.error("QEM303", f"the plate `{parent.text}` cannot be nested in itself", parent.span)
            return None
        return parent.text if self.scope.is_plate(parent) else None

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
            bounds = self.declarations.bounds(ast.Type("int", (), (), index.span), None)
            assert bounds is not None
            self.variables.append(DataVariable(index.text, kind, bounds.bounds, index.span, is_index=True))

    # Dims and names.

    def _dim(self, statement: ast.Dim) -> None:
        size: int | None = None
        value = statement.size
        if isinstance(value, ast.Number) and value.integer and value.value >= 1:
            size = int(value.value)
        elif value is not None:
            self.scope.report.error("QEM416", "the size of a dim is a whole number of at least 1", value.span)
        name = statement.name
        values = Range(size, size, True, True) if size else Range(lower=1.0)
        if self.scope.declare(Symbol(name.text, "dim", name.span, ValueType("int"), None, values)):
            self.scope.dims[name.text] = EventDim(name.text, size, name.span)

    def _variable(self, statement: ast.Declaration) -> None:
        name = statement.name
        plate = self._plate_of(statement)
        is_placed = plate is not None or statement.brackets is None
        kind = self.declarations.type(statement.type, plate)
        declared = self.declarations.bounds(statement.type, plate)
        is_right = is_placed and kind is not None and declared is not None
        values = declared.range.without_ends if declared is not None else Range()
        symbol = Symbol(name.text, "data", name.span, kind if is_right else None, plate, values)
        if not self.scope.declare(symbol) or not is_right:
            return
        assert kind is not None
        assert declared is not None
        is_index = name.text in self._index_of and self._fits_index(statement, kind)
        self.variables.append(DataVariable(name.text, kind, declared.bounds, name.span, is_index=is_index))

    def _plate_of(self, statement: ast.Declaration) -> str | None:
        """The plate in the brackets after the name."""
        brackets, name = statement.brackets, statement.name.text
        if brackets is None:
            return None
        report = self.scope.report
        if len(brackets.items) > 1:
            hint = f"write only the innermost plate: `{name}[{brackets.items[-1].span.text}]`"
            report.error(
                "QEM312", "a name lives on one plate; the plates around it are implied", brackets.span, hint=hint
            )
            return None
        item = brackets.items[0]
        if isinstance(item, ast.Variable):
            symbol = self.scope.symbols.get(item.name)
            is_unknown = symbol is None and not report.nearest(item.name, self.scope.plates)
            is_unknown = is_unknown and item.name not in self.scope.later and item.name not in self.scope.forgiven
            if not is_unknown and (symbol is None or symbol.role == "plate"):
                return item.name if self.scope.is_plate(ast.Name(item.name, item.span)) else None
            self.scope.used.add(item.name)
        size = item.span.text
        self.scope.forgiven.add(size)
        label = Label(self.scope.symbols[size].span, "declared here") if size in self.scope.symbols else None
        instead = " instead" if label else ""
        declare = f"declare `plate {size};`{instead}" if size.isidentifier() else "declare a plate"
        report.error(
            "QEM312",
            f"`{size}` is not a plate: the brackets after a name hold the plate that it lives on",
            item.span,
            labels=(label,) if label else (),
            hint=f"{declare}, or write `vector[{size}] {name};` for one vector",
        )
        return None

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
