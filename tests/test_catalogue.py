"""Every code that the package writes is explained once, in the catalogue of its floor, and reached by a test."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

import qemppl
from qemppl.diagnostics.diagnostic import Entry
from qemppl.lang.syntax.syntax_errors import load_syntax_errors

PACKAGE = Path(qemppl.__file__).parent
TESTS = Path(__file__).parent
CODE = re.compile(r"\bQEM\d{3}\b")
FLOORS = sorted(path.parent.name for path in PACKAGE.glob("*/catalogue.py"))


def catalogue(floor: str) -> dict[str, Entry]:
    entries: dict[str, Entry] = importlib.import_module(f"qemppl.{floor}.catalogue").CATALOGUE
    return entries


def codes_in(*paths: Path) -> set[str]:
    return {code for path in paths for code in CODE.findall(path.read_text(encoding="utf-8"))}


def test_codes_are_listed_exactly_once_and_all_in_use() -> None:
    listings = PACKAGE / "diagnostics"
    sources = [p for p in PACKAGE.rglob("*.py") if p.name != "catalogue.py" and listings not in p.parents]
    used = codes_in(*sources) | {entry["code"] for entry in load_syntax_errors().values()}
    assert Counter(code for floor in FLOORS for code in catalogue(floor)) == Counter(used)


@pytest.mark.parametrize("floor", FLOORS)
def test_entries_are_explained_in_order(floor: str) -> None:
    entries = catalogue(floor)
    assert list(entries) == sorted(entries)
    for entry in entries.values():
        assert entry.title
        assert not entry.title.endswith(".")
        assert entry.explanation.endswith(".")


@pytest.mark.parametrize("floor", FLOORS)
def test_every_code_is_reached_by_a_test(floor: str) -> None:
    reached = codes_in(*TESTS.rglob("*.py"), *TESTS.rglob("*.expected"))
    assert catalogue(floor).keys() - reached == set()
