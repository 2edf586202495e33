"""The documentation tells the truth: its examples run, in order, one folder a page."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qemppl.diagnostics.diagnostic import Severity
from qemppl.diagnostics.source import Source
from qemppl.lang.frontend import compile_text
from tests.docs.blocks import Block, blocks, commands, is_shown

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
OF_MISTAKES = ("diagnostics.md", "mistakes.md")
"""Pages whose models are wrong on purpose."""
LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]*))?\)")


def environment(folder: Path) -> dict[str, str]:
    """Where `qemppl` is the one under test, whether or not it is installed."""
    tools = folder / "tools"
    tools.mkdir()
    script = tools / "qemppl"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m qemppl "$@"\n')
    script.chmod(0o755)
    path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}


def run(block: Block, work: Path, variables: dict[str, str]) -> None:
    """Does what a block says: writes its file, or runs it and compares what it prints."""
    if block.file is not None:
        (work / block.file).write_text(block.text, encoding="utf-8")
    scripts: list[tuple[list[str], list[str] | None]] = []
    match block.language:
        case "sh":
            scripts = [(["bash", "-euo", "pipefail", "-c", block.text], None)]
        case "python":
            scripts = [([sys.executable, "-c", block.text], None)]
        case "console":
            scripts = [(["bash", "-c", command], shown) for command, shown in commands(block.text)]
    for command, shown in scripts:
        done = subprocess.run(
            command, cwd=work, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if shown is None:
            assert done.returncode == 0, f"{command[-1]}\n{done.stdout}"
        else:
            assert is_shown(shown, done.stdout.splitlines()), f"{command[-1]}\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_runs(page: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "examples").symlink_to(ROOT / "examples")
    (work / "editors").symlink_to(ROOT / "editors")
    variables = environment(tmp_path)
    for block in blocks(page):
        run(block, work, variables)


MODELS = [
    pytest.param(block.text, id=f"{page.name}-{number}")
    for page in PAGES
    if page.name not in OF_MISTAKES
    for number, block in enumerate((b for b in blocks(page) if b.language == "qem"), 1)
]


@pytest.mark.parametrize("text", MODELS)
def test_every_model_is_right(text: str) -> None:
    checked = compile_text(Source("page.qem", text))
    assert [(d.code, d.message) for d in checked.diagnostics if d.severity is not Severity.NOTE] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_data_can_be_read(page: Path) -> None:
    for block in blocks(page):
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "csv":
            assert len({len(row) for row in csv.reader(block.text.splitlines())}) == 1


def anchors(page: Path) -> set[str]:
    """The names of the headings, as they stand in a link."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"
