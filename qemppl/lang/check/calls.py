"""Applies builtins: counts the arguments, fits their shapes to the signature, and says what comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qemppl.diagnostics.source import Span
from qemppl.ir.functions import CALLABLE, PLATE_REDUCTIONS, Function
from qemppl.ir.model import Call, Constant, DataRef, Size, ValueType
from qemppl.lang.check.forms import form_of_call
from qemppl.lang.check.ranges import range_of_call
from qemppl.lang.check.report import count_arguments
from qemppl.lang.check.scope import Scope, Value
from qemppl.lang.syntax import ast

_TRUTHS = frozenset({"not", "and", "or", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal"})
"""Their value is 0 or 1, whatever their arguments are."""
_SHAPES = ("a single number", "a vector", "a matrix")
_TYPES = ("real", "vector", "matrix")


@dataclass
class Calls:
    """The checker of applied functions."""

    scope: Scope

    def apply(self, node: ast.Apply, parts: list[Value]) -> Value | None:
        """The value of a function that the model calls by name."""
        function = CALLABLE[node.function.text]
        if len(parts) != len(function.parameters):
            self._wrong_count(node, function, parts)
            return None
        if function.signature is None:
            return self.elementwise(function, parts, node.span)
        return self.by_signature(function, parts, node.span)

    def _wrong_count(self, node: ast.Apply, function: Function, parts: list[Value]) -> None:
        wanted, given = count_arguments(len(function.parameters)), len(parts)
        hint = None
        if function.name in {"min", "max"} and given > 1 and not any(part.type.event for part in parts):
            first, *others = (argument.span.text for argument in node.arguments)
            text = first
            for other in others:
                text = f"f{function.name}({text}, {other})"
            hint = f"write `{text}`: `{function.name}` is that of the components of a vector"
        self.scope.report.error(
            "QEM401",
            f"`{function.name}` takes {wanted}, not {given}",
            node.span,
            notes=(f"signature: `{signature_text(function)}`",),
            hint=hint,
        )

    def elementwise(
        self, function: Function, parts: list[Value], span: Span, symbol: str | None = None
    ) -> Value | None:
        """A function of numbers, applied to each component; numbers stand with any shape. Messages call it `symbol`."""
        shaped = [part for part in parts if part.type.event]
        for other in shaped[1:]:
            if not self._same_shape(shaped[0], other):
                self._sizes_differ(symbol or function.operator or function.name, shaped[0], other, span)
                return None
        if not shaped:
            return self.call(function, parts, (), span)
        axes = min(part.array_axes for part in shaped)
        return self.call(function, parts, shaped[0].type.event, span, is_row=shaped[0].is_row, array_axes=axes)

    def by_signature(self, function: Function, parts: list[Value], span: Span, name: str | None = None) -> Value | None:
        """A function of vectors and matrices: a letter of its signature is one size throughout; messages say `name`."""
        name = name or function.operator or function.name
        sizes: dict[str, Size] = {}
        bearer: dict[str, Value] = {}
        for parameter, axes, part in zip(function.parameters, function.axes, parts, strict=True):
            if function.is_sized and part is parts[-1]:
                size = self._size(part, f"`{parameter}` of `{name}`")
                if size is None:
                    return None
                sizes[function.result[-1]] = size
            elif not self._has_axes(function, parameter, axes, part):
                return None
            for axis, size in zip(axes, part.type.event, strict=False):
                if not self.scope.same_shape((sizes.setdefault(axis, size),), (size,)):
                    self._sizes_differ(name, bearer.get(axis, part), part, span, signature_text(function))
                    return None
                bearer.setdefault(axis, part)
        event = tuple(sizes[axis] for axis in function.result)
        return self.call(function, parts, event, span, is_row=len(event) == 1 and parts[0].is_row)

    def call(
        self,
        function: Function,
        parts: list[Value],
        event: tuple[Size, ...],
        span: Span,
        *,
        is_row: bool = False,
        array_axes: int = 0,
    ) -> Value:
        """The value of a function applied to arguments that fit it."""
        operands = parts[1:] if function.name == "select" else parts
        is_integer = function.name in _TRUTHS or (function.integer and all(p.type.kind == "int" for p in operands))
        plate = self.scope.deepest(*(part.type.plate for part in parts))
        kind = ValueType("int" if is_integer else "real", event, plate)
        values = range_of_call(function.name, [part.range for part in parts])
        form = form_of_call(function.name, [(part.form, part.range, not part.type.event) for part in parts])
        return Value(
            Call(function.name, tuple(part.expr for part in parts), kind, span), values, is_row, form, array_axes
        )

    def _same_shape(self, a: Value, b: Value) -> bool:
        is_same_kind = a.is_row == b.is_row and a.is_matrix == b.is_matrix
        return is_same_kind and self.scope.same_shape(a.type.event, b.type.event)

    def _sizes_differ(self, name: str, a: Value, b: Value, span: Span, signature: str | None = None) -> None:
        is_one = a is b
        message = (
            f"an argument of `{name}` is square, and this is {a.phrase}"
            if is_one
            else f"the sizes of the arguments of `{name}` differ: {a.phrase} and {b.phrase}"
        )
        notes = (f"signature: `{signature}`",) if signature is not None and name.isidentifier() else ()
        self.scope.report.error("QEM402", message, a.expr.span if is_one else span, notes=notes)

    def _has_axes(self, function: Function, parameter: str, axes: str, part: Value) -> bool:
        """Whether an argument is the number, vector or matrix that a signature wants."""
        if len(part.type.event) == len(axes) and (len(axes) < 2 or part.is_matrix):
            return True
        what = (
            f"`{parameter}` of `{function.name}`"
            if len(function.parameters) > 1
            else f"the argument of `{function.name}`"
        )
        text, plate, hint = part.expr.span.text, part.type.plate, None
        if function.name in PLATE_REDUCTIONS and not part.type.event and plate is not None:
            block = "generated quantities" if part.depends_on_latents else "transformed data"
            hint = f"for the members of `{plate}`, write `{function.name}({text} over {plate})` in `{block}`"
        self.scope.report.error(
            "QEM402",
            f"{what} must be {_SHAPES[len(axes)]}, and this is {part.phrase}",
            part.expr.span,
            notes=(f"signature: `{signature_text(function)}`",),
            hint=hint,
        )
        return False

    def _size(self, value: Value, what: str) -> Size | None:
        """The size that an argument gives: a number, a dim, or a single int of the data."""
        expr = value.expr
        if isinstance(expr, Constant) and expr.type.kind == "int" and 1 <= expr.value < math.inf:
            return int(expr.value)
        if isinstance(expr, DataRef) and self.scope.is_size(expr.name):
            return expr.name
        message = f"{what} is a size: a whole number of at least 1, a dim, or a single int of the data"
        hint = None
        if value.type.kind == "int" and not value.type.event:
            hint = "declare a `dim` for it in `data`"
        self.scope.report.error("QEM416", message, expr.span, hint=hint)
        return None


def signature_text(function: Function) -> str:
    """A function as it is declared: `dot_product(vector[n] x, vector[n] y) -> real`."""
    if function.signature is None:
        return f"{function.name}({', '.join(function.parameters)})"
    types = [_axes_text(axes) for axes in function.axes]
    if function.is_sized:
        types[-1] = "int"
    arguments = ", ".join(f"{kind} {name}" for kind, name in zip(types, function.parameters, strict=True))
    return f"{function.name}({arguments}) -> {_axes_text(function.result)}"


def _axes_text(axes: str) -> str:
    return _TYPES[len(axes)] + (f"[{', '.join(axes)}]" if axes else "")
