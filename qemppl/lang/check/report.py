"""Collects the diagnostics of a check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from qemppl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qemppl.diagnostics.source import Span

_NEAR = 0.65
"""The least similarity, between 0 and 1, of a name that is suggested."""
_MOST_LOOKUPS = 100
"""Nearest names cost a comparison with every name: a text with more mistakes than this gets them no longer."""


@dataclass
class Reporter:
    """What is wrong with a program, in the order found."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    lookups: int = 0

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        labels: Iterable[Label] = (),
        notes: Iterable[str] = (),
        hint: str | None = None,
    ) -> None:
        self.diagnostics.append(
            Diagnostic(code, Severity.ERROR, message, span, labels=tuple(labels), notes=tuple(notes), hint=hint)
        )

    def warning(self, code: str, message: str, span: Span, *, hint: str | None = None) -> None:
        self.diagnostics.append(Diagnostic(code, Severity.WARNING, message, span, hint=hint))

    def unsupported(self, what: str, span: Span) -> None:
        """Something that the language has, but this version does not."""
        self.error("QEM119", f"{what} not supported yet in this version", span)

    def did_you_mean(self, name: str, candidates: Iterable[str]) -> str | None:
        """A hint with the nearest names, if any are near."""
        return suggestion(self.nearest(name, candidates))

    def nearest(self, name: str, candidates: Iterable[str]) -> list[str]:
        """The name that differs least, and a second one if it is about as near; empty if none is near."""
        self.lookups += 1
        if self.lookups > _MOST_LOOKUPS:
            return []
        matcher = SequenceMatcher(b=name.lower())
        ratios: dict[str, float] = {}
        for candidate in candidates:
            matcher.set_seq1(candidate.lower())
            if matcher.real_quick_ratio() >= _NEAR and matcher.quick_ratio() >= _NEAR:
                ratios[candidate] = matcher.ratio()
        best = max(ratios.values(), default=1.0)
        near = [c for c in sorted(ratios, key=lambda c: (-ratios[c], c)) if ratios[c] >= max(_NEAR, best - 0.1)]
        return near[:2]


def suggestion(names: Iterable[str]) -> str | None:
    """`did you mean ...?`, if there are names to suggest."""
    quoted = [f"`{name}`" for name in names]
    return f"did you mean {' or '.join(quoted)}?" if quoted else None


def count_arguments(number: int) -> str:
    """`2 arguments`."""
    return "no arguments" if number == 0 else f"{number} argument{'s' if number > 1 else ''}"
