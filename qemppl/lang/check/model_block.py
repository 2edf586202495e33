"""Checks the `model` block and translates its statements: plates, joint blocks, and what they contain."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import assert_never

from qemppl.ir.model import Previous, RandomVariable, Statement, walk
from qemppl.lang.check.assignments import reject_assignment
from qemppl.lang.check.declared_first import Later, later_statements, reject_declaration
from qemppl.lang.check.definitions import DefinitionChecker
from qemppl.lang.check.first_step import reached_before
from qemppl.lang.check.latents import LatentChecker
from qemppl.lang.check.observations import ObservationChecker
from qemppl.lang.check.plates import open_plate, reject_brackets
from qemppl.lang.check.scope import Scope
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
    latents: LatentChecker
    observations: ObservationChecker
    definitions: DefinitionChecker
    statements: list[Statement] = field(default_factory=list)
    _blocks: int = 0
    _later: Later = field(default_factory=dict)

    def check(self, block: ast.ModelBlock) -> None:
        """Check the statements of the block."""
        self._later = later_statements(block.body)
        self._statements(block.body, Place())

    def _statements(self, body: tuple[ast.Statement, ...], place: Place) -> None:
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
                    reject_declaration(self.scope, statement, place.plate, "model", self._later)
                case ast.Assignment():
                    reject_assignment(self.scope, self.definitions.expressions, statement, place.plate, "model")
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
        plate = open_plate(self.scope, block, place.plate)
        if plate is None:
            return
        if place.block is not None:
            self._foreign_to_joint(block)
        if self.scope.plates[plate].is_chain:
            for latent in reached_before(block):
                self.latents.foresee(latent, plate)
        self._statements(block.body, Place(plate))

    def _joint_block(self, block: ast.JointBlock, place: Place) -> None:
        if place.block is not None:
            message = "a `joint` block stands inside another"
            self.scope.report.error("QEM216", message, block.header, hint="remove the inner one")
            self._statements(block.body, place)
            return
        self._blocks += 1
        self._statements(block.body, replace(place, block=self._blocks - 1))

    def _foreign_to_joint(self, statement: ast.PlateBlock | ast.Observation) -> None:
        span = statement.header if isinstance(statement, ast.PlateBlock) else statement.span
        message = "a `joint` block holds latents and deterministic names only"
        self.scope.report.error("QEM216", message, span, hint="move it out of the block")

    # Statements.

    def _latent(self, statement: ast.Latent, place: Place) -> None:
        reject_brackets(self.scope, statement, place.plate)
        variable = self.latents.check(statement, place.plate, is_joint=place.block is not None)
        if variable is not None:
            self.statements.append(replace(variable, block=place.block))

    def _observation(self, statement: ast.Observation, place: Place) -> None:
        reject_brackets(self.scope, statement, place.plate)
        if place.block is not None:
            self._foreign_to_joint(statement)
        variable = self.observations.check(statement, place.plate)
        if variable is not None and not self._reaches_back(variable):
            self.statements.append(variable)

    def _definition(self, statement: ast.Definition, place: Place) -> None:
        definition = self.definitions.check(statement, place.plate, block="model")
        if definition is not None and not self._reaches_back(definition):
            self.statements.append(definition)

    def _reaches_back(self, statement: Statement) -> bool:
        """Whether a statement that cannot have an `init` uses `prev`."""
        for expression in statement.expressions:
            for node in walk(expression):
                if isinstance(node, Previous):
                    what = "an observation" if isinstance(statement, RandomVariable) else "a deterministic name"
                    message = f"`prev` stands in the law of a latent: at the first step, {what} has no value for it"
                    hint = "use it in the law of a latent, which has `init` for the first step"
                    self.scope.report.error("QEM334", message, node.span, hint=hint)
                    return True
        return False
