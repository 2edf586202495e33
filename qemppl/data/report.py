"""Report: collects what is wrong with the data, each fault located in the data and in the model."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qemppl.data.place import Place
from qemppl.data.raw import RawData
from qemppl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qemppl.diagnostics.source import Span

MAX_ROWS = 5
"""Faulty values of one kind shown by variable; the rest is counted."""


class Report:
    """The diagnostics of one binding, in order.

    In every method `place` is a value of the data, or the name of all its values, and `declared` its declaration in the model. An
    error in an expression has the span of that expression besides.
    """

    def __init__(self, raw: RawData) -> None:
        self.raw = raw
        self.diagnostics: list[Diagnostic] = []

    @property
    def has_errors(self) -> bool:
        return any(d.is_error for d in self.diagnostics)

    def error(
        self, code: str, message: str, place: Place | str | None, declared: Span | None = None, hint: str | None = None
    ) -> None:
        self.add(Diagnostic(code, Severity.ERROR, message, hint=hint), place, declared)

    def warning(
        self, code: str, message: str, place: Place | str | None, declared: Span | None = None, hint: str | None = None
    ) -> None:
        self.add(Diagnostic(code, Severity.WARNING, message, hint=hint), place, declared)

    def note(self, code: str, message: str, place: Place | str | None, declared: Span | None = None) -> None:
        self.add(Diagnostic(code, Severity.NOTE, message), place, declared)

    def add(self, diagnostic: Diagnostic, place: Place | str | None, declared: Span | None = None) -> None:
        """Add a diagnostic with its place in the data."""
        labels = () if declared is None else (Label(declared, "declared here"),)
        self.diagnostics.append(replace(diagnostic, where=self._where(place), labels=labels))

    def _where(self, place: Place | str | None) -> str:
        if isinstance(place, str):
            place = self.raw.origin(place).whole(place)
        return self.raw.name if place is None else place.where

    def rows(self, positions: NDArray[np.int64], report_one: Callable[[int], None]) -> None:
        """Report the first of the faulty positions and count the others."""
        for position in positions[:MAX_ROWS].tolist():
            report_one(position)
        if len(positions) > MAX_ROWS:
            last = self.diagnostics[-1]
            more = f"... and {len(positions) - MAX_ROWS} more rows"
            self.diagnostics[-1] = replace(last, notes=(*last.notes, more))


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `name`, if one is like it; case does not count."""
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    matches = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None


def quoted(text: str) -> str:
    """A text of the data for a message: one line, not too long."""
    shown = text if len(text) <= 40 else text[:37] + "..."
    return '"' + "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown) + '"'


def counted(count: int, noun: str) -> str:
    """Such as `1 value` and `2 values`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def number(value: float) -> str:
    """A number for a message."""
    if math.isnan(value):
        return "missing"
    return str(int(value)) if float(value).is_integer() and abs(float(value)) < 1e15 else f"{value:.7g}"
