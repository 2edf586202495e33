"""Types and bounds, as all blocks declare them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qemppl.ir.model import UNBOUNDED, Bounds, Expr, Form, Size, ValueType
from qemppl.lang.check.expressions import Expressions
from qemppl.lang.check.ranges import ANYTHING, Range
from qemppl.lang.check.rewriting import bounds_text, one_line
from qemppl.lang.check.scope import BlockName, Scope, Value, shape_phrase
from qemppl.lang.syntax import ast

FORMS: dict[str, Form] = {
    "simplex": "simplex",
    "ordered": "ordered",
    "positive_ordered": "positive_ordered",
    "cholesky_factor_corr": "cholesky_factor_corr",
}
"""The forms that a declaration gives."""
_OWN_BOUNDS = {
    "simplex": "the components of a simplex lie between 0 and 1 and sum to 1",
    "ordered": "the components of an ordered vector increase, from any number to any number",
    "positive_ordered": "the components of a positive ordered vector are positive and increase",
    "cholesky_factor_corr": "the components of a Cholesky factor of a correlation matrix lie between -1 and 1",
}
"""Why a form takes no bounds."""
_RANGES = {
    "simplex": Range(0.0, 1.0, True, True),
    "ordered": Range(-math.inf, math.inf, True, True),
    "positive_ordered": Range(0.0, math.inf, True, True),
    "cholesky_factor_corr": Range(-1.0, 1.0, True, True),
}


@dataclass(frozen=True)
class DeclaredBounds:
    """Bounds, and the interval that they leave."""

    bounds: Bounds = UNBOUNDED
    range: Range = ANYTHING


@dataclass(frozen=True)
class DeclaredType:
    """A type as declared: of one value, what its components satisfy, and how many of the first event axes are an array's."""

    type: ValueType
    form: Form | None = None
    array_axes: int = 0

    @property
    def phrase(self) -> str:
        """As it is written."""
        return shape_phrase(self.type.kind, self.type.event, array_axes=self.array_axes, form=self.form)


