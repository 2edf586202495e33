from __future__ import annotations

import io

import pytest
from rich.console import Console

from qemppl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qemppl.diagnostics.render import in_source_order, print_diagnostics, render
from qemppl.diagnostics.source import Source, Span

MODEL = Source(
    "m.qem",
    """\
data { plate county; plate house in county; real y[house]; }
model {
  real mu ~ normal(0, 1);
  plate county {
    real a ~ normal(mu,
      1 +
      2 *
      3);
  }

  plate house { y ~ normal(a, 1); }
}
""",
)


def place(part: str, source: Source = MODEL, nth: int = 1) -> Span:
    start = -1
    for _ in range(nth):
        start = source.text.index(part, start + 1)
    return Span(source, start, start + len(part))


def wrong(span: Span | None, *labels: Label, **rest: object) -> Diagnostic:
    return Diagnostic("QEM999", Severity.ERROR, "wrong", span, labels=labels, **rest)  # type: ignore[arg-type]


def mark(text: str, part: str, **rest: object) -> Diagnostic:
    return wrong(place(part, Source("m.qem", text)), **rest)  # type: ignore[arg-type]


def picture(*spans: Span | Label) -> str:
    """The source lines of a diagnostic with carets below, without heading and summary."""
    primary, *labels = spans
    assert isinstance(primary, Span)
    text = render([wrong(primary, *(label for label in labels if isinstance(label, Label)))])
    return "\n".join(line.rstrip() for line in text.splitlines()[2:-2])


def printed(diagnostic: Diagnostic, **options: object) -> str:
    file = io.StringIO()
    print_diagnostics([diagnostic], Console(file=file, **options))  # type: ignore[arg-type]
    return file.getvalue()


