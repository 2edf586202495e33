"""Diagnostics as the Language Server Protocol has them: one JSON object, for editors and other programs.

The object holds what `textDocument/publishDiagnostics` takes (LSP 3.17): the uri of the model and its diagnostics. Lines and characters
count from 0, characters in UTF-16 code units. A mistake in the data stands at the declaration that the data do not fit.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.diagnostics.render import in_source_order
from qemppl.diagnostics.source import Source, Span

_SEVERITIES = {Severity.ERROR: 1, Severity.WARNING: 2, Severity.NOTE: 3}
_NOWHERE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}


def lsp_object(name: str, diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """All diagnostics of a model. name: that of its Source."""
    return {"uri": uri(name), "diagnostics": [lsp_diagnostic(d) for d in in_source_order(diagnostics)]}


def lsp_diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    """One diagnostic; `data` has what the protocol has no place for: notes, fix, and where in the data it is."""
    related = [
        {"location": {"uri": uri(label.span.source.name), "range": _range(label.span)}, "message": label.message}
        for label in diagnostic.labels
    ]
    spans = [diagnostic.span, *(label.span for label in diagnostic.labels)]
    return {
        "range": next((_range(span) for span in spans if span is not None), _NOWHERE),
        "severity": _SEVERITIES[diagnostic.severity],
        "code": diagnostic.code,
        "source": "qemppl",
        "message": diagnostic.message,
        "relatedInformation": related,
        "data": {"where": diagnostic.where, "notes": list(diagnostic.notes), "fix": diagnostic.hint},
    }


def uri(name: str) -> str:
    """The address of a source: `file:///...` of a path, `untitled:stdin` of `<stdin>`."""
    if name.startswith("<") and name.endswith(">"):
        return f"untitled:{quote(name[1:-1])}"
    return Path(name).absolute().as_uri()


def _range(span: Span) -> dict[str, dict[str, int]]:
    return {"start": _position(span.source, span.start), "end": _position(span.source, span.end)}


def _position(source: Source, offset: int) -> dict[str, int]:
    line, column = source.position(offset)
    before = source.text[offset - column + 1 : offset]
    return {"line": line - 1, "character": len(before.encode("utf-16-le", "surrogatepass")) // 2}
