"""An AST as an indented tree, for `explain --stage ast`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from qemppl.diagnostics.source import Span
from qemppl.lang.syntax import ast


def show_ast(program: ast.Program) -> str:
    """One line a node: its kind, its own words, and where it stands; children are indented below."""
    lines: list[str] = []
    pending: list[tuple[Any, int]] = [(program, 0)]
    while pending:
        node, depth = pending.pop()
        lines.append(f"{'  ' * depth}{_line(node)}")
        pending.extend((child, depth + 1) for child in reversed(list(ast.parts(node))))
    return "\n".join(lines) + "\n"


def _line(node: Any) -> str:
    own = [_own(f.name, getattr(node, f.name)) for f in fields(node)]
    span: Span = node.span
    return f"{' '.join([type(node).__name__, *filter(None, own)])} @{span.line}:{span.column}"


def _own(name: str, value: Any) -> str:
    """A word of a node: `name=mu`, or `sampled` if `is_sampled`; empty if the value is no word."""
    if name.startswith("is_"):
        return name.removeprefix("is_") if value else ""
    return f"{name}={_word(value)}" if isinstance(value, ast.Name | str | int | float) else ""


def _word(value: Any) -> str:
    if isinstance(value, ast.Name):
        return value.text
    return f"{value:g}" if isinstance(value, float) else str(value)
