"""Diagnostics as JSON text and back, with the source text that they point at."""

from __future__ import annotations

import json
from typing import Any

from qemppl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qemppl.diagnostics.source import Source, Span


def warnings_to_json(diagnostics: tuple[Diagnostic, ...]) -> str:
    """One text; every source stands in it once."""
    sources: dict[Source, int] = {}

    def span(value: Span | None) -> list[int] | None:
        return None if value is None else [sources.setdefault(value.source, len(sources)), value.start, value.end]

    items = [
        {
            "code": diagnostic.code,
            "severity": diagnostic.severity.value,
            "message": diagnostic.message,
            "span": span(diagnostic.span),
            "where": diagnostic.where,
            "labels": [[span(label.span), label.message] for label in diagnostic.labels],
            "notes": diagnostic.notes,
            "hint": diagnostic.hint,
        }
        for diagnostic in diagnostics
    ]
    return json.dumps({"sources": [[source.name, source.text] for source in sources], "diagnostics": items})


def warnings_from_json(text: str) -> tuple[Diagnostic, ...]:
    """The diagnostics that `warnings_to_json` was given."""
    content = json.loads(text)
    sources = [Source(name, source) for name, source in content["sources"]]

    def span(value: list[int]) -> Span:
        index, start, end = value
        return Span(sources[index], start, end)

    def diagnostic(item: dict[str, Any]) -> Diagnostic:
        return Diagnostic(
            code=item["code"],
            severity=Severity(item["severity"]),
            message=item["message"],
            span=None if item["span"] is None else span(item["span"]),
            where=item["where"],
            labels=tuple(Label(span(place), message) for place, message in item["labels"]),
            notes=tuple(item["notes"]),
            hint=item["hint"],
        )

    return tuple(diagnostic(item) for item in content["diagnostics"])
