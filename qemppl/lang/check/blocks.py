"""Which blocks a program has: each at most once, in order, and `model` at least."""

from __future__ import annotations

from dataclasses import dataclass

from qemppl.diagnostics.diagnostic import Label
from qemppl.diagnostics.source import Span
from qemppl.lang.check.report import Reporter
from qemppl.lang.syntax import ast

_EXAMPLE = "model { real mu ~ normal(0, 1); }"
_KINDS = (ast.DataBlock, ast.TransformedDataBlock, ast.ModelBlock, ast.GeneratedBlock)
"""In the order in which they stand."""


@dataclass(frozen=True)
class Blocks:
    """The blocks by kind; a second one of a kind is a mistake, and is checked all the same."""

    data: tuple[ast.DataBlock, ...]
    transformed: tuple[ast.TransformedDataBlock, ...]
    model: tuple[ast.ModelBlock, ...]
    generated: tuple[ast.GeneratedBlock, ...]

    @classmethod
    def of(cls, program: ast.Program, report: Reporter) -> Blocks:
        """The blocks of a program; reports missing, repeated and misplaced ones."""
        blocks = program.blocks
        found = cls(
            tuple(b for b in blocks if isinstance(b, ast.DataBlock)),
            tuple(b for b in blocks if isinstance(b, ast.TransformedDataBlock)),
            tuple(b for b in blocks if isinstance(b, ast.ModelBlock)),
            tuple(b for b in blocks if isinstance(b, ast.GeneratedBlock)),
        )
        _report_missing(program, report)
        for kind in (found.data, found.transformed, found.model, found.generated):
            for other in kind[1:]:
                labels = (Label(kind[0].keyword, "the first is here"),)
                message = f"there are two `{_name(other)}` blocks"
                report.error("QEM120", message, other.keyword, labels=labels, hint="put everything into one block")
        _report_misplaced(program, report)
        return found


def _name(block: ast.DataBlock | ast.TransformedDataBlock | ast.ModelBlock | ast.GeneratedBlock) -> str:
    return " ".join(block.keyword.text.split())


def _report_missing(program: ast.Program, report: Reporter) -> None:
    blocks, end = program.blocks, program.span.end
    if not blocks and not report.diagnostics:
        span = Span(program.span.source, 0, 0)
        report.error("QEM112", "the model is empty", span, hint=f"write at least `{_EXAMPLE}`")
    elif not any(isinstance(block, ast.ModelBlock | ast.Skipped) for block in blocks):
        last = blocks[-1].span.end if blocks else end
        span = Span(program.span.source, max(last - 1, 0), last)
        report.error("QEM113", "there is no `model` block", span, hint=f"add `{_EXAMPLE}`")


def _report_misplaced(program: ast.Program, report: Reporter) -> None:
    """Each block that stands behind one that it belongs before."""
    latest: dict[int, ast.DataBlock | ast.TransformedDataBlock | ast.ModelBlock | ast.GeneratedBlock] = {}
    for block in program.blocks:
        if isinstance(block, ast.Skipped):
            continue
        rank = _KINDS.index(type(block))
        later = next((latest[r] for r in sorted(latest) if r > rank), None)
        if later is not None and rank not in latest:
            labels = (Label(later.keyword, "this block comes after it"),)
            message = f"`{_name(block)}` stands before `{_name(later)}`"
            hint = f"move `{_name(block)} {{ ... }}` up, in front of it"
            report.error("QEM120", message, block.keyword, labels=labels, hint=hint)
        latest.setdefault(rank, block)
