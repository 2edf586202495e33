"""Checks the `model` block and translates its statements: plates, joint blocks, and what they contain."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import assert_never

from qemppl.diagnostics.diagnostic import Label
from qemppl.ir.model import Definition, RandomVariable, Statement, ValueType
from qemppl.lang.check.declarations import Declarations
from qemppl.lang.check.expressions import Expressions
from qemppl.lang.check.latents import LatentChecker
from qemppl.lang.check.laws import LawChecker
from qemppl.lang.check.ranges import Range
from qemppl.lang.check.scope import ROLE_PHRASES, Scope, Symbol, Value, shape_phrase
from qemppl.lang.syntax import ast


@dataclass(frozen=True)
class Place:
    """Where a statement stands: on which plate, and in which `joint` block."""

    plate: str | None = None
    block: int | None = None


@dataclass
class ModelBlock:
    """The checker of statements; `statements` gathers their meaning, in order."""

    scope: Scope
    declarations: Declarations
    expressions: Expressions
    laws: LawChecker
    latents: LatentChecker
    statements: list[Statement] = field(default_factory=list)
    observed: dict[str, ast.Name] = field(default_factory=dict)
    _blocks: int = 0

    def check(self, body: tuple[ast.Statement, ...], place: Place) -> None:
        """Check the statements of a block, and of the blocks in it."""
        for statement in body:
            match statement:
                case ast.Latent():
                    self._latent(statement, place)
                case ast.Observation():
                    self._observation(statement, place)
                case ast.Definition():
                    self._definition(statement, place)
                case ast.Declaration():
                    self._declaration(statement, place)
                case ast.Assignment():
                    self._assignment(statement, place)
                case ast.PlateBlock():
                    self._plate_block(statement, place)
                case ast.JointBlock():
                    self._joint_block(statement, place)
                case ast.Skipped():
                    pass
                case _:
                    assert_never(statement)

    # Blocks.

    def _plate_block(self, block: ast.PlateBlock, place: Place) -> None:
        report, name = self.scope.report, block.name
        if not self.scope.is_plate(name):
            near = report.nearest(name.text, self.scope.plates)
            if near:
                self.check(block.body, replace(place, plate=near[0]))
            else:
                self.scope.forgiven |= ast.names_within(block.body)
            return
        if name.text in self.scope.path(place.plate):
            report.error(
                "QEM303",
                f"the plate `{name.text}` is opened inside itself",
                block.header,
                hint="remove the inner block",
            )
        elif self.scope.plates[name.text].parent != place.plate:
            parent = self.scope.plates[name.text].parent
            where = f"inside `plate {parent} {{ ... }}`" if parent else "outside of every plate"
            here = f"inside `plate {place.plate}`" if place.plate else "outside of every plate"
            report.error(
                "QEM302",
                f"the plate `{name.text}` stands {here}, but belongs {where}",
                block.header,
                labels=(Label(self.scope.plates[name.text].span, "declared here"),),
                notes=(self.scope.tree(),),
                hint=f"open it {where}",
            )
        if place.block is not None:
            report.error("QEM216", "a `joint` block holds latents and deterministic names only", block.header)
        self.check(block.body, Place(name.text))

    def _joint_block(self, block: ast.JointBlock, place: Place) -> None:
        if place.block is not None:
            self.scope.report.error(
                "QEM216", "a `joint` block stands inside another", block.header, hint="remove the inner one"
            )
            self.check(block.body, place)
            return
        self._blocks += 1
        self.check(block.body, replace(place, block=self._blocks - 1))

    # Statements that give a name a law.

    def _latent(self, statement: ast.Latent, place: Place) -> None:
        self._reject_brackets(statement.name, statement.brackets, f"{statement.type.kind} {statement.name.text} ~ ...;")
        variable = self.latents.check(statement, place.plate, is_joint=place.block is not None)
        if variable is not None:
            self.statements.append(replace(variable, block=place.block))

    def _observation(self, statement: ast.Observation, place: Place) -> None:
        report, name = self.scope.report, statement.name
        self._reject_brackets(name, statement.brackets, f"{name.text} ~ ...;")
        if place.block is not None:
            report.error("QEM216", "a `joint` block holds latents and deterministic names only", statement.span)
        if statement.family is not None:
            report.error(
                "QEM413", "`approx` belongs to a latent: an observation has no posterior", statement.family.span
            )
        symbol = self._observed_symbol(name)
        law = self.laws.check(statement.law, place.plate, symbol.type if symbol is not None else None)
        if symbol is None or symbol.type is None:
            return
        self.observed[name.text] = name
        if symbol.plate != place.plate:
            self._wrong_plate(statement, symbol, place)
        elif law is not None and self._fits_outcome(statement, symbol, law.law.support.integer, law.range):
            self.statements.append(
                RandomVariable(name.text, symbol.plate, law.law.name, law.arguments, symbol.type, True, statement.span)
            )

    def _observed_symbol(self, name: ast.Name) -> Symbol | None:
        """The data that `name ~ ...` observes; reports any other meaning of the name."""
        report, scope = self.scope.report, self.scope
        symbol = scope.symbols.get(name.text)
        scope.used.add(name.text)
        if symbol is None and name.text in scope.forgiven:
            return None
        if symbol is None:
            hint = scope.did_you_mean(name.text, [n for n, s in scope.symbols.items() if s.role == "data"])
            rewrite = f"declare it in `data`, or give a latent its type: `real {name.text} ~ ...;`"
            message = f"`{name.text}` has a law but is not declared"
            report.error("QEM206", message, name.span, hint=hint or rewrite)
            scope.forgiven.add(name.text)
            return None
        if symbol.role == "latent" or name.text in self.observed:
            first = self.observed[name.text].span if name.text in self.observed else symbol.span
            labels = (Label(first, "the first `~` is here"),)
            report.error("QEM207", f"`{name.text}` has two laws", name.span, labels=labels, hint="keep one of them")
            return None
        if symbol.role != "data":
            message = f"`{name.text}` is {ROLE_PHRASES[symbol.role]} and cannot have a law: only data are observed"
            report.error("QEM215", message, name.span, labels=(symbol.label,))
            return None
        return symbol

    def _wrong_plate(self, statement: ast.Observation, symbol: Symbol, place: Place) -> None:
        where = f"inside `plate {symbol.plate} {{ ... }}`" if symbol.plate else "outside of every plate"
        self.scope.report.error(
            "QEM307",
            f"`{symbol.name}` has one value "
            + (f"for each member of `{symbol.plate}`" if symbol.plate else "only")
            + (
                f", but is observed inside `plate {place.plate}`"
                if place.plate
                else ", but is observed outside of that plate"
            ),
            statement.name.span,
            labels=(symbol.label,),
            hint=f"observe it {where}",
        )

    def _fits_outcome(self, statement: ast.Observation, symbol: Symbol, is_discrete: bool, values: Range) -> bool:
        assert symbol.type is not None
        report, law, name = self.scope.report, statement.law.name.text, symbol.name
        is_int = symbol.type.kind == "int"
        if is_int and not is_discrete:
            message = f"`{name}` is int, and `{law}` is a law of real values"
            report.error(
                "QEM407",
                message,
                statement.law.name.span,
                labels=(symbol.label,),
                hint=f"declare `{name}` as real, or take a law of counts",
            )
            return False
        if is_discrete and not is_int:
            message = f"`{name}` is real, and `{law}` is a law of whole numbers"
            report.error(
                "QEM408", message, statement.law.name.span, labels=(symbol.label,), hint=f"declare `{name}` as int"
            )
            return False
        if symbol.range.upper < values.lower or symbol.range.lower > values.upper:
            message = f"`{name}` is declared where `{law}` has no values"
            report.error("QEM405", message, statement.law.span, labels=(symbol.label,))
            return False
        return True

    # Deterministic names.

    def _definition(self, statement: ast.Definition, place: Place) -> None:
        report, name = self.scope.report, statement.name
        self._reject_brackets(name, statement.brackets, f"{statement.type.kind} {name.text} = ...;")
        if statement.type.bounds:
            span = statement.type.bounds[0].span.to(statement.type.bounds[-1].span)
            report.error(
                "QEM424",
                "a deterministic name has no bounds",
                span,
                hint="leave them out: its value follows from its parts",
            )
        value = self.expressions.check(statement.value, place.plate)
        kind = self.declarations.type(statement.type, place.plate)
        existing = self.scope.symbols.get(name.text)
        if existing is not None and existing.role == "data":
            self.scope.used.add(name.text)
            report.error("QEM205", f"`{name.text}` is data and cannot be assigned", name.span, labels=(existing.label,))
            return
        is_right = value is not None and kind is not None and self._fits_type(statement, kind, value)
        values = value.range if value is not None else Range()
        declared = None
        if is_right and value is not None and kind is not None:
            declared = replace(kind, plate=value.type.plate)
        if (
            self.scope.declare(Symbol(name.text, "definition", name.span, declared, place.plate, values))
            and declared is not None
        ):
            assert value is not None
            self.statements.append(Definition(name.text, place.plate, value.expr, statement.span))

    def _fits_type(self, statement: ast.Definition, kind: ValueType, value: Value) -> bool:
        report, span = self.scope.report, statement.value.span
        if value.is_row or not self.scope.same_shape(kind.event, value.type.event):
            given = shape_phrase(value.type.kind, value.type.event, value.is_row)
            wanted = shape_phrase(kind.kind, kind.event)
            labels = (Label(statement.type.span, f"declared {wanted}"),)
            report.error(
                "QEM402", f"`{statement.name.text}` is {wanted}, and its value is {given}", span, labels=labels
            )
            return False
        if kind.kind == "int" and value.type.kind == "real":
            message = f"`{statement.name.text}` is int, and its value is real"
            report.error(
                "QEM419", message, span, labels=(Label(statement.type.span, "declared int"),), hint="declare it `real`"
            )
            return False
        return True

    def _declaration(self, statement: ast.Declaration, place: Place) -> None:
        """A declaration without a law or a value."""
        report, name = self.scope.report, statement.name
        kind = statement.span.text.rstrip("; \n")
        message = f"the latent `{name.text}` has no law"
        report.error("QEM209", message, name.span, hint=f"give it one where it is declared: `{kind} ~ ...;`")
        self.scope.declare(Symbol(name.text, "latent", name.span, None, place.plate))

    def _assignment(self, statement: ast.Assignment, place: Place) -> None:
        report, name = self.scope.report, statement.name
        self.expressions.check(statement.value, place.plate)
        self.scope.used.add(name.text)
        symbol = self.scope.symbols.get(name.text)
        if symbol is None:
            if name.text not in self.scope.forgiven:
                hint = f"write `real {name.text} = ...;`"
                report.error("QEM201", f"`{name.text}` is not declared", name.span, hint=hint)
                self.scope.forgiven.add(name.text)
            return
        code = "QEM205" if symbol.role == "data" else "QEM204"
        reason = {
            "data": "is data",
            "definition": "has its value already",
            "latent": "is a latent, whose law gives its value,",
        }
        message = f"`{name.text}` {reason.get(symbol.role, f'is {ROLE_PHRASES[symbol.role]}')} and cannot be assigned"
        report.error(code, message, name.span, labels=(symbol.label,), hint="give the new value a name of its own")

    def _reject_brackets(self, name: ast.Name, brackets: ast.Brackets | None, rewrite: str) -> None:
        """`theta[i] ~ ...` and `real theta[J] ~ ...`: a plate is a block in `model`."""
        if brackets is None:
            return
        item = brackets.items[0].span.text
        plate = item if item in self.scope.plates else "name"
        hint = f"write `plate {plate} {{ {rewrite} }}`"
        self.scope.report.error(
            "QEM311", f"`{name.text}` takes no brackets here: in `model` a plate is a block", brackets.span, hint=hint
        )