@dataclass
class Declarations:
    """Checks the parts of declarations."""

    scope: Scope
    expressions: Expressions

    # Types.

    def type(
        self, declared: ast.Type, name: ast.Name, plate: str | None, *, block: BlockName = "model"
    ) -> DeclaredType | None:
        """The type that a declaration on a plate gives its name; None if something in it is wrong."""
        if self._has_plate_as_size(declared, name, plate, block):
            return None
        outer = [self.size(size) for size in declared.array]
        own = self._own_axes(declared)
        if own is None or not self._serves(declared, name, block):
            return None
        event = [*outer, *own]
        sizes = tuple(size for size in event if size is not None)
        if len(sizes) < len(event):
            return None
        kind = ValueType("int" if declared.kind == "int" else "real", sizes, plate)
        form = "cholesky_factor_corr" if declared.kind == "corr_matrix" else FORMS.get(declared.kind)
        return DeclaredType(kind, form, len(outer))

    def _has_plate_as_size(self, declared: ast.Type, name: ast.Name, around: str | None, block: BlockName) -> bool:
        """Whether one of the sizes is a plate, as in `vector[school] y`; reports it with the type of one member."""
        sizes = (*declared.array, *declared.sizes)
        size = next((s for s in sizes if isinstance(s, ast.Variable) and s.name in self.scope.plates), None)
        if size is None:
            return False
        self.scope.mention(*sizes)
        plate = self.scope.symbols[size.name]
        own = f"{_of_a_member(declared, size)} {name.text}"
        hint = f"write `{own}[{plate.name}];`"
        if block != "data" and self.scope.is_within(around, plate.name):
            hint = f"declare `{own}`"
        elif block != "data":
            hint = f"declare it there: `{self.scope.opener(plate.name)} {{ {own} ... }}`"
        message = f"`{plate.name}` is a plate and no size: `{name.text}` has one value for each of its members"
        self.scope.report.error("QEM416", message, size.span, labels=(plate.label,), hint=hint)
        return True

    def _own_axes(self, declared: ast.Type) -> list[Size | None] | None:
        """The sizes of one element; an unknown one is None. None if their number is wrong."""
        wanted = {"int": 0, "real": 0, "matrix": 2}.get(declared.kind, 1)
        if len(declared.sizes) == wanted:
            sizes = [self.size(size) for size in declared.sizes]
            return sizes * 2 if declared.kind in {"cholesky_factor_corr", "corr_matrix"} else sizes
        if declared.kind == "matrix":
            message, hint = "a matrix has two sizes", f"write `matrix[{declared.sizes[0].span.text}, ...]`"
            hint = hint if len(declared.sizes) == 1 else "write `matrix[n, m]`"
        else:
            what = f"a {declared.kind}" if declared.kind in {"vector", "simplex"} else f"`{declared.kind}`"
            first, last = declared.sizes[0].span.text, declared.sizes[-1].span.text
            message = f"{what} has one size"
            hint = f"for several of them, write `array[{first}] {declared.kind}[{last}]`"
            if declared.kind == "vector":
                hint += f"; for a matrix of data, `matrix[{first}, {last}]`"
        self.scope.report.error("QEM416", message, declared.span, hint=hint)
        return None

    def _serves(self, declared: ast.Type, name: ast.Name, block: BlockName) -> bool:
        """Whether a block takes a type; a correlation matrix is reported and taken for its factor."""
        report = self.scope.report
        if declared.kind == "corr_matrix":
            size, factor = declared.sizes[0].span.text, name.text
            law = "~ lkj_corr_cholesky(1);`: the correlation matrix is"
            hint = f"write `cholesky_factor_corr[{size}] {factor} {law} `{factor} * {factor}'`"
            is_known = block in {"data", "transformed data"}
            if is_known:
                hint = f"declare `matrix[{size}, {size}] {name.text}`"
            report.error("QEM427", "a correlation matrix is declared by its Cholesky factor", declared.span, hint=hint)
            return not is_known
        if declared.kind == "matrix" and block not in {"data", "transformed data"}:
            rows, columns = (size.span.text for size in declared.sizes)
            note = "latents and what is computed from them are numbers and vectors, and Cholesky factors"
            hint = f"write `array[{rows}] vector[{columns}]`: one vector a row"
            report.error(
                "QEM427",
                "a matrix is declared in `data` or `transformed data` only",
                declared.span,
                notes=(note,),
                hint=hint,
            )
            return False
        return True

    def size(self, expression: ast.Expression) -> Size | None:
        """A size: a whole number of at least 1, a dim, or a single int of the data."""
        report = self.scope.report
        if isinstance(expression, ast.Number):
            if expression.integer and 1 <= expression.value < math.inf:
                return int(expression.value)
            report.error("QEM416", "a size is a whole number of at least 1", expression.span)
            return None
        if not isinstance(expression, ast.Variable):
            self.scope.mention(expression)
            hint = "declare a `dim` for it in `data`"
            message = "a size is a number, or the name of a dim or of a single int of the data"
            report.error("QEM416", message, expression.span, hint=hint)
            return None
        declare = f"declare `dim {expression.name};` in `data`"
        symbol = self.scope.find(expression.name, expression.span, declare)
        if symbol is None or symbol.type is None:
            return None
        if self.scope.is_size(symbol.name):
            return symbol.name
        message = f"`{symbol.name}` is no size: a size is a dim or a single int of the data"
        hint = "declare a `dim` for it in `data`"
        report.error("QEM416", message, expression.span, labels=(symbol.label,), hint=hint)
        return None

    # Bounds.

    def bounds(self, declared: ast.Type, plate: str | None) -> DeclaredBounds | None:
        """The bounds of a type; None if one of them is wrong. They hold for every component."""
        if declared.kind in _OWN_BOUNDS:
            return self._of_form(declared)
        ends: dict[str, tuple[Expr, Range]] = {}
        is_right = True
        for bound in declared.bounds:
            end = self._bound(declared, bound, ends, plate)
            if end is None:
                is_right = False
            else:
                ends[bound.name.text] = end
        if not is_right:
            return None
        return self._interval(declared, ends)

    def _of_form(self, declared: ast.Type) -> DeclaredBounds | None:
        """A form has its own range and takes no bounds."""
        if not declared.bounds:
            return DeclaredBounds(UNBOUNDED, _RANGES[declared.kind])
        span = declared.bounds[0].span.to(declared.bounds[-1].span)
        self.scope.mention(*(bound.value for bound in declared.bounds))
        hint = "leave the bounds out"
        lower = next((b.value for b in declared.bounds if b.name.text == "lower"), None)
        is_positive = isinstance(lower, ast.Number) and lower.value == 0 and len(declared.bounds) == 1
        if declared.kind == "ordered" and is_positive:
            hint = f"write `positive_ordered[{declared.sizes[0].span.text}]`"
        message = f"`{declared.kind}` takes no bounds: {_OWN_BOUNDS[declared.kind]}"
        self.scope.report.error("QEM426", message, span, hint=hint)
        return None

    def _bound(
        self, declared: ast.Type, bound: ast.Bound, ends: dict[str, tuple[Expr, Range]], plate: str | None
    ) -> tuple[Expr, Range] | None:
        report, name = self.scope.report, bound.name.text
        if name not in {"lower", "upper"}:
            self.scope.mention(bound.value)
            self._unknown_bound(bound)
            return None
        if name in ends:
            report.error("QEM415", f"`{name}` is given twice", bound.span, hint="keep one of them")
            return None
        value = self.expressions.check(bound.value, plate)
        if value is None:
            return None
        return (value.expr, value.range) if self._is_bound(declared, bound, value) else None

    def _is_bound(self, declared: ast.Type, bound: ast.Bound, value: Value) -> bool:
        """Whether a value may be a bound: one number, known before fitting, and a whole one for an int."""
        code, message, hint, r = "QEM415", None, None, value.range
        notes: tuple[str, ...] = ()
        if value.depends_on_latents:
            code, message, notes = (
                "QEM414",
                "this bound depends on a latent",
                ("bounds depend on data and constants only",),
            )
        elif value.type.event:
            message = f"a bound is a single number, and `{bound.value.span.text}` is {value.phrase}"
            hint = (
                "bounds hold for every component; where members have bounds of their own, declare a scalar on a plate"
            )
        elif declared.kind == "int" and r.is_constant and math.isfinite(r.lower) and not r.lower.is_integer():
            message = f"a bound of an int is a whole number, and this is {r.lower:g}"
            nearest = math.ceil(r.lower) if bound.name.text == "lower" else math.floor(r.lower)
            hint = f"write `{bound.name.text}={nearest}`"
        if message is None:
            return True
        self.scope.report.error(code, message, bound.value.span, notes=notes, hint=hint)
        return False

    def _unknown_bound(self, bound: ast.Bound) -> None:
        report, name = self.scope.report, bound.name.text
        hint: str | None
        if name in {"offset", "multiplier"}:
            message = f"`{name}` changes the scale on which Stan samples, and is not needed here"
            hint = "leave it out: the posterior family of a latent adapts to its location and scale"
        else:
            message = f"`{name}` is no bound: there are `lower` and `upper`"
            near = {"min": "lower", "low": "lower", "max": "upper", "high": "upper"}.get(name)
            hint = f"write `{near}={bound.value.span.text}`" if near else report.did_you_mean(name, ("lower", "upper"))
        report.error("QEM415", message, bound.span, hint=hint)

    def _interval(self, declared: ast.Type, ends: dict[str, tuple[Expr, Range]]) -> DeclaredBounds | None:
        lower, low = ends.get("lower", (None, Range(-math.inf, -math.inf, True, True)))
        upper, high = ends.get("upper", (None, Range(math.inf, math.inf, True, True)))
        is_empty = low.lower > high.upper or (low.lower == high.upper and declared.kind != "int")
        if lower is not None and upper is not None and is_empty:
            span = declared.bounds[0].span.to(declared.bounds[-1].span)
            a, b = lower.span.text, upper.span.text
            hint = f"swap them: `lower={b}, upper={a}`" if low.lower > high.upper else None
            self.scope.report.error("QEM406", "the lower bound is not below the upper bound", span, hint=hint)
            return None
        interval = Range(low.lower, high.upper, low.is_constant, high.is_constant)
        return DeclaredBounds(Bounds(lower, upper), interval)


def _of_a_member(declared: ast.Type, plate: ast.Expression) -> str:
    """A type without a plate among its sizes: `vector[P]` of `matrix[house, P]`."""
    array, own = ([one_line(s.span) for s in sizes if s is not plate] for sizes in (declared.array, declared.sizes))
    bounds, kind = bounds_text(declared), declared.kind
    if len(own) < len(declared.sizes):
        kind = ("real", "vector", "matrix")[min(len(own), 2)]
    outer = f"array[{', '.join(array)}] " if array else ""
    return f"{outer}{kind}{bounds}" + (f"[{', '.join(own)}]" if own else "")
