"""An AST as an indented tree, for `explain --stage ast`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
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
        pending.extend((child, depth + 1) for child in reversed(list(_children(node))))
    return "\n".join(lines) + "\n"


def _line(node: Any) -> str:
    own = [f"{f.name}={_word(getattr(node, f.name))}" for f in fields(node) if _is_word(getattr(node, f.name))]
    span: Span = node.span
    return f"{' '.join([type(node).__name__, *own])} @{span.line}:{span.column}"


def _word(value: Any) -> str:
    if isinstance(value, ast.Name):
        return value.text
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_word(value: Any) -> bool:
    return isinstance(value, ast.Name | str | int | float)


def _children(node: Any) -> Iterator[Any]:
    for field in fields(node):
        value = getattr(node, field.name)
        for child in value if isinstance(value, tuple) else (value,):
            if is_dataclass(child) and not isinstance(child, Span | ast.Name):
                yield child
