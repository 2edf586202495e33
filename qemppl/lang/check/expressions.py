"""Checks and translates expressions. Iterative: a long sum nests as deeply as it is long.

A wrong part is reported once and becomes None, and so does everything built from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from qemppl.diagnostics.source import Span
from qemppl.ir.functions import CALLABLE, FUNCTIONS, Function
from qemppl.ir.model import Call, Constant, Gather, Size, ValueType
from qemppl.lang.check.not_yet import LATER_FUNCTIONS
from qemppl.lang.check.ranges import Range, constant, range_of_call
from qemppl.lang.check.report import count_arguments
from qemppl.lang.check.scope import Scope, Value, shape_phrase
from qemppl.lang.syntax import ast

_BINARY = {f.operator: f.name for f in FUNCTIONS.values() if f.operator and len(f.parameters) == 2}
_BINARY |= {".*": "multiply", "./": "divide"}
_UNARY = {"-": "negate", "!": "not"}
_LONGEST_HINT = 120
_COMPARISONS = frozenset({"<", "<=", ">", ">="})


@dataclass
class Expressions:
    """The checker of expressions; `laws` are named in hints, since a law is easily mistaken for a function."""

    scope: Scope
    laws: frozenset[str]
    _chained: set[int] = field(default_factory=set)

    def check(self, expression: ast.Expression, plate: str | None) -> Value | None:
        """The value of an expression used on a plate; None if something in it is wrong."""
        pending: list[tuple[ast.Expression, bool]] = [(expression, False)]
        values: list[Value | None] = []
        while pending:
            node, is_ready = pending.pop()
            parts = ast.children(node)
            if not is_ready and isinstance(node, ast.Index) and self._is_member_index(node):
                values.append(None)
                continue
            if not is_ready:
                self._note_chain(node)
                pending.append((node, True))
                pending.extend((part, False) for part in reversed(parts))
                continue
            arguments = values[len(values) - len(parts) :]
            del values[len(values) - len(parts) :]
            values.append(self._combine(node, arguments, plate))
        return values[0]

    def _combine(self, node: ast.Expression, parts: Sequence[Value | None], plate: str | None) -> Value | None:
        if isinstance(node, ast.Apply) and node.function.text not in CALLABLE:
            self._unknown_function(node.function)
            return None
        known = [part for part in parts if part is not None]
        if len(known) < len(parts) or id(node) in self._chained:
            return None
        return self._form(node, known, plate)

    def _form(  # noqa: PLR0911 (one line a form)
        self, node: ast.Expression, parts: list[Value], plate: str | None
    ) -> Value | None:
        match node:
            case ast.Number():
                return self._number(node)
            case ast.Variable():
                return self.scope.reference(node.name, node.span, plate)
            case ast.Parenthesised():
                return parts[0]
            case ast.Unary("+"):
                return parts[0]
            case ast.Unary():
                return self._elementwise(FUNCTIONS[_UNARY[node.operator]], parts, node.span)
            case ast.Binary():
                return self._binary(node, parts[0], parts[1])
            case ast.Conditional():
                return self._conditional(node, parts)
            case ast.Apply():
                return self._apply(node, parts)
            case ast.Index():
                return self._index(node, parts)
            case ast.Transpose():
                return self._transpose(node, parts[0])
            case _:
                assert_never(node)

    # Leaves.

    def _number(self, node: ast.Number) -> Value | None:
        if math.isinf(node.value):
            self.scope.report.error("QEM422", "this number is too large for a double", node.span)
            return None
        kind = ValueType("int" if node.integer else "real")
        return Value(Constant(node.value, kind, node.span), constant(node.value))

    # Operators.

    def _note_chain(self, node: ast.Expression) -> None:
        """Report `a < b < c` at its outermost comparison."""
        if not (isinstance(node, ast.Binary) and node.operator in _COMPARISONS and isinstance(node.left, ast.Binary)):
            return
        left = node.left
        if left.operator not in _COMPARISONS:
            return
        is_outermost = id(node) not in self._chained
        self._chained |= {id(node), id(left)}
        if is_outermost:
            first, middle, last = left.left.span.text, left.right.span.text, node.right.span.text
            hint = f"write `{first} {left.operator} {middle} && {middle} {node.operator} {last}`"
            hint = hint if len(hint) < _LONGEST_HINT else "write `a < b && b < c`"
            self.scope.report.error("QEM115", "comparisons cannot be chained", node.span, hint=hint)

    def _binary(self, node: ast.Binary, left: Value, right: Value) -> Value | None:
        function = FUNCTIONS[_BINARY[node.operator]]
        both_vectors = bool(left.type.event and right.type.event)
        if node.operator == "*" and both_vectors:
            if left.is_row and not right.is_row:
                return self._contract(FUNCTIONS["dot_product"], [left, right], node.span)
            a, b = node.left.span.text, node.right.span.text
            hint = f"write `{a} .* {b}` for each element, or `dot_product({a}, {b})` for the sum of the products"
            self.scope.report.error("QEM421", "two vectors cannot be multiplied with `*`", node.span, hint=hint)
            return None
        if node.operator == "/" and right.type.event:
            hint = f"write `{node.left.span.text} ./ {node.right.span.text}` for each element"
            self.scope.report.error("QEM421", "a vector cannot be divided by with `/`", node.span, hint=hint)
            return None
        return self._elementwise(function, [left, right], node.span)

    def _conditional(self, node: ast.Conditional, parts: list[Value]) -> Value | None:
        if parts[0].type.event:
            self._wrong_shape(node.condition.span, "the condition of `? :`", "`real`", parts[0])
            return None
        return self._elementwise(FUNCTIONS["select"], parts, node.span)

    def _transpose(self, node: ast.Transpose, value: Value) -> Value | None:
        if not value.type.event:
            self.scope.report.error(
                "QEM402", "`'` transposes a vector, and this is a scalar", node.span, hint="remove `'`"
            )
            return None
        return Value(value.expr, value.range, not value.is_row)

    # Functions.

    def _unknown_function(self, name: ast.Name) -> None:
        report = self.scope.report
        if name.text in LATER_FUNCTIONS:
            report.unsupported(f"the function `{name.text}` is", name.span)
        elif name.text in self.laws:
            hint = "give the quantity a name: `real name ~ ...;`"
            report.error(
                "QEM213", f"`{name.text}` is a law, which stands after `~`, and not a function", name.span, hint=hint
            )
        else:
            near = report.did_you_mean(name.text, CALLABLE)
            report.error("QEM213", f"there is no function `{name.text}`", name.span, hint=near)

    def _apply(self, node: ast.Apply, parts: list[Value]) -> Value | None:
        function = CALLABLE[node.function.text]
        if len(parts) != len(function.parameters):
            signature = f"{function.name}({', '.join(function.parameters)})"
            wanted, given = count_arguments(len(function.parameters)), len(parts)
            self.scope.report.error(
                "QEM401",
                f"`{function.name}` takes {wanted}, not {given}",
                node.span,
                notes=(f"signature: `{signature}`",),
            )
            return None
        rules: dict[str, Callable[[Function, list[Value], Span], Value | None]] = {
            "elementwise": self._elementwise,
            "reduce": self._reduce,
            "contract": self._contract,
            "vector": self._of_vector,
        }
        return rules[function.shape](function, parts, node.span)

    def _elementwise(self, function: Function, parts: list[Value], span: Span) -> Value | None:
        vectors = [part for part in parts if part.type.event]
        first = vectors[0] if vectors else None
        for other in vectors[1:]:
            assert first is not None
            if first.is_row != other.is_row or not self.scope.same_shape(first.type.event, other.type.event):
                name = f"`{function.operator or function.name}`"
                a, b = _shape(first), _shape(other)
                self.scope.report.error("QEM402", f"the sizes of the arguments of {name} differ: {a} and {b}", span)
                return None
        return self._call(
            function, parts, first.type.event if first else (), span, is_row=first is not None and first.is_row
        )

    def _vectors_only(self, function: Function, parts: list[Value]) -> bool:
        for part in parts:
            if not part.type.event:
                self._wrong_shape(part.expr.span, f"an argument of `{function.name}`", "a vector", part)
                return False
        return True

    def _reduce(self, function: Function, parts: list[Value], span: Span) -> Value | None:
        return self._call(function, parts, (), span) if self._vectors_only(function, parts) else None

    def _of_vector(self, function: Function, parts: list[Value], span: Span) -> Value | None:
        if not self._vectors_only(function, parts):
            return None
        return self._call(function, parts, parts[0].type.event, span, is_row=parts[0].is_row)

    def _contract(self, function: Function, parts: list[Value], span: Span) -> Value | None:
        if not self._vectors_only(function, parts):
            return None
        if not self.scope.same_shape(parts[0].type.event, parts[1].type.event):
            a, b = (shape_phrase("real", part.type.event) for part in parts)
            self.scope.report.error("QEM402", f"the sizes of the arguments of `dot_product` differ: {a} and {b}", span)
            return None
        return self._call(function, parts, (), span)

    def _call(
        self, function: Function, parts: list[Value], event: tuple[Size, ...], span: Span, *, is_row: bool = False
    ) -> Value:
        operands = parts[1:] if function.name == "select" else parts
        is_integer = function.integer and all(part.type.kind == "int" for part in operands)
        plate = self.scope.deepest(*(part.type.plate for part in parts))
        kind = ValueType("int" if is_integer else "real", event, plate)
        values = range_of_call(function.name, [part.range for part in parts])
        return Value(Call(function.name, tuple(part.expr for part in parts), kind, span), values, is_row)

    # Indexing.

    def _index(self, node: ast.Index, parts: list[Value]) -> Value | None:
        report, value = self.scope.report, parts[0]
        if not value.type.event:
            self._indexed_scalar(node)
            return None
        if len(parts) > 2:
            report.error("QEM411", "a vector takes one index", node.span)
            return None
        index = parts[1]
        if index.type.kind != "int" or index.type.event:
            shape = _shape(index)
            report.error(
                "QEM409",
                f"an index is a single int, and this is {shape}",
                node.indices[0].span,
                hint="declare it `int`",
            )
            return None
        size = self.scope.known_size(value.type.event[0])
        beyond = size is not None and index.range.lower > size
        if index.range.upper < 1 or beyond:
            note = f"components are counted from 1{f' to {size}' if size is not None else ''}"
            report.error("QEM410", "this index is out of range", node.indices[0].span, notes=(note,))
            return None
        plate = self.scope.deepest(value.type.plate, index.type.plate)
        sources = value.range.sources | index.range.sources
        r = value.range
        values = Range(r.lower, r.upper, r.reaches_lower, r.reaches_upper, sources)
        kind = ValueType(value.type.kind, (), plate)
        return Value(Gather(value.expr, index.expr, kind, node.span), values)

    def _is_member_index(self, node: ast.Index) -> bool:
        """Whether this is Stan's `theta[i]` for one member of a plate; reported here, and `i` need not mean anything."""
        if not isinstance(node.value, ast.Variable):
            return False
        symbol = self.scope.symbols.get(node.value.name)
        if symbol is None or symbol.type is None or symbol.type.event or symbol.plate is None:
            return False
        self.scope.used.add(symbol.name)
        hint = f"write `{symbol.name}`: inside `plate {symbol.plate} {{ ... }}` a bare name is this member's value"
        self.scope.report.error(
            "QEM313",
            f"`{symbol.name}` is not indexed: it has one value for each member of `{symbol.plate}`",
            node.span,
            hint=hint,
        )
        return True

    def _indexed_scalar(self, node: ast.Index) -> None:
        text = node.value.span.text
        self.scope.report.error(
            "QEM411",
            f"`{text}` is a single number and has no components",
            node.span,
            hint=f"write `{text}`, or make it a vector",
        )

    def _wrong_shape(self, span: Span, what: str, wanted: str, value: Value) -> None:
        self.scope.report.error("QEM402", f"{what} must be {wanted}, and this is {_shape(value)}", span)


def _shape(value: Value) -> str:
    return shape_phrase(value.type.kind, value.type.event, value.is_row)
