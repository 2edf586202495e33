from __future__ import annotations

from pathlib import Path

import pytest

from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Stage
from qemppl.diagnostics.source import Source
from qemppl.lang.frontend import compile_text, read_source
from qemppl.lang.syntax.parse import parse
from qemppl.lang.syntax.read import MAX_BYTES, read_bytes


def refusal(path: Path) -> Diagnostic:
    with pytest.raises(DiagnosticsError) as caught:
        read_source(path)
    assert caught.value.stage is Stage.MODEL
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def test_byte_order_mark_line_endings_and_tabs_leave_columns_right(tmp_path: Path) -> None:
    path = tmp_path / "m.qem"
    path.write_bytes(b"\xef\xbb\xbfdata { real y; }\r\nmodel {\r\n\ty ~ normal(mu, 1);\r\n}\r\n")
    source = read_source(path)
    (diagnostic,) = compile_text(source).diagnostics
    assert diagnostic.span is not None
    assert (diagnostic.span.line, diagnostic.span.column, diagnostic.span.text) == (3, 13, "mu")


def test_lone_carriage_returns_end_lines(tmp_path: Path) -> None:
    path = tmp_path / "m.qem"
    path.write_bytes(b"// a comment\rmodel { real a; }")
    (diagnostic,) = compile_text(read_source(path)).diagnostics
    assert (diagnostic.code, diagnostic.span and diagnostic.span.line) == ("QEM209", 2)


@pytest.mark.parametrize(
    ("content", "code", "part"),
    [
        (b"model { }\0", "QEM130", "byte 9"),
        (b"model { } // \xff\xfe", "QEM131", "byte 13"),
        (b"// " + b"x" * MAX_BYTES, "QEM132", "m.qem"),
    ],
)
def test_files_that_are_no_model_text(tmp_path: Path, content: bytes, code: str, part: str) -> None:
    path = tmp_path / "m.qem"
    path.write_bytes(content)
    diagnostic = refusal(path)
    assert diagnostic.code == code
    assert part in (diagnostic.where or "")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.qem").code == "QEM133"
    assert "folder" in refusal(tmp_path).message


def test_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.qem"
    path.write_bytes(b"model { }" + b" " * (MAX_BYTES - 9))
    assert compile_text(read_source(path)).model is not None


def test_a_file_of_a_hundred_megabytes_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "m.qem"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    assert refusal(path).code == "QEM132"
    assert len(read_bytes(path)) == MAX_BYTES + 1


@pytest.mark.parametrize(
    "text", ["model { r\u0435al mu ~ f(1); }", "model { real mu \u223c f(1); }", "model { real mu ~ f(1)\uff1b }"]
)
def test_look_alikes_are_named_by_code_point(text: str) -> None:
    (character,) = (c for c in text if not c.isascii())
    (diagnostic,) = parse(Source("m.qem", text)).diagnostics
    assert diagnostic.code == "QEM110"
    assert f"U+{ord(character):04X}" in diagnostic.message
