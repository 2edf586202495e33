from __future__ import annotations

import re
from pathlib import Path

import qemppl.data
from qemppl.data.catalogue import CODES

FOLDER = Path(qemppl.data.__file__).parent
CODE = re.compile(r'"(QEM\d{3})"')


def codes_in(paths: list[Path]) -> set[str]:
    return {code for path in paths for code in CODE.findall(path.read_text(encoding="utf-8"))}


def test_every_code_in_use_is_explained_and_every_explained_code_is_in_use() -> None:
    assert codes_in([p for p in FOLDER.glob("*.py") if p.name != "catalogue.py"]) == CODES.keys()


def test_every_code_is_tested() -> None:
    tests = [p for p in Path(__file__).parent.glob("test_*.py") if p != Path(__file__)]
    assert CODES.keys() - codes_in(tests) == set()
