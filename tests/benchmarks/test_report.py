from __future__ import annotations

import json
import re
from pathlib import Path

from benchmarks.performance import report, results
from benchmarks.performance.report import Measurements, filled, markdown

FIT = {
    "seconds": 2.0,
    "error": 0.012,
    "warnings": [],
    "iterations": 30,
    "replicates": 100,
    "peak_bytes": 300 << 20,
}
RESULTS = [
    {"case": "radon", "engine": "fit", **FIT},
    {"case": "radon", "engine": "nuts", "seconds": 30.0, "error": 0.04, "peak_bytes": 500 << 20},
    {"case": "radon", "engine": "svi_mean_field", "seconds": 9.0, "error": 0.31},
    {"case": "radon", "engine": "svi_full_rank", "seconds": 60.0, "stopped": True},
    {"case": "radon", "engine": "iteration", "seconds": 0.01},
    {"case": "radon", "engine": "plain", "seconds": 0.5},
    {"case": "radon", "engine": "kernel", "seconds": 0.004},
    {"case": "wide", "engine": "fit", **FIT, "warnings": ["QEM904"], "error": 0.08},
    {"case": "wide", "engine": "nuts", "seconds": 42.0, "stopped": True},
    {"case": "wide", "engine": "plain", "failed": "out of memory"},
]


def test_seconds_to_accuracy_say_what_is_only_a_bound() -> None:
    _, rows = report.accuracy(Measurements(RESULTS))
    assert rows[0] == ("radon", "2", "0.012", "30", "15", "0.31 sd off after 9", "> 60")
    assert rows[1] == ("wide", "2", "0.080 (QEM904)", "> 42", "> 21", "-", "-")


def test_iterations_are_compared_where_both_were_measured() -> None:
    _, rows = report.iterations(Measurements(RESULTS))
    assert rows[0] == ("radon", "10", "500", "50", "4", "2.5")
    assert rows[1] == ("wide", "", "", "", "", "")


def test_groups_are_read_from_the_linear_cases() -> None:
    measured = {"case": "linear 1,000 x 10,000", "engine": "iteration", "seconds": 0.004}
    _, rows = report.groups(Measurements([measured]))
    assert rows[0] == ("1,000", "4", "")


def test_a_page_gets_its_tables() -> None:
    page = "before\n<!-- table: iterations -->\nold\n<!-- end -->\nafter\n<!-- machine -->\nold\n<!-- end -->\n"
    machine = {"date": "2026-01-01", "cpu": "a chip", "threads": 2, "torch": "2.13.0"}
    new = filled(page, Measurements(RESULTS), machine)
    assert "old" not in new
    assert markdown(*report.iterations(Measurements(RESULTS))) in new
    assert "a chip, 2 cores; torch 2.13.0." in new
    assert filled(new, Measurements(RESULTS), machine) == new


def test_the_page_shows_what_is_stored() -> None:
    measured, machine = results.load()
    page = report.PAGE.read_text(encoding="utf-8")
    assert filled(page, Measurements(measured), machine) == page
    assert len(re.findall("<!-- table: ", page)) == len(report.TABLES)


def test_results_are_read_as_they_were_written(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(results, "PATH", tmp_path / "results.json")
    results.store(RESULTS, {"date": "2026-01-01"})
    assert results.load() == (json.loads(json.dumps(RESULTS)), {"date": "2026-01-01"})
