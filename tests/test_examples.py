"""Every example, fitted with default settings, against the long NUTS run of its reference.json."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qemppl.driver import compile_model
from qemppl.result.fit import FitResult

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/model.qem"))
FEW_GROUPS = {("eight_schools", "tau"), ("surgical", "sigma"), ("melanoma", "s_nation")}
"""Scales of fewer than 15 groups: the posterior has a heavy tail, so twice the error is allowed."""


def fit(name: str, seed: int) -> FitResult:
    folder = EXAMPLES / name
    return compile_model(folder / "model.qem").fit(folder / "data.json", seed=seed)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_the_reference(name: str, seed: int) -> None:
    reference = json.loads((EXAMPLES / name / "reference.json").read_text())
    result = fit(name, seed)
    rows = {row.name: row for row in result.summary()}
    assert set(rows) == set(reference)
    for key, expected in reference.items():
        slack = 2 if (name, key) in FEW_GROUPS else 1
        assert abs(rows[key].mean - expected["mean"]) <= 0.05 * slack * expected["sd"], key
        assert abs(rows[key].sd / expected["sd"] - 1) <= 0.05 * slack, key
    assert not result.warnings
    assert np.isfinite(result.log_evidence or np.nan)


def test_every_example_is_complete() -> None:
    assert len(NAMES) == 6
    for name in NAMES:
        files = {path.name for path in (EXAMPLES / name).iterdir()}
        assert {"model.qem", "data.json", "reference.json", "README.md", "posterior.png"} <= files
