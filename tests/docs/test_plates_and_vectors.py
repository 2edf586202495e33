"""The comparison that opens the reference of the language: the same density written with a plate, and with a vector."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from qemppl.driver import compile_model
from qemppl.result.fit import FitResult
from tests.docs.blocks import blocks

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "language.md"
FILES = {block.file: block.text for block in blocks(PAGE) if block.file}
ROWS = {
    name: (float(mean), float(sd), rest)
    for name, mean, sd, rest in re.findall(
        r"^\| (truth|plate|vector) \| ([\d.]+) \| ([\d.]+) \| (.*)\|$", PAGE.read_text(), re.M
    )
}


def fit(name: str) -> FitResult:
    return compile_model(text=FILES[f"{name}.qem"]).fit(json.loads(FILES["schools.json"]), seed=1)


def test_the_truth_is_that_of_the_reference() -> None:
    tau = json.loads((ROOT / "examples" / "eight_schools" / "reference.json").read_text())["tau"]
    assert ROWS["truth"][:2] == (round(tau["mean"], 2), round(tau["sd"], 2))


@pytest.mark.parametrize("name", ["plate", "vector"])
def test_the_row_of_a_model(name: str) -> None:
    result = fit(name)
    row, (mean, sd, warnings) = result.summary()["tau"], ROWS[name]
    error = 0.02 if name == "plate" else 0.2  # degenerate weights repeat themselves less well
    assert row.mean == pytest.approx(mean, rel=error)
    assert row.sd == pytest.approx(sd, rel=error)
    assert [warning.code for warning in result.warnings] == re.findall(r"QEM\d+", warnings)
