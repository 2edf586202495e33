from __future__ import annotations

import math
from pathlib import Path

import qemppl


def test_a_deterministic_name_with_one_draw_has_no_spread(tmp_path: Path) -> None:
    path = tmp_path / "model.qem"
    path.write_text("model { real mu ~ normal(0, 1); real twice = 2 * mu; }")
    fit = qemppl.compile_model(path).fit({}, seed=1, particles=16, draws=1)
    row = fit.summary()["twice"]
    assert row.mean == 2 * fit.draws("mu")[0]
    assert math.isnan(row.sd)
    assert math.isnan(row.mcse)
