"""Diagnostics of syntax errors, worded by grammar/syntax_errors.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from qemppl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qemppl.diagnostics.source import Span
from qemppl.lang.syntax.grammar import grammar_file


@cache
def load_syntax_errors() -> dict[str, dict[str, Any]]:
    """The table of syntax errors (code, message, hint, tokens, malformed examples), by key."""
    return tomllib.loads(grammar_file("syntax_errors.toml").read_text(encoding="utf-8"))


def syntax_error(
    key: str, span: Span, *, labels: tuple[Label, ...] = (), hint: str | None = None, **values: str
) -> Diagnostic:
    """The entry `key`, with `values` filled in; `hint` takes the place of the entry's own."""
    worded = fill_in(key, span, values)
    return replace(worded, labels=labels, hint=worded.hint if hint is None else hint)


def fill_in(key: str, span: Span, values: Mapping[str, str]) -> Diagnostic:
    """The entry `key` with `values` filled in."""
    entry = load_syntax_errors()[key]
    template = entry.get("hint")
    hint = template.format_map(values) if template is not None else None
    return Diagnostic(entry["code"], Severity.ERROR, entry["message"].format_map(values), span, hint=hint)
