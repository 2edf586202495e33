"""The front end on one page: text to AST, AST to a checked ModelIR, with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from qemppl.diagnostics.diagnostic import Diagnostic
from qemppl.diagnostics.source import Source, Span
from qemppl.distributions.registry import LAWS
from qemppl.families.registry import FAMILY_NAMES, VECTOR_FAMILIES
from qemppl.ir.model import ModelIR
from qemppl.lang.check.blocks import Blocks
from qemppl.lang.check.data_block import DataBlock
from qemppl.lang.check.declarations import Declarations
from qemppl.lang.check.definitions import DefinitionChecker
from qemppl.lang.check.expressions import Expressions
from qemppl.lang.check.generated_block import GeneratedBlock
from qemppl.lang.check.latents import LatentChecker
from qemppl.lang.check.laws import LawChecker
from qemppl.lang.check.model_block import ModelBlock
from qemppl.lang.check.observations import ObservationChecker
from qemppl.lang.check.pedantic import Pedantic
from qemppl.lang.check.report import Reporter
from qemppl.lang.check.scope import Scope
from qemppl.lang.check.transformed_block import TransformedBlock
from qemppl.lang.check.typed_laws import TypedLaws
from qemppl.lang.check.unused import warn_unused
from qemppl.lang.syntax import ast
from qemppl.lang.syntax.parse import Parsed, parse
from qemppl.lang.syntax.read import read_source

__all__ = ["Checked", "Parsed", "compile_text", "parse", "read_source"]


@dataclass(frozen=True)
class Checked:
    """The result of a check; `model` is None if and only if one of `diagnostics` is an error."""

    model: ModelIR | None
    diagnostics: tuple[Diagnostic, ...]


def compile_text(source: Source, *, pedantic: bool = False) -> Checked:
    """Parse and check a model text. Never raises on any text; all mistakes are reported, in source order.

    pedantic: also warn of what is right but rarely meant, once nothing is wrong.
    """
    parsed = parse(source)
    report = Reporter(list(parsed.diagnostics))
    check = _Check(parsed.program, report)
    model = check.model()
    is_wrong = any(d.is_error for d in report.diagnostics)
    if pedantic and not is_wrong:
        Pedantic(check.scope, model, LAWS).warn()
    diagnostics = tuple(sorted(report.diagnostics, key=_place))
    return Checked(None if is_wrong else model, diagnostics)


def _place(diagnostic: Diagnostic) -> tuple[int, int]:
    span = diagnostic.span
    return (span.start, span.end) if span is not None else (-1, -1)


class _Check:
    """The checkers of all blocks, put together."""

    def __init__(self, program: ast.Program, report: Reporter) -> None:
        self._program = program
        self._blocks = Blocks.of(program, report)
        self.scope = Scope(report, _lost_names(program), _first_declarations(program))
        expressions = Expressions(self.scope, LAWS)
        declarations = Declarations(self.scope, expressions)
        definitions = DefinitionChecker(self.scope, declarations, expressions)
        laws = LawChecker(self.scope, expressions, LAWS)
        typed = TypedLaws(self.scope, declarations, laws)
        latents = LatentChecker(self.scope, typed, FAMILY_NAMES, VECTOR_FAMILIES)
        self._observations = ObservationChecker(self.scope, laws)
        self._data = DataBlock(self.scope, declarations)
        self._transformed = TransformedBlock(self.scope, declarations, expressions)
        self._model = ModelBlock(self.scope, latents, self._observations, definitions)
        self._generated = GeneratedBlock(self.scope, typed, definitions)

    def model(self) -> ModelIR:
        """What the program means, as far as it is right."""
        scope, blocks = self.scope, self._blocks
        for data in blocks.data:
            self._data.check(data)
        for transformed in blocks.transformed:
            self._transformed.check(transformed)
        scope.model_end = max((model.span.end for model in blocks.model), default=None)
        for model in blocks.model:
            self._model.check(model)
        used_by_model = frozenset(scope.used)
        for generated in blocks.generated:
            self._generated.check(generated)
        if blocks.model:
            warn_unused(scope, self._observations.observed, used_by_model)
        source = self._program.span.source
        return ModelIR(
            PurePath(source.name).stem,
            tuple(scope.plates.values()),
            tuple(scope.dims.values()),
            tuple(self._data.variables),
            tuple(self._model.statements),
            tuple(self._transformed.definitions),
            tuple(self._generated.statements),
            text=source.text,
        )


def _first_declarations(program: ast.Program) -> dict[str, Span]:
    """Where each name is first declared."""
    declaring = (ast.DataPlate, ast.Dim, ast.Declaration, ast.Latent, ast.Definition)
    first: dict[str, Span] = {}
    for block in program.blocks:
        for statement in _leaves(block):
            if isinstance(statement, declaring):
                first.setdefault(statement.name.text, statement.name.span)
    return first


def _lost_names(program: ast.Program) -> set[str]:
    """The names in text that could not be read."""
    leaves = (leaf for block in program.blocks for leaf in _leaves(block))
    return {name for leaf in leaves if isinstance(leaf, ast.Skipped) for name in leaf.names}


def _leaves(block: ast.Block) -> Iterable[ast.Leaf]:
    return [block] if isinstance(block, ast.Skipped) else ast.leaves(block.body)