def test_all_parts() -> None:
    text = "one\ntwo three\n\n\nfour\n"
    source = Source("m.qem", text)
    diagnostic = Diagnostic(
        "QEM999",
        Severity.WARNING,
        "odd",
        place("four", source),
        where="data.json: y[3]",
        labels=(Label(place("two", source), "declared here"),),
        notes=("first\n  second",),
        hint="mend it",
    )
    assert (
        render([diagnostic])
        == """\
warning[QEM999]: odd
 --> data.json: y[3]
 --> m.qem:5:1
  |
2 | two three
  | --- declared here
...
5 | four
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
        ("❤\ufe0f x", "x", 2, 1),
        ("\x1bab", "b", 2, 1),
        ("\u202eab", "b", 2, 1),
    ],
)
def test_carets_stand_below_what_is_shown(text: str, part: str, indent: int, width: int) -> None:
    lines = render([mark(text, part)]).splitlines()
    assert lines[4] == "  | " + " " * indent + "^" * width
    assert not set("\t\x1b\u202e") & set(lines[3])


def test_the_end_of_the_text_can_be_marked() -> None:
    source = Source("m.qem", "ab\n")
    assert "1 error" in render([wrong(Span(source, 3, 3))])
    assert "1 error" in render([wrong(Span(Source("e", ""), 0, 0))])
    assert render([wrong(Span(source, 2, 2))]).splitlines()[4] == "  |   ^"


def test_words_of_the_last_mark_stand_beside_it_and_those_of_others_hang_below() -> None:
    text = Source("m.qem", "plate g; plate h; plate g;")
    first, last = place("g", text), place("g", text, 2)
    assert picture(first, Label(last, "and here")).splitlines()[-1] == "  |       ^                 - and here"
    assert (
        picture(last, Label(first, "first here"), Label(place("h", text), "another"))
        == """\
  |
1 | plate g; plate h; plate g;
  |       -        -        ^
  |       |        |
  |       |        another
  |       first here"""
    )


def test_overlapping_marks_share_a_row() -> None:
    inside, around = place("mu", nth=2), place("normal(mu,")
    assert (
        picture(inside, Label(around, "the law"))
        == """\
  |
5 |     real a ~ normal(mu,
  |              -------^^-
  |              |
  |              the law"""
    )
    assert picture(around, Label(inside, "inside")).splitlines()[-3:] == [
        "  |              ^^^^^^^--^",
        "  |                     |",
        "  |                     inside",
    ]


def test_a_single_line_between_two_marks_is_shown_and_more_are_left_out() -> None:
    assert (
        picture(place("mu", nth=2), Label(place("mu"), "declared here"))
        == """\
  |
3 |   real mu ~ normal(0, 1);
  |        -- declared here
4 |   plate county {
5 |     real a ~ normal(mu,
  |                     ^^"""
    )
    assert (
        picture(place("a, 1").to(place("a")), Label(place("a, 1"), "x")).splitlines()[1].startswith(" 1 | data")
    )  # the gutter is as wide as the largest line number
    assert "\n...\n" in picture(place("y ~"), Label(place("y[house]"), "declared here"))


def test_a_mark_of_a_few_lines_is_drawn_below_each() -> None:
    assert (
        picture(place("1 +\n      2 *\n"), Label(place("real a"), "of this"))
        == """\
  |
5 |     real a ~ normal(mu,
  |     ------ of this
6 |       1 +
  |       ^^^
7 |       2 *
  |       ^^^"""
    )


def test_a_mark_of_many_lines_is_drawn_below_the_first_and_the_last() -> None:
    assert (
        picture(place("plate house {"), Label(place("plate county {").to(place("}\n\n")), "this plate"))
        == """\
   |
 4 |   plate county {
   |   --------------
...
 9 |   }
   |   - this plate
10 |
11 |   plate house { y ~ normal(a, 1); }
   |   ^^^^^^^^^^^^^"""
    )


def test_a_label_in_another_text_names_it() -> None:
    other = Source("other.qem", "real z;\n")
    lines = render([wrong(place("mu"), Label(place("z", other), "declared there"))]).splitlines()
    assert lines[1:] == [
        " --> m.qem:3:8",
        "  |",
        "3 |   real mu ~ normal(0, 1);",
        "  |        ^^",
        " ::: other.qem:1:6",
        "  |",
        "1 | real z;",
        "  |      - declared there",
        "",
        "1 error",
    ]


def test_data_are_named_before_the_declaration() -> None:
    diagnostic = wrong(None, Label(place("y[house]"), "declared here"), where="data.json: y[3]")
    assert render([diagnostic]).splitlines()[1:3] == [" --> data.json: y[3]", " ::: m.qem:1:50"]


def test_long_lines_are_cut_around_the_place() -> None:
    for text in ("a" * 5000 + " here " + "b" * 5000, "字" * 5000 + " here " + "\t" * 5000):
        lines = render([mark(text, "here")]).splitlines()
        shown = lines[3].replace("字", "字字").replace("字字", "..")  # two columns each
        assert shown[lines[4].index("^") :].startswith("here")
        assert len(shown) < 140


def test_a_mark_wider_than_the_page_ends_with_it() -> None:
    lines = render([mark("x" * 5000, "x" * 4000)]).splitlines()
    assert len(lines[3]) == len("1 | ") + 117
    assert lines[4].count("^") == 114


def test_marks_far_apart_on_a_long_line_are_shown_one_by_one() -> None:
    source = Source("m.qem", "first" + " " * 500 + "second" + " " * 40 + "third")
    labels = (Label(place(word, source), word) for word in ("first", "third"))
    lines = render([wrong(place("second", source), *labels)]).splitlines()[3:-2]
    assert [line.startswith("1 | ") for line in lines] == [True, False, True, False]
    assert lines[1].index("-") == lines[0].index("first")
    assert lines[3].index("^") == lines[2].index("second")
    assert lines[3].endswith("----- third")
    assert lines[3].index("-") == lines[2].index("third")


def test_words_cannot_steer_a_terminal() -> None:
    evil = "\x1b[31m\u202e"
    source = Source(f"m{evil}.qem", "real x;")
    text = render(
        [
            Diagnostic(
                "QEM999",
                Severity.ERROR,
                f"bad {evil}\nsecond line",
                place("x", source),
                f"data{evil}",
                (Label(place("real", source), evil),),
                (evil,),
                evil,
            )
        ]
    )
    assert not set(evil[0] + evil[-1]) & set(text)
    assert text.splitlines()[1] == "  second line"


def test_source_order_and_summary() -> None:
    text = "a b c"
    ordered = [mark(text, "c"), mark(text, "a"), Diagnostic("QEM998", Severity.WARNING, "general")]
    assert [d.code for d in in_source_order(ordered)] == ["QEM998", "QEM999", "QEM999"]
    assert render(ordered).endswith("2 errors, 1 warning\n")


def test_styles_only_add_to_the_plain_text() -> None:
    diagnostic = mark("real [bold]x = 1;", "[bold]x", notes=("see [red]",), hint="[link]")
    strip = "\n".join(line.rstrip() for line in printed(diagnostic, width=40).splitlines()) + "\n"
    assert strip == render([diagnostic])
    assert "\x1b[" in printed(diagnostic, force_terminal=True, width=40)


@pytest.mark.parametrize("columns", [10, 20, 40, 80, 200])
def test_source_lines_fit_the_terminal(columns: int) -> None:
    text = "x" * 300 + " here " + "y" * 300
    lines = printed(mark(text, "here"), force_terminal=True, color_system=None, width=columns).splitlines()
    assert len(lines[3]) <= max(columns, 20)
    assert lines[3][lines[4].index("^") :].startswith("here")


def test_carets_stay_in_place_where_the_output_lacks_a_letter() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    print_diagnostics([mark("é漢\u200bx y", "y")], Console(file=file))
    file.seek(0)
    lines = file.read().splitlines()
    assert lines[3:5] == ["1 | ????x y", "  |       ^"]
