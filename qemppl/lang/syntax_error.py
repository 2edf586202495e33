"""Diagnostics of syntax errors, worded by grammar/syntax_errors.toml."""

from __future__ import annotations

from qemppl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qemppl.diagnostics.source import Span
from qemppl.lang.grammar import load_syntax_errors


def syntax_error(
    key: str, span: Span, *, labels: tuple[Label, ...] = (), hint: str | None = None, **values: str
) -> Diagnostic:
    """The entry `key`, with `values` filled in; `hint` takes the place of the entry's own."""
    entry = load_syntax_errors()[key]
    template = entry.get("hint")
    if hint is None and template is not None:
        hint = template.format(**values)
    message = entry["message"].format(**values)
    return Diagnostic(entry["code"], Severity.ERROR, message, span, labels=labels, hint=hint)
