"""qemppl format: what it prints, what it writes, how it exits."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qemppl.cli.main import run
from tests.cli.process import ROOT, child, command_line

UGLY = "model{real  mu~normal(0,1);// µ\n}"
PRETTY = "model {\n  real mu ~ normal(0, 1);  // µ\n}\n"


@pytest.fixture
def ugly(tmp_path: Path) -> Path:
    path = tmp_path / "ugly.qem"
    path.write_text(UGLY, encoding="utf-8")
    return path


@pytest.fixture
def pretty(tmp_path: Path) -> Path:
    path = tmp_path / "pretty.qem"
    path.write_text(PRETTY, encoding="utf-8")
    return path


def test_a_model_is_printed(ugly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["format", str(ugly)]) == 0
    assert capsys.readouterr().out == PRETTY
    assert ugly.read_text(encoding="utf-8") == UGLY


def test_check_names_what_would_change(ugly: Path, pretty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["format", "--check", str(ugly), str(pretty)]) == 1
    assert capsys.readouterr().out == f"would format {ugly}\n"
    assert run(["format", "--check", str(pretty)]) == 0
    assert capsys.readouterr().out == ""
    assert ugly.read_text(encoding="utf-8") == UGLY


def test_write_replaces_what_changes_and_nothing_else(
    ugly: Path, pretty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ugly.chmod(0o640)
    before = pretty.stat()
    assert run(["format", "--write", str(ugly), str(pretty)]) == 0
    assert capsys.readouterr().out == f"formatted {ugly}\n"
    assert ugly.read_bytes() == PRETTY.encode()
    assert ugly.stat().st_mode & 0o777 == 0o640
    after = pretty.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(os.listdir(ugly.parent)) == ["pretty.qem", "ugly.qem"]
    assert run(["format", "--write", str(ugly)]) == 0
    assert capsys.readouterr().out == ""


def test_write_through_a_link_keeps_the_link(ugly: Path) -> None:
    link = ugly.with_name("link.qem")
    link.symlink_to(ugly)
    assert run(["format", "--write", str(link)]) == 0
    assert link.is_symlink()
    assert ugly.read_text(encoding="utf-8") == PRETTY


def test_a_wrong_model_is_not_touched_and_the_others_are_formatted(
    ugly: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ugly.with_name("wrong.qem")
    wrong.write_text("model { real = ; real a }", encoding="utf-8")
    assert run(["format", "--write", str(wrong), str(ugly), str(ugly.with_name("none.qem"))]) == 3
    captured = capsys.readouterr()
    assert captured.out == f"formatted {ugly}\n"
    for code in ("QEM104", "QEM101", "QEM133"):
        assert code in captured.err
    assert wrong.read_text(encoding="utf-8") == "model { real = ; real a }"


def test_a_model_that_means_nothing_is_formatted_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "m.qem"
    path.write_text("model{y~norml(x);}", encoding="utf-8")
    assert run(["format", str(path)]) == 0


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + PRETTY.encode(), PRETTY.replace("\n", "\r\n").encode()])
def test_byte_order_mark_and_line_endings_are_a_change(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.qem"
    path.write_bytes(content)
    assert run(["format", "--check", str(path)]) == 1
    assert run(["format", "--write", str(path)]) == 0
    assert path.read_bytes() == PRETTY.encode()


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for text, code in ((UGLY, 0), ("model {", 3)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert run(["format", "-"]) == code
    captured = capsys.readouterr()
    assert captured.out == PRETTY
    assert "<stdin>:1:7" in captured.err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(UGLY.encode())))
    assert run(["format", "--check", "-"]) == 1
    assert capsys.readouterr().out == "would format <stdin>\n"


@pytest.mark.parametrize(
    "arguments", [["a.qem", "b.qem"], ["--write", "--check", "a.qem"], ["--write", "-"], ["--check"]]
)
def test_usage_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["format", *arguments]) == 2
    assert "Usage: qemppl format" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"model { }\0", "QEM130"), (b"model { } // \xff", "QEM131"), (b"model { real \xce\xbc ~ f(); }", "QEM110")],
)
def test_files_that_are_no_model_text(
    content: bytes, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.qem"
    path.write_bytes(content)
    assert run(["format", "--write", str(path)]) == 3
    assert code in capsys.readouterr().err
    assert path.read_bytes() == content


def test_a_file_of_a_hundred_megabytes_is_refused_unread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.qem"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    assert run(["format", str(path)]) == 3
    assert "QEM132" in capsys.readouterr().err


def test_the_output_is_utf_8_whatever_the_locale(ugly: Path) -> None:
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert child("format", ugly, variables=variables).stdout == PRETTY


def test_nothing_heavy_is_imported(ugly: Path) -> None:
    probe = (
        "import sys; from qemppl.cli.main import run; code = run(['format', sys.argv[1]]);"
        "sys.exit(str({'torch', 'numpy', 'pandas'} & sys.modules.keys()) if {'torch', 'numpy'} & sys.modules.keys() else code)"
    )
    done = subprocess.run([sys.executable, "-c", probe, ugly], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_full_disk_behind_stdout_is_said(ugly: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command_line("format", ugly), cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 5
    assert "QEM860" in done.stderr
