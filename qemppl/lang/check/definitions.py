"""Checks deterministic names, `type name = value;`, in the blocks that have them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qemppl.diagnostics.diagnostic import Label
from qemppl.ir.model import Definition
from qemppl.lang.check.declarations import FORMS, Declarations, DeclaredType
from qemppl.lang.check.expressions import Expressions
from qemppl.lang.check.law_as_value import is_law, reject_law
from qemppl.lang.check.plates import reject_brackets
from qemppl.lang.check.scope import BlockName, Role, Scope, Symbol, Value
from qemppl.lang.syntax import ast

_ROLES: dict[BlockName, Role] = {
    "transformed data": "data",
    "model": "definition",
    "generated quantities": "generated",
}


@dataclass
class DefinitionChecker:
    """The checker of definitions."""

    scope: Scope
    declarations: Declarations
    expressions: Expressions

    def check(self, statement: ast.Definition, plate: str | None, *, block: BlockName) -> Definition | None:
        """The meaning of a definition, and its name entered; None if something is wrong.

        A name of `transformed data` is observed where its value lives, which may be outside of the plate of its statement.
        """
        name = statement.name
        reject_brackets(self.scope, statement, plate)
        if is_law(statement.value, self.expressions.laws):
            self._reject_law(statement, plate, block)
            return None
        self._reject_bounds(statement)
        value = self.expressions.check(statement.value, plate, block=block)
        declared = self.declarations.type(statement.type, name, plate, block=block)
        existing = self.scope.symbols.get(name.text)
        if existing is not None and existing.role == "data" and not existing.is_transformed:
            self._assigns_data(statement, existing)
            return None
        fits = value is not None and declared is not None and self._fits(statement, declared, value)
        symbol = Symbol(name.text, _ROLES[block], name.span, None, plate, is_transformed=block == "transformed data")
        if not fits or value is None or declared is None:
            self.scope.declare(symbol)
            return None
        kind = replace(declared.type, plate=value.type.plate)
        home = kind.plate if symbol.is_transformed else plate
        form = declared.form or FORMS.get(value.form or "")
        symbol = replace(symbol, type=kind, plate=home, range=value.range, form=form, array_axes=declared.array_axes)
        return Definition(name.text, plate, value.expr, statement.span) if self.scope.declare(symbol) else None

    def _reject_law(self, statement: ast.Definition, plate: str | None, block: BlockName) -> None:
        reject_law(self.scope, self.expressions.laws, statement, block)
        name = statement.name
        existing = self.scope.symbols.get(name.text)
        if existing is None or existing.role != "data":
            is_transformed = block == "transformed data"
            symbol = Symbol(name.text, _ROLES[block], name.span, None, plate, is_transformed=is_transformed)
            self.scope.declare(symbol)

    def _reject_bounds(self, statement: ast.Definition) -> None:
        declared = statement.type
        if not declared.bounds:
            return
        self.scope.mention(*(bound.value for bound in declared.bounds))
        span = declared.bounds[0].span.to(declared.bounds[-1].span)
        sizes = f"[{', '.join(size.span.text for size in declared.sizes)}]" if declared.sizes else ""
        array = f"array[{', '.join(size.span.text for size in declared.array)}] " if declared.array else ""
        hint = f"write `{array}{declared.kind}{sizes} {statement.name.text}`: its value follows from its parts"
        self.scope.report.error("QEM424", "a deterministic name has no bounds", span, hint=hint)

    def _assigns_data(self, statement: ast.Definition, existing: Symbol) -> None:
        name = statement.name
        self.scope.used.add(name.text)
        message = f"`{name.text}` is data and cannot be assigned"
        hint = "give the new value a name of its own"
        self.scope.report.error("QEM205", message, name.span, labels=(existing.label,), hint=hint)

    def _fits(self, statement: ast.Definition, declared: DeclaredType, value: Value) -> bool:
        """Whether a value is of the declared type; reports if not."""
        report, span, name = self.scope.report, statement.value.span, statement.name.text
        labels = (Label(statement.type.span, f"declared {declared.phrase}"),)
        is_same_kind = (len(declared.type.event) - declared.array_axes == 2) == value.is_matrix
        is_same = is_same_kind or len(value.type.event) != 2
        if value.is_row or not is_same or not self.scope.same_shape(declared.type.event, value.type.event):
            message = f"`{name}` is {declared.phrase}, and its value is {value.phrase}"
            report.error("QEM402", message, span, labels=labels, hint=self._other_type(statement, declared, value))
            return False
        if declared.type.kind == "int" and value.type.kind == "real":
            message, hint = f"`{name}` is int, and its value is real", f"declare `real {name}`"
            if isinstance(statement.value, ast.Binary) and statement.value.operator == "/":
                hint += ": `/` is real division, also of whole numbers"
            report.error("QEM419", message, span, labels=labels, hint=hint)
            return False
        if declared.form is not None and value.form != declared.form:
            size = declared.type.event[-1]
            message = f"`{name}` is declared {declared.phrase}, and nothing says that its value is one"
            hint = f"declare `vector[{size}] {name}`"
            if declared.form == "simplex":
                hint += f", or write `softmax({span.text})`"
            report.error("QEM428", message, span, labels=labels, hint=hint)
            return False
        return True

    @staticmethod
    def _other_type(statement: ast.Definition, declared: DeclaredType, value: Value) -> str | None:
        text = statement.value.span.text
        if value.is_row:
            is_transpose = isinstance(statement.value, ast.Transpose)
            return f"write `{text[:-1]}`" if is_transpose else f"write `({text})'`"
        if not value.type.event and len(declared.type.event) == 1 and declared.type.kind == "real":
            return f"write `rep_vector({text}, {declared.type.event[0]})`"
        name = statement.name.text
        return f"declare `{value.phrase.strip('`')} {name}`" if not declared.type.event else None
