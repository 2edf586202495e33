"""The published experiments: that a posterior is judged rightly, and that the page shows what was measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from benchmarks.paper import report
from benchmarks.paper.__main__ import PATH
from benchmarks.paper.curves import trace
from benchmarks.paper.experiments import HERE, PLAIN, QEM, Experiment, Setting
from benchmarks.paper.judge import Judge
from benchmarks.performance.report import markdown
from qemppl.diagnostics.source import Source
from qemppl.lang.format.format import format_source

MODEL = """
data { plate site; real y[site]; }
model { real m ~ normal(0, 2); plate site { y ~ normal(m, 1); } }
"""
Y = {"train": [0.3, 1.9, 0.8], "test": [1.4, -0.2]}


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], Experiment]:
    """One normal mean, with a reference that is some sd off."""
    path = tmp_path / "model.qem"
    path.write_text(MODEL, encoding="utf-8")
    precision = 1 / 4 + 3
    mean, sd = sum(Y["train"]) / precision, precision**-0.5

    def make(off: float) -> Experiment:
        reference = {"m": {"mean": mean + off * sd, "sd": sd}}
        monkeypatch.setattr(Experiment, "reference", lambda _: reference)
        return Experiment("normal", path, lambda part: {"y": Y[part]}, 60, "normal")

    return make


@pytest.mark.parametrize("setting", [QEM, PLAIN, Setting("rws", 0.1), Setting("vi", 0.1)], ids=lambda s: s.name)
def test_a_fitted_posterior_predicts_as_the_exact_one_does(experiment, setting: Setting) -> None:
    """log p(test | train) in closed form. Of 1,024 draws with K = 30, an sd below 0.03 nats."""
    curve = trace(experiment(0.0), setting, 60, iterations=60)
    worth = Judge.of(experiment(0.0)).worth(curve, curve.kept[-1][1])
    both, train = (
        multivariate_normal(np.zeros(len(y)), np.eye(len(y)) + 4).logpdf(y)
        for y in (Y["train"] + Y["test"], Y["train"])
    )
    assert worth.predictive == pytest.approx(both - train, abs=0.15)
    assert worth.error < 0.05
    assert Judge.of(experiment(3.0)).worth(curve, curve.kept[-1][1]).error == pytest.approx(9, abs=1.5)


def curve(setting: str, elbo: float, experiment: str = "bus breakdown") -> dict[str, Any]:
    points = [(i, 0.1 * i + 0.1, elbo - 100 * 0.5**i) for i in range(40)]
    looks = [{"seconds": s, "predictive": -433.0, "error": 0.04} for s in (1.0, 4.0)]
    return {"experiment": experiment, "setting": setting, "iterations": 40, "points": points, "looks": looks}


RESULTS = {
    "curves": [
        curve("qem", -404.0),
        curve("vi 0.1", -450.0),
        curve("vi 0.03", -440.0),
        curve("vi 0.1, our groups", -445.0),
        {"experiment": "bus breakdown", "setting": "rws 0.1", "failed": "no"},
    ],
    "times": [
        {"experiment": "bus breakdown", "method": "plain", "particles": 3, "seconds": 0.0123},
        {"experiment": "bus breakdown", "method": "plain", "particles": 10, "failed": "no"},
        {"experiment": "bus breakdown", "method": "qem", "seconds": 0.05},
    ],
    "rescaled": [
        {"setting": "qem", "elbo": [[-500.0, -404.0], [-500.0, -404.0 + 1e-9]]},
        {"setting": "vi 0.03", "elbo": [[-500.0, -440.0], [-500.0, -470.0]]},
    ],
}


def test_the_best_rate_of_each_grouping_is_shown() -> None:
    _, rows = report.ends(RESULTS)
    assert rows == [
        ("bus breakdown", "qem", "40", "4", "-404.0", "-433.0", "0.200"),
        ("bus breakdown", "vi 0.03", "40", "4", "-440.0", "-433.0", "0.200"),
        ("bus breakdown", "vi 0.1, our groups", "40", "4", "-445.0", "-433.0", "0.200"),
    ]


def test_evidence_by_time_times_and_parameterisations() -> None:
    _, rows = report.bus(RESULTS)
    assert rows[0] == ("qem", "-479.0", "-429.0", "-404.8", "-404.0", "-404.0", "-404.0")
    assert report.times(RESULTS)[1] == [
        ("bus breakdown", "plain", "12.3", "", "", ""),
        ("bus breakdown", "qem", "", "", "", "50"),
    ]
    assert [row[-1] for row in report.rescaled(RESULTS)[1]] == ["1.0e-09", "30.0"]


def test_the_page_shows_what_was_measured() -> None:
    page, results = report.PAGE.read_text(encoding="utf-8"), json.loads(PATH.read_text(encoding="utf-8"))
    for name, table in report.TABLES.items():
        assert f"<!-- table: {name} -->\n\n{markdown(*table(results))}\n\n<!-- end -->" in page


@pytest.mark.parametrize("path", sorted((HERE / "models").glob("*.qem")), ids=lambda path: path.stem)
def test_models_are_in_canonical_layout(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_source(Source(path.name, text)) == text
