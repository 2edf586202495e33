"""The front end on one page: text to AST, AST to a checked ModelIR, with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from qemppl.diagnostics.diagnostic import Diagnostic, Label
from qemppl.diagnostics.source import Source, Span
from qemppl.distributions.registry import LAWS
from qemppl.families.registry import FAMILY_NAMES
from qemppl.ir.model import ModelIR
from qemppl.lang.check.data_block import DataBlock
from qemppl.lang.check.declarations import Declarations
from qemppl.lang.check.expressions import Expressions
from qemppl.lang.check.latents import LatentChecker
from qemppl.lang.check.laws import LawChecker
from qemppl.lang.check.model_block import ModelBlock, Place
from qemppl.lang.check.report import Reporter
from qemppl.lang.check.scope import Scope
from qemppl.lang.check.unused import warn_unused
from qemppl.lang.syntax import ast
from qemppl.lang.syntax.parse import Parsed, parse
from qemppl.lang.syntax.read import read_source

__all__ = ["Checked", "Parsed", "compile_text", "parse", "read_source"]

_EXAMPLE = "model { real mu ~ normal(0, 1); }"


@dataclass(frozen=True)
class Checked:
    """The result of a check; `model` is None if and only if one of `diagnostics` is an error."""

    model: ModelIR | None
    diagnostics: tuple[Diagnostic, ...]


def compile_text(source: Source) -> Checked:
    """Parse and check a model text. Never raises on any text; all mistakes are reported, in source order."""
    parsed = parse(source)
    report = Reporter(list(parsed.diagnostics))
    model = _check(parsed.program, report)
    diagnostics = tuple(sorted(report.diagnostics, key=_place))
    is_wrong = any(d.is_error for d in diagnostics)
    return Checked(None if is_wrong else model, diagnostics)


def _place(diagnostic: Diagnostic) -> tuple[int, int]:
    span = diagnostic.span
    return (span.start, span.end) if span is not None else (-1, -1)


def _check(program: ast.Program, report: Reporter) -> ModelIR:
    data_blocks, model_blocks = _blocks(program, report)
    scope = Scope(report, _lost_names(program), _first_declarations(program))
    expressions = Expressions(scope, frozenset(LAWS))
    declarations = Declarations(scope, expressions)
    data = DataBlock(scope, declarations)
    laws = LawChecker(scope, expressions, LAWS)
    latents = LatentChecker(scope, declarations, laws, FAMILY_NAMES)
    model = ModelBlock(scope, declarations, expressions, laws, latents)
    for data_block in data_blocks:
        data.check(data_block)
    for model_block in model_blocks:
        model.check(model_block.body, Place())
    if model_blocks:
        warn_unused(scope, model.observed)
    source = program.span.source
    return ModelIR(
        PurePath(source.name).stem,
        tuple(scope.plates.values()),
        tuple(scope.dims.values()),
        tuple(data.variables),
        tuple(model.statements),
        source.text,
    )


def _blocks(program: ast.Program, report: Reporter) -> tuple[list[ast.DataBlock], list[ast.ModelBlock]]:
    """The blocks by kind; reports missing, repeated and misplaced ones."""
    data = [block for block in program.blocks if isinstance(block, ast.DataBlock)]
    model = [block for block in program.blocks if isinstance(block, ast.ModelBlock)]
    if not program.blocks and not report.diagnostics:
        message = "the model is empty"
        report.error("QEM112", message, Span(program.span.source, 0, 0), hint=f"write at least `{_EXAMPLE}`")
    elif not model and not any(isinstance(block, ast.Skipped) for block in program.blocks):
        end = program.span.end
        last = program.blocks[-1].span.end if program.blocks else end
        span = Span(program.span.source, max(last - 1, 0), last)
        report.error("QEM113", "there is no `model` block", span, hint=f"add `{_EXAMPLE}`")
    for blocks in (data, model):
        for other in blocks[1:]:
            label = Label(blocks[0].keyword, "the first is here")
            message = f"there are two `{other.keyword.text}` blocks"
            report.error("QEM120", message, other.keyword, labels=(label,), hint="put everything into one block")
    if data and model and data[0].span.start > model[0].span.start:
        report.error("QEM120", "`data` stands before `model`", data[0].keyword, hint="move the block up")
    return data, model


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
