"""The corpus of good and bad models, and how a test reads it."""

from __future__ import annotations

from pathlib import Path

from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError
from qemppl.diagnostics.source import Source
from qemppl.lang.frontend import Checked, compile_text, read_source

CORPUS = Path(__file__).parents[1] / "corpus"
GOOD = sorted((CORPUS / "good").glob("*.qem"))
BAD = sorted((CORPUS / "bad").glob("*.qem"))
PEDANTIC = sorted((CORPUS / "pedantic").glob("*.qem"))
"""Right, but answered with warnings where these are asked for."""


def check(text: str) -> Checked:
    return compile_text(Source("m.qem", text))


def codes(text: str) -> list[str]:
    return [d.code for d in check(text).diagnostics]


def diagnostics_of(path: Path, *, pedantic: bool = False) -> tuple[Diagnostic, ...]:
    """What is wrong with a file of the corpus, under its bare name."""
    try:
        source = read_source(path)
    except DiagnosticsError as refusal:
        return refusal.diagnostics
    return compile_text(Source(path.name, source.text), pedantic=pedantic).diagnostics
