"""What holds for the answer to any text at all."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qemppl.diagnostics.catalogue import CATALOGUE
from qemppl.diagnostics.diagnostic import Diagnostic
from qemppl.diagnostics.render import render
from qemppl.diagnostics.source import Source
from qemppl.ir.model import ModelIR
from qemppl.ir.show import show
from qemppl.ir.verify import verify
from qemppl.lang.format.format import format_source
from qemppl.lang.frontend import Checked, compile_text

OF_PYTHON = re.compile(r"\b(None|True|False|nan|frozenset|dict_keys|Traceback)\b|object at 0x|<class|[A-Z]\w+\(\w+=")
"""What no message says."""


def check_answer(text: str) -> Checked:
    """The answer to a text, which is a well-formed model or says what is wrong, and does not depend on the layout of the text."""
    source = Source("m.qem", text)
    checked = compile_text(source)
    assert (checked.model is None) == any(d.is_error for d in checked.diagnostics)
    check_diagnostics(checked.diagnostics, text)
    if checked.model is not None:
        verify(checked.model)
        check_layout(source, checked.model)
        check_pedantic(source, checked)
    return checked


def check_diagnostics(diagnostics: Iterable[Diagnostic], text: str) -> None:
    """Each has its place, a code of the catalogue and words for a reader; none is given twice."""
    said = [*diagnostics]
    for diagnostic in said:
        assert diagnostic.code in CATALOGUE
        assert diagnostic.message
        for span in (diagnostic.span, *(label.span for label in diagnostic.labels)):
            assert span is not None
            assert 0 <= span.start <= span.end <= len(text)
            assert span.start < span.end or not text[span.start :].strip() or span.start == 0, diagnostic
        words = (diagnostic.message, *diagnostic.notes, *(label.message for label in diagnostic.labels))
        for line in (*words, diagnostic.hint or "hint"):
            assert line, diagnostic
            assert not OF_PYTHON.search(line), line
    assert len({(d.code, d.message, d.span and d.span.start) for d in said}) == len(said)
    render(said)


def check_layout(source: Source, model: ModelIR) -> None:
    """The formatted text means the same, and is formatted."""
    formatted = format_source(source)
    again = compile_text(Source(source.name, formatted)).model
    assert again is not None
    assert show(again) == show(model)
    assert format_source(Source(source.name, formatted)) == formatted


def check_pedantic(source: Source, checked: Checked) -> None:
    """More warnings, and nothing else."""
    pedantic = compile_text(source, pedantic=True)
    assert pedantic.model is not None
    assert show(pedantic.model) == show(checked.model) if checked.model is not None else False
    assert {d.message for d in checked.diagnostics} <= {d.message for d in pedantic.diagnostics}
    check_diagnostics(pedantic.diagnostics, source.text)
