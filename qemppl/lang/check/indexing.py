"""Checks `value[index]`: each index picks one component of the first axis that is left, counted from 1."""

from __future__ import annotations

from dataclasses import dataclass

from qemppl.diagnostics.source import Span
from qemppl.ir.model import Gather, ValueType
from qemppl.lang.check.ranges import Range
from qemppl.lang.check.scope import Scope, Symbol, Value
from qemppl.lang.syntax import ast


@dataclass
class Indexing:
    """The checker of indices."""

    scope: Scope

    def index(self, node: ast.Index, parts: list[Value]) -> Value | None:
        """One component, row or element of a value; several indices pick one after another."""
        value, indices = parts[0], parts[1:]
        if len(indices) > len(value.type.event):
            self._too_many(node, value, len(indices))
            return None
        for written, index in zip(node.indices, indices, strict=True):
            if not (self._is_index(written, index) and self._is_in_range(node, written, value, index)):
                return None
            value = self._pick(node, value, index)
        return value

    def _pick(self, node: ast.Index, value: Value, index: Value) -> Value:
        kind = ValueType(value.type.kind, value.type.event[1:], self.scope.deepest(value.type.plate, index.type.plate))
        r = value.range
        values = Range(r.lower, r.upper, r.reaches_lower, r.reaches_upper, r.sources | index.range.sources)
        form = value.form if value.array_axes else None
        return Value(
            Gather(value.expr, index.expr, kind, node.span),
            values,
            is_row=value.is_matrix,
            form=form,
            array_axes=max(value.array_axes - 1, 0),
        )

    def _is_index(self, written: ast.Expression, index: Value) -> bool:
        if index.type.kind == "int" and not index.type.event:
            return True
        symbol = self.scope.symbols.get(written.span.text)
        labels = (symbol.label,) if symbol is not None else ()
        hint = "an int is a whole number of the data, a dim, or a discrete latent"
        if symbol is not None and symbol.role == "data" and not index.type.event:
            hint = f"declare `{symbol.as_data('int')}`"
        elif index.type.event:
            hint = "pick one component at a time, or let a data column on a plate be the index"
        elif isinstance(written, ast.Number):
            hint = "write a whole number"
        elif isinstance(written, ast.Binary) and written.operator == "/":
            hint = "`/` is real division, also of whole numbers"
        message = f"an index is a single int, and this is {index.phrase}"
        self.scope.report.error("QEM409", message, written.span, labels=labels, hint=hint)
        return False

    def _is_in_range(self, node: ast.Index, written: ast.Expression, value: Value, index: Value) -> bool:
        """Whether no value of the index is known to be too small or too large."""
        size, r = self.scope.known_size(value.type.event[0]), index.range
        too_small = r.upper < 1 or (r.lower < 1 and r.reaches_lower)
        too_large = size is not None and (r.lower > size or (r.upper > size and r.reaches_upper))
        if not too_small and not too_large:
            return True
        end = "" if size is None else f" to {size}"
        message, hint = "this index is out of range", None
        if r.upper == 0 and isinstance(written, ast.Number):
            hint = "the first component has the index 1"
        if not r.is_constant:
            message = f"this index can be {r.lower if too_small else r.upper:g}"
            if too_small and r.lower == 0:
                hint = f"write `{node.value.span.text}[{written.span.text} + 1]`"
        note = f"components are counted from 1{end}"
        self.scope.report.error("QEM410", message, written.span, notes=(note,), hint=hint)
        return False

    def _too_many(self, node: ast.Index, value: Value, given: int) -> None:
        text, axes = node.value.span.text, len(value.type.event)
        if axes == 0:
            message = f"`{text}` is a single number and has no components"
            hint: str | None = f"write `{text}`, or make it a vector"
        else:
            takes = "one index" if axes == 1 else f"{axes} indices"
            message, hint = f"`{text}` is {value.phrase} and takes {takes}, not {given}", None
            if value.type.plate is not None:
                kept = ", ".join(index.span.text for index in node.indices[-axes:])
                hint = f"write `{text}[{kept}]`: inside `plate {value.type.plate} {{ ... }}` a bare name is this member's value"
        self.scope.report.error("QEM411", message, node.span, hint=hint)

    # Members.

    def is_member(self, node: ast.Index, plate: str | None) -> bool:
        """Whether this is Stan's `theta[i]` for one member of a plate; reported here, and `i` need not mean anything."""
        if not isinstance(node.value, ast.Variable):
            return False
        symbol = self.scope.symbols.get(node.value.name)
        own = symbol.plate if symbol is not None else None
        for index in node.indices:
            is_plate = isinstance(index, ast.Variable) and index.name in self.scope.plates
            if (
                is_plate
                and symbol is not None
                and symbol.type is not None
                and (symbol.type.event or index.span.text != own)
            ):
                self._plate_as_index(node, symbol, index.span)
                return True
        if symbol is None or symbol.type is None or symbol.type.event or symbol.plate is None:
            return False
        self.scope.used.add(symbol.name)
        self.scope.mention(*node.indices)
        self.scope.report.error(
            "QEM313",
            f"`{symbol.name}` is not indexed: it has one value for each member of `{symbol.plate}`",
            node.span,
            labels=(symbol.label,),
            hint=self._bare_name(node, symbol, plate),
        )
        return True

    def _plate_as_index(self, node: ast.Index, symbol: Symbol, index: Span) -> None:
        plate = self.scope.symbols[index.text]
        self.scope.mention(node.value, *node.indices)
        inside = f"inside `{self.scope.opener(plate.name)} {{ ... }}`"
        hint = f"declare `{symbol.name}` for each member, {inside}, and write `{symbol.name}`"
        if symbol.plate == plate.name:
            others = ", ".join(i.span.text for i in node.indices if i.span != index)
            text = f"{symbol.name}[{others}]" if others else symbol.name
            hint = f"write `{text}`: {inside} a bare name is this member's value"
        message = f"`{plate.name}` is a plate and no index"
        self.scope.report.error("QEM214", message, index, labels=(plate.label,), hint=hint)

    def _bare_name(self, node: ast.Index, symbol: Symbol, plate: str | None) -> str:
        """What to write for one member: a column of another plate that points to members nests that plate."""
        index = node.indices[0]
        while isinstance(index, ast.Index):
            index = index.value
        column = self.scope.symbols.get(index.name) if isinstance(index, ast.Variable) else None
        within = plate is not None and self.scope.is_within(plate, symbol.plate)
        if column is not None and column.role == "data" and column.plate is not None and not within:
            nested = f"plate {column.plate} in {symbol.plate} by {column.name};"
            return f"declare `{nested}`: inside that plate `{symbol.name}` is the value of its `{symbol.plate}`"
        return f"write `{symbol.name}`: inside `plate {symbol.plate} {{ ... }}` a bare name is this member's value"
