from __future__ import annotations

import io

import pytest
from rich.console import Console

from qemppl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qemppl.diagnostics.render import in_source_order, print_diagnostics, render
from qemppl.diagnostics.source import Source, Span


def mark(text: str, part: str, **rest: object) -> Diagnostic:
    start = text.index(part)
    span = Span(Source("m.qem", text), start, start + len(part))
    return Diagnostic("QEM999", Severity.ERROR, "wrong", span, **rest)  # type: ignore[arg-type]


def test_all_parts() -> None:
    text = "one\ntwo three\n\nfour\n"
    source = Source("m.qem", text)
    diagnostic = Diagnostic(
        "QEM999",
        Severity.WARNING,
        "odd",
        Span(source, 15, 19),
        where="data.json: y[3]",
        labels=(Label(Span(source, 4, 7), "declared here"),),
        notes=("first\n  second",),
        hint="mend it",
    )
    assert (
        render([diagnostic])
        == """\
warning[QEM999]: odd
 --> data.json: y[3]
 --> m.qem:4:1
  |
2 | two three
  | --- declared here
...
4 | four
  | ^^^^
  = note: first
            second
  = fix: mend it

1 warning
"""
    )


def test_nothing_wrong_is_no_text() -> None:
    assert render([]) == ""


@pytest.mark.parametrize(
    ("text", "part", "indent", "width"),
    [
        ("\tx y", "y", 6, 1),
        ("a\tbb", "bb", 4, 2),
        ("漢字 x", "x", 5, 1),
        ("漢字 x", "字", 2, 2),
        ("e\u0301 x", "x", 2, 1),
        ("\x1bab", "b", 2, 1),
    ],
)
def test_carets_stand_below_what_is_shown(text: str, part: str, indent: int, width: int) -> None:
    lines = render([mark(text, part)]).splitlines()
    assert lines[4] == "  | " + " " * indent + "^" * width
    assert "\t" not in lines[3]
    assert "\x1b" not in lines[3]


def test_a_range_over_several_lines_is_marked_to_the_end_of_the_first() -> None:
    lines = render([mark("ab cd\nef", "cd\nef")]).splitlines()
    assert lines[4] == "  |    ^^"


def test_the_end_of_the_text_can_be_marked() -> None:
    source = Source("m.qem", "ab\n")
    assert "1 error" in render([Diagnostic("QEM999", Severity.ERROR, "wrong", Span(source, 3, 3))])
    assert "1 error" in render([Diagnostic("QEM999", Severity.ERROR, "wrong", Span(Source("e", ""), 0, 0))])


def test_long_lines_are_cut_around_the_place() -> None:
    text = "a" * 5000 + " here " + "b" * 5000
    lines = render([mark(text, "here")]).splitlines()
    column = lines[4].index("^")
    assert lines[3][column : column + 4] == "here"
    assert len(lines[3]) < 140


def test_source_order_and_summary() -> None:
    text = "a b c"
    ordered = [mark(text, "c"), mark(text, "a"), Diagnostic("QEM998", Severity.WARNING, "general")]
    assert [d.code for d in in_source_order(ordered)] == ["QEM998", "QEM999", "QEM999"]
    assert render(ordered).endswith("2 errors, 1 warning\n")


def test_styles_only_add_to_the_plain_text() -> None:
    diagnostic = mark("real [bold]x = 1;", "[bold]x", notes=("see [red]",), hint="[link]")
    plain, styled = io.StringIO(), io.StringIO()
    print_diagnostics([diagnostic], Console(file=plain, width=40))
    print_diagnostics([diagnostic], Console(file=styled, force_terminal=True, width=40))
    strip = "\n".join(line.rstrip() for line in plain.getvalue().splitlines()) + "\n"
    assert strip == render([diagnostic])
    assert "\x1b[" in styled.getvalue()
