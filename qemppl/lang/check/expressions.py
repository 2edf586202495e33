"""Checks and translates expressions. Iterative: a long sum nests as deeply as it is long.

A wrong part is reported once and becomes None, and so does everything built from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from qemppl.distributions.base import Law
from qemppl.ir.functions import CALLABLE, PLATE_REDUCTIONS
from qemppl.ir.model import Constant, ValueType
from qemppl.lang.check.calls import Calls
from qemppl.lang.check.indexing import Indexing
from qemppl.lang.check.law_as_value import value_type
from qemppl.lang.check.operators import Operators
from qemppl.lang.check.ranges import constant
from qemppl.lang.check.reducers import Reducers, Site
from qemppl.lang.check.rewriting import one_line
from qemppl.lang.check.scope import BlockName, Scope, Symbol, Value
from qemppl.lang.check.stan_functions import rewrite
from qemppl.lang.check.steps import Steps
from qemppl.lang.syntax import ast

_LONGEST_HINT = 120
_COMPARISONS = frozenset({"<", "<=", ">", ">="})
_ALONG_A_CHAIN = frozenset({"prev", "lag"})


@dataclass
class Expressions:
    """The checker of expressions; `laws` are named in hints, since a law is easily mistaken for a function."""

    scope: Scope
    laws: Mapping[str, Law]
    _chained: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        calls = Calls(self.scope)
        self._calls = calls
        self._operators = Operators(self.scope, calls)
        self._indexing = Indexing(self.scope)
        self._reducers = Reducers(self.scope)
        self._steps = Steps(self.scope)

    def check(
        self,
        expression: ast.Expression,
        plate: str | None,
        *,
        block: BlockName = "model",
        declaring: Symbol | None = None,
    ) -> Value | None:
        """The value of an expression used on a plate; None if something in it is wrong.

        block: where it stands; `f(e over plate)` belongs to `transformed data` and `generated quantities`, `prev(x)` to `model`.
        declaring: the latent whose own law this is, not declared yet: `prev` of it takes its type, range and form from there.
        """
        pending = [(expression, Site(plate, block, declaring), False)]
        values: list[Value | None] = []
        while pending:
            node, site, is_ready = pending.pop()
            parts = ast.children(node)
            if is_ready:
                arguments = values[len(values) - len(parts) :]
                del values[len(values) - len(parts) :]
                values.append(self._combine(node, arguments, site))
            elif isinstance(node, ast.Index) and self._indexing.is_member(node, site.plate):
                values.append(None)
            elif isinstance(node, ast.Apply) and node.function.text == "prev":
                values.append(self._steps.previous(node, site))
            elif (inner := self._inner(node, site)) is None:
                values.append(None)
            else:
                self._note_chain(node)
                pending.append((node, site, True))
                pending.extend((part, inner, False) for part in reversed(parts))
        return values[0]

    def _inner(self, node: ast.Expression, site: Site) -> Site | None:
        """Where the parts of an expression stand: those of `f(e over plate)` on that plate. None if it is unknown."""
        if isinstance(node, ast.Reduce):
            plate = self._reducers.over(node)
            return None if plate is None else replace(site, plate=plate, reducer=node.function.text)
        if isinstance(node, ast.Apply) and node.function.text in PLATE_REDUCTIONS:
            return replace(site, reducer=node.function.text)
        return site

    def _combine(self, node: ast.Expression, parts: Sequence[Value | None], site: Site) -> Value | None:
        if isinstance(node, ast.Apply) and node.function.text not in CALLABLE.keys() | _ALONG_A_CHAIN:
            self._unknown_function(node, site)
            return None
        known = [part for part in parts if part is not None]
        if len(known) < len(parts) or id(node) in self._chained:
            return None
        return self._form(node, known, site)

    def _form(  # noqa: PLR0911 (one line a form)
        self, node: ast.Expression, parts: list[Value], site: Site
    ) -> Value | None:
        match node:
            case ast.Number():
                return self._number(node)
            case ast.Variable():
                return self.scope.reference(node.name, node.span, site.plate, site.outward)
            case ast.Parenthesised():
                return parts[0]
            case ast.Unary():
                return self._operators.unary(node, parts[0])
            case ast.Binary():
                return self._operators.binary(node, parts[0], parts[1])
            case ast.Conditional():
                return self._operators.conditional(node, parts)
            case ast.Apply():
                return self._steps.lag(node, parts) if node.function.text == "lag" else self._calls.apply(node, parts)
            case ast.Reduce():
                return self._reducers.reduce(node, parts[0], site)
            case ast.Index():
                return self._indexing.index(node, parts)
            case ast.Transpose():
                return self._operators.transpose(node, parts[0])
            case _:
                assert_never(node)

    def _number(self, node: ast.Number) -> Value | None:
        if math.isinf(node.value):
            self.scope.report.error("QEM422", "this number is too large for a double", node.span)
            return None
        kind = ValueType("int" if node.integer else "real")
        return Value(Constant(node.value, kind, node.span), constant(node.value))

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

    def _unknown_function(self, node: ast.Apply, site: Site) -> None:
        report, name = self.scope.report, node.function
        message = f"there is no function `{name.text}`"
        if name.text in self.laws:
            message = f"`{name.text}` is a law, which stands after `~`, and not a function"
            law = self.laws[name.text]
            arguments = ", ".join(one_line(argument.span) for argument in node.arguments)
            hint: str | None = (
                f"give the quantity a name: `{value_type(law)} x ~ {law.name}({arguments});`, and write `x`"
            )
        else:
            near = [*CALLABLE, *_ALONG_A_CHAIN, *self.laws]
            hint = rewrite(node, self.laws.keys(), site.block) or report.did_you_mean(name.text, near)
        report.error("QEM213", message, name.span, hint=hint)
