"""Diagnostics: what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from qemppl.diagnostics.source import Span


class Severity(Enum):
    """How bad it is: an error stops the work."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Stage(Enum):
    """Who has to act: decides the exit code of a command (the value)."""

    USAGE = 2
    MODEL = 3
    DATA = 4
    RESOURCE = 5


@dataclass(frozen=True)
class Label:
    """A second place that helps to understand the first, such as `declared here`."""

    span: Span
    message: str


@dataclass(frozen=True)
class Diagnostic:
    """One mistake or remark, in the user's own terms.

    `code` is stable (`QEM101`) and listed in the catalogue of the floor that uses it. `span` is the offending text of the model.
    `where` names a place outside the model text: a JSON path (`data.json: y[3]`) or a table row.
    `hint` is a one-line fix.
    """

    code: str
    severity: Severity
    message: str
    span: Span | None = None
    where: str | None = None
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    hint: str | None = None

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


@dataclass(frozen=True)
class Entry:
    """What a code means: a title, and an explanation for whoever asks. Each floor lists its codes in its `catalogue.py`."""

    title: str
    explanation: str


class DiagnosticsError(Exception):
    """The input cannot be used. Carries everything that is wrong with it, in source order.

    `stage` says whose mistake it is: the model's, the data's, or a resource that does not suffice.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], stage: Stage) -> None:
        self.diagnostics = tuple(diagnostics)
        self.stage = stage
        super().__init__("\n".join(f"{d.code}: {d.message}" for d in self.diagnostics))
