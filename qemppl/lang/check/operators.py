"""Checks operators: which of them are products of vectors and matrices, and what is written instead where one is not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qemppl.ir.functions import FUNCTIONS
from qemppl.lang.check.calls import Calls
from qemppl.lang.check.forms import FACTORS
from qemppl.lang.check.scope import Scope, Value
from qemppl.lang.syntax import ast

_BINARY = {
    f.operator: f.name for f in FUNCTIONS.values() if f.operator and f.signature is None and len(f.parameters) == 2
}
_BINARY |= {".*": "multiply", "./": "divide"}
_UNARY = {"-": "negate", "!": "not"}


@dataclass
class Operators:
    """The checker of `a + b`, `-a`, `a'`, `a ? b : c`."""

    scope: Scope
    calls: Calls

    def unary(self, node: ast.Unary, value: Value) -> Value | None:
        if node.operator == "+":
            return value
        return self.calls.elementwise(FUNCTIONS[_UNARY[node.operator]], [value], node.span)

    def binary(self, node: ast.Binary, left: Value, right: Value) -> Value | None:
        if node.operator == "*" and left.type.event and right.type.event:
            return self._product(node, left, right)
        if node.operator == "/" and right.type.event:
            hint = f"write `{node.left.span.text} ./ {node.right.span.text}` for each element"
            what = "matrix" if right.is_matrix else "vector"
            self.scope.report.error("QEM421", f"a {what} cannot be divided by with `/`", node.span, hint=hint)
            return None
        return self.calls.elementwise(FUNCTIONS[_BINARY[node.operator]], [left, right], node.span, node.operator)

    def conditional(self, node: ast.Conditional, parts: list[Value]) -> Value | None:
        if not parts[0].type.event:
            return self.calls.elementwise(FUNCTIONS["select"], parts, node.span)
        message = f"the condition of `? :` must be a single number, and this is {parts[0].phrase}"
        self.scope.report.error("QEM402", message, node.condition.span)
        return None

    def transpose(self, node: ast.Transpose, value: Value) -> Value | None:
        if value.is_matrix:
            return self.calls.by_signature(FUNCTIONS["transpose"], [value], node.span)
        if len(value.type.event) == 1:
            return Value(value.expr, value.range, not value.is_row, value.form, value.array_axes)
        what = "an array" if value.type.event else "a scalar"
        message = f"`'` transposes a vector or a matrix, and this is {what}"
        self.scope.report.error("QEM402", message, node.span, hint="remove `'`")
        return None

    # Products.

    def _product(self, node: ast.Binary, left: Value, right: Value) -> Value | None:
        """`*` between vectors and matrices."""
        for side, value in ((node.left, left), (node.right, right)):
            if len(value.type.event) > 1 and not value.is_matrix:
                note = "an array of vectors is no matrix: its elements are picked with an index"
                message = f"`*` takes numbers, vectors and matrices, and this is {value.phrase}"
                self.scope.report.error("QEM421", message, side.span, notes=(note,))
                return None
        match left.is_matrix, right.is_matrix:
            case True, True:
                return self._two_matrices(node, left, right)
            case True, False if not right.is_row:
                return self.calls.by_signature(FUNCTIONS["matrix_vector"], [left, right], node.span)
            case False, True if left.is_row:
                return self._row_times_matrix(node, left, right)
            case False, False if left.is_row and not right.is_row:
                return self.calls.by_signature(FUNCTIONS["dot_product"], [left, right], node.span, "*")
            case False, False:
                self._two_vectors(node, is_outer=right.is_row and not left.is_row)
            case _:
                self._row_or_column(node, left)
        return None

    def _two_matrices(self, node: ast.Binary, left: Value, right: Value) -> Value | None:
        product = self.calls.by_signature(FUNCTIONS["matrix_product"], [left, right], node.span)
        is_own_transpose = isinstance(node.right, ast.Transpose) and node.right.value.span.text == node.left.span.text
        if product is None or left.form not in FACTORS or not is_own_transpose:
            return product
        return replace(product, form="covariance")

    def _row_times_matrix(self, node: ast.Binary, left: Value, right: Value) -> Value | None:
        """`x' * a` is `(a' * x)'`."""
        if not self.scope.same_shape(left.type.event, right.type.event[:1]):
            message = f"the sizes of the arguments of `*` differ: {left.phrase} and {right.phrase}"
            self.scope.report.error("QEM402", message, node.span)
            return None
        turned = self.calls.by_signature(FUNCTIONS["transpose"], [right], right.expr.span)
        assert turned is not None
        column = Value(left.expr, left.range)
        product = self.calls.by_signature(FUNCTIONS["matrix_vector"], [turned, column], node.span)
        assert product is not None
        return Value(product.expr, product.range, is_row=True)

    def _two_vectors(self, node: ast.Binary, *, is_outer: bool) -> None:
        a, b = node.left.span.text, node.right.span.text
        if is_outer:
            hint = "multiply the components that are needed, or declare the matrix in `data`"
            message = "a column times a row is a matrix, which only data have here"
            self.scope.report.error("QEM421", message, node.span, hint=hint)
            return
        hint = f"write `dot_product({a}, {b})` for the sum of the products, or `{a} .* {b}` for each element"
        self.scope.report.error("QEM421", "two vectors cannot be multiplied with `*`", node.span, hint=hint)

    def _row_or_column(self, node: ast.Binary, left: Value) -> None:
        """A matrix beside a vector that lies the wrong way."""
        vector = node.right if left.is_matrix else node.left
        text = vector.inner.span.text if isinstance(vector, ast.Parenthesised) else vector.span.text
        turned = vector.value.span.text if isinstance(vector, ast.Transpose) else f"{text}'"
        a, b = node.left.span.text, node.right.span.text
        wanted = "a column" if left.is_matrix else "a row"
        hint = f"write `{a} * {turned}`" if left.is_matrix else f"write `{turned} * {b}`"
        side = "right" if left.is_matrix else "left"
        message = f"the vector on the {side} of a matrix is {wanted}"
        self.scope.report.error("QEM421", message, node.span, hint=hint)
