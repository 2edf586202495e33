"""Checks the `generated quantities` block: names that are computed, or drawn, for every joint draw of the posterior."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from qemppl.distributions.base import Law
from qemppl.ir.model import RandomVariable, Statement
from qemppl.lang.check.assignments import reject_assignment
from qemppl.lang.check.declared_first import Later, later_statements, reject_declaration
from qemppl.lang.check.definitions import DefinitionChecker
from qemppl.lang.check.discrete import sampled_keyword
from qemppl.lang.check.plates import open_plate, reject_brackets
from qemppl.lang.check.reducers import Site
from qemppl.lang.check.rewriting import law_text
from qemppl.lang.check.scope import ROLE_PHRASES, BlockName, Scope, Symbol, shape_phrase
from qemppl.lang.check.typed_laws import TypedLaws
from qemppl.lang.syntax import ast

_BLOCK: BlockName = "generated quantities"


@dataclass
class GeneratedBlock:
    """The checker of statements in `generated quantities`; `statements` gathers what they mean, in order."""

    scope: Scope
    typed: TypedLaws
    definitions: DefinitionChecker
    statements: list[Statement] = field(default_factory=list)
    _later: Later = field(default_factory=dict)

    def check(self, block: ast.GeneratedBlock) -> None:
        """Check every statement of the block and enter its names."""
        self._later = later_statements(block.body)
        self._statements(block.body, None)

    def _statements(self, body: tuple[ast.Statement, ...], plate: str | None) -> None:
        for statement in body:
            match statement:
                case ast.Latent():
                    self._draw(statement, plate)
                case ast.Definition():
                    definition = self.definitions.check(statement, plate, block=_BLOCK)
                    if definition is not None:
                        self.statements.append(definition)
                case ast.PlateBlock():
                    inner = open_plate(self.scope, statement, plate)
                    if inner is not None:
                        self._statements(statement.body, inner)
                case ast.Observation():
                    self._observation(statement, plate)
                case ast.Declaration():
                    reject_declaration(self.scope, statement, plate, _BLOCK, self._later)
                case ast.Assignment():
                    reject_assignment(self.scope, self.definitions.expressions, statement, plate, _BLOCK)
                case ast.JointBlock():
                    message = "a `joint` block holds latents, and `generated quantities` has none"
                    self.scope.report.error(
                        "QEM235", message, statement.header, hint="leave the block out, and keep its body"
                    )
                    self._statements(statement.body, plate)
                case ast.Skipped():
                    pass
                case _:
                    assert_never(statement)

    def _draw(self, statement: ast.Latent, plate: str | None) -> None:
        """A draw from a law, which its bounds truncate."""
        name = statement.name
        reject_brackets(self.scope, statement, plate)
        self._refuse_latent_parts(statement)
        declared = self.typed.declared(statement, plate, _BLOCK)
        law = self.typed.law(statement.law, statement, declared, Site(plate, _BLOCK))
        is_right = declared is not None and law is not None
        if declared is not None and law is not None:
            is_right = self._can_be_drawn(law.law, statement) and self.typed.fit.check(declared, law, is_draw=True)
        existing = self.scope.symbols.get(name.text)
        if existing is not None and existing.role == "data":
            self.scope.used.add(name.text)
            hint = f"give the draw a name of its own: `{statement.type.kind} {name.text}_rep ~ ...;`"
            message = f"`{name.text}` is data: a typed `~` declares a new name"
            self.scope.report.error("QEM208", message, name.span, labels=(existing.label,), hint=hint)
            return
        symbol = self.typed.symbol(statement, "generated", declared, law, plate)
        if not self.scope.declare(symbol) or declared is None or law is None or not is_right:
            return
        bounds, form = declared.bounds.bounds, declared.type.form
        self.statements.append(
            RandomVariable(
                name.text, plate, law.law.name, law.arguments, declared.kind, False, statement.span, bounds, form
            )
        )

    def _can_be_drawn(self, law: Law, statement: ast.Latent) -> bool:
        if law.samples:
            return True
        what = f"nothing can be drawn from `{statement.law.name.text}`"
        if law.improper:
            message, hint = f"{what}, whose density has no finite integral", "take a law that integrates to 1"
        else:
            message, hint = (
                f"{what}: its arguments do not say how many counts there are",
                "draw single ones: `categorical`",
            )
        self.scope.report.error("QEM237", message, statement.law.span, hint=hint)
        return False

    # What has no place here.

    def _refuse_latent_parts(self, statement: ast.Latent) -> None:
        """`sampled`, `init` and `approx` say how a latent is fitted."""
        parts = {
            "sampled": sampled_keyword(statement) if statement.is_sampled else None,
            "init": statement.initial.span if statement.initial is not None else None,
            "approx": statement.family.span if statement.family is not None else None,
        }
        for word, span in parts.items():
            if span is not None:
                message = f"`{word}` belongs to a latent: in `generated quantities`, `~` is a draw"
                self.scope.report.error("QEM236", message, span, hint="leave it out")
        if statement.initial is not None:
            self.scope.mention(*(argument.value for argument in statement.initial.arguments))

    def _observation(self, statement: ast.Observation, plate: str | None) -> None:
        report, name = self.scope.report, statement.name
        self.scope.mention(*(argument.value for argument in statement.law.arguments))
        symbol = self.scope.symbols.get(name.text)
        self.scope.used.add(name.text)
        if name.text in self.scope.forgiven:
            return
        law = law_text(statement.law)
        if symbol is not None:
            message = f"`~` draws here, and a draw has a type and a name of its own; `{name.text}` is {ROLE_PHRASES[symbol.role]}"
            hint = f"write `{_declared(symbol)} {name.text}_rep ~ {law};`"
            if symbol.plate is not None and not self.scope.is_within(plate, symbol.plate):
                hint += f" inside `{self.scope.opener(symbol.plate)} {{ ... }}`"
        else:
            message = f"a draw has a type: `{name.text}` is not declared by `~` alone"
            hint = f"write `real {name.text} ~ {law};`"
        labels = (symbol.label,) if symbol is not None else ()
        report.error("QEM234", message, name.span, labels=labels, hint=hint)
        if symbol is None:
            self.scope.forgiven.add(name.text)


def _declared(symbol: Symbol) -> str:
    """The type of a name, as it is written."""
    kind = symbol.type
    if kind is None:
        return "real"
    return shape_phrase(kind.kind, kind.event, array_axes=symbol.array_axes, form=symbol.form).strip("`")
