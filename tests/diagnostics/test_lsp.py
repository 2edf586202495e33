from __future__ import annotations

import json
from pathlib import Path

import pytest

from qemppl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qemppl.diagnostics.lsp import lsp_diagnostic, lsp_object, uri
from qemppl.diagnostics.source import Source, Span

TEXT = "real a;\nreal 𝛼é = b;\n"
SOURCE = Source("m.qem", TEXT)


def span(part: str) -> Span:
    start = TEXT.index(part)
    return Span(SOURCE, start, start + len(part))


def test_everything_that_a_diagnostic_says() -> None:
    labels = (Label(span("real a"), "declared here"),)
    diagnostic = Diagnostic("QEM999", Severity.WARNING, "odd", span("b"), None, labels, ("first\nsecond",), "mend it")
    assert lsp_diagnostic(diagnostic) == {
        "range": {"start": {"line": 1, "character": 11}, "end": {"line": 1, "character": 12}},
        "severity": 2,
        "code": "QEM999",
        "source": "qemppl",
        "message": "odd",
        "relatedInformation": [
            {
                "location": {
                    "uri": Path("m.qem").absolute().as_uri(),
                    "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 6}},
                },
                "message": "declared here",
            }
        ],
        "data": {"where": None, "notes": ["first\nsecond"], "fix": "mend it"},
    }


@pytest.mark.parametrize("offset", range(len(TEXT) + 1))
def test_positions_count_utf_16_code_units_of_the_line(offset: int) -> None:
    start = lsp_diagnostic(Diagnostic("QEM999", Severity.NOTE, "", Span(SOURCE, offset, offset)))["range"]["start"]
    lines = TEXT[:offset].split("\n")
    assert (start["line"], start["character"]) == (len(lines) - 1, sum(2 if c > "\uffff" else 1 for c in lines[-1]))


def test_a_mistake_in_the_data_stands_at_the_declaration() -> None:
    labels = (Label(span("real a"), "declared here"),)
    lsp = lsp_diagnostic(Diagnostic("QEM999", Severity.ERROR, "odd", None, "data.json: y[3]", labels))
    assert lsp["range"] == lsp["relatedInformation"][0]["location"]["range"]
    assert lsp["data"]["where"] == "data.json: y[3]"
    nowhere = lsp_diagnostic(Diagnostic("QEM999", Severity.ERROR, "odd", None, "data.json"))
    assert nowhere["range"] == {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}


def test_one_object_of_all_in_source_order() -> None:
    last, first = (Diagnostic("QEM999", s, "", span(p)) for p, s in (("b", Severity.ERROR), ("a", Severity.NOTE)))
    found = lsp_object("m.qem", [last, first])
    assert json.loads(json.dumps(found)) == found
    assert [d["severity"] for d in found["diagnostics"]] == [3, 1]


def test_addresses(tmp_path: Path) -> None:
    assert uri(str(tmp_path / "a b.qem")) == (tmp_path / "a b.qem").as_uri()
    assert uri("<stdin>") == "untitled:stdin"
