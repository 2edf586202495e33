"""Collects the diagnostics of a check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from qemppl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qemppl.diagnostics.source import Span

_LONGEST_NAME = 60
"""Longer names have none near to them: a comparison costs the product of the lengths."""
_MOST_COMPARISONS = 20_000
"""Of names, together about a second: a text of so many names and mistakes that they need more gets no nearest names any longer."""


@dataclass
class Reporter:
    """What is wrong with a program, in the order found."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    comparisons: int = 0

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
        """The name that differs least, and a second one that is just as near; empty if none is near.

        A slip in every third letter is near; two or more only behind the same first letter, which is rarely wrong.
        """
        if self.comparisons > _MOST_COMPARISONS or len(name) > _LONGEST_NAME:
            return []
        most = (len(name) + 1) // 3
        distances: dict[str, int] = {}
        for candidate in candidates:
            if abs(len(candidate) - len(name)) <= most:
                self.comparisons += 1
                slips = _slips(name.lower(), candidate.lower())
                distances[candidate] = slips if slips < 2 or name[:1].lower() == candidate[:1].lower() else most + 1
        least = min(distances.values(), default=most + 1)
        return sorted(c for c, distance in distances.items() if distance == least <= most)[:2]


def _slips(a: str, b: str) -> int:
    """How many letters are missing, too many, wrong, or exchanged with the next one: the optimal string alignment distance."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            least = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                least = min(least, rows[-2][j - 2] + 1)
            row.append(least)
        rows.append(row)
    return rows[-1][-1]


def suggestion(names: Iterable[str]) -> str | None:
    """`did you mean ...?`, if there are names to suggest."""
    quoted = [f"`{name}`" for name in names]
    return f"did you mean {' or '.join(quoted)}?" if quoted else None


def count_arguments(number: int) -> str:
    """`2 arguments`."""
    return "no arguments" if number == 0 else f"{number} argument{'s' if number > 1 else ''}"
