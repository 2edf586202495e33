"""The documentation tells the truth: its examples run, in order, one folder a page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qemppl.diagnostics.source import Source
from qemppl.distributions.registry import LAWS
from qemppl.families.registry import FAMILY_NAMES
from qemppl.ir.functions import CALLABLE
from qemppl.lang.frontend import compile_text

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def environment(folder: Path) -> dict[str, str]:
    """Where `qemppl` is the one under test, whether or not it is installed."""
    tools = folder / "tools"
    tools.mkdir()
    script = tools / "qemppl"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m qemppl "$@"\n')
    script.chmod(0o755)
    path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_runs(page: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "examples").symlink_to(ROOT / "examples")
    variables = environment(tmp_path)
    for language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        command = ["bash", "-euo", "pipefail", "-c", text] if language == "sh" else [sys.executable, "-c", text]
        done = subprocess.run(command, cwd=work, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_page_of_the_language_names_every_law_function_and_family() -> None:
    page = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    signatures = [f"{law.name}({', '.join(a.name for a in law.arguments)})" for law in LAWS.values()]
    assert [name for name in [*signatures, *CALLABLE, *FAMILY_NAMES] if f"`{name}`" not in page] == []


def test_the_example_of_the_language_is_a_right_model() -> None:
    page = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    text = page.split("```")[1].lstrip("\n")
    assert compile_text(Source("page.qem", text)).diagnostics == ()
