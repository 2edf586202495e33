"""Checks the `transformed data` block: names that are computed from the data before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from qemppl.ir.model import Definition
from qemppl.lang.check.assignments import reject_assignment
from qemppl.lang.check.declarations import Declarations
from qemppl.lang.check.declared_first import Later, later_statements, reject_declaration
from qemppl.lang.check.definitions import DefinitionChecker
from qemppl.lang.check.expressions import Expressions
from qemppl.lang.check.plates import open_plate
from qemppl.lang.check.scope import BlockName, Scope, Symbol
from qemppl.lang.syntax import ast

_BLOCK: BlockName = "transformed data"


@dataclass
class TransformedBlock:
    """The checker of statements in `transformed data`; `definitions` gathers what they mean, in order."""

    scope: Scope
    declarations: Declarations
    expressions: Expressions
    definitions: list[Definition] = field(default_factory=list)
    _later: Later = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._checker = DefinitionChecker(self.scope, self.declarations, self.expressions)

    def check(self, block: ast.TransformedDataBlock) -> None:
        """Check every statement of the block and enter its names."""
        self.scope.block_end = block.span.end
        self._later = later_statements(block.body)
        self._statements(block.body, None)
        self.scope.block_end = None

    def _statements(self, body: tuple[ast.Statement, ...], plate: str | None) -> None:
        for statement in body:
            match statement:
                case ast.Definition():
                    definition = self._checker.check(statement, plate, block=_BLOCK)
                    if definition is not None:
                        self.definitions.append(definition)
                case ast.PlateBlock():
                    inner = open_plate(self.scope, statement, plate)
                    if inner is not None:
                        self._statements(statement.body, inner)
                case ast.Latent():
                    self._latent(statement, plate)
                case ast.Observation():
                    self._observation(statement)
                case ast.Declaration():
                    reject_declaration(self.scope, statement, plate, _BLOCK, self._later)
                case ast.Assignment():
                    reject_assignment(self.scope, self.expressions, statement, plate, _BLOCK)
                case ast.JointBlock():
                    self._joint(statement, plate)
                case ast.Skipped():
                    pass
                case _:
                    assert_never(statement)

    # What has no place here.

    def _latent(self, statement: ast.Latent, plate: str | None) -> None:
        name = statement.name
        written = " ".join(statement.type.span.text.split())
        hint = f"move `{written} {name.text} ~ ...;` into `model`"
        message = f"`{_BLOCK}` has no latents: it is computed from the data alone"
        self.scope.report.error("QEM219", message, statement.span, hint=hint)
        self._mention_law(statement.law)
        self.scope.declare(Symbol(name.text, "latent", name.span, None, plate))

    def _observation(self, statement: ast.Observation) -> None:
        name = statement.name.text
        self.scope.used.add(name)
        self._mention_law(statement.law)
        hint = f"move `{name} ~ ...;` into `model`"
        message = f"data are observed in `model`: `{_BLOCK}` only computes"
        self.scope.report.error("QEM219", message, statement.span, hint=hint)

    def _joint(self, block: ast.JointBlock, plate: str | None) -> None:
        message = f"a `joint` block holds latents, and `{_BLOCK}` has none"
        self.scope.report.error("QEM219", message, block.header, hint="move the block into `model`")
        for leaf in ast.leaves(block.body):
            if isinstance(leaf, ast.Latent | ast.Definition):
                self.scope.declare(Symbol(leaf.name.text, "latent", leaf.name.span, None, plate))

    def _mention_law(self, law: ast.Law) -> None:
        self.scope.mention(*(argument.value for argument in law.arguments))
