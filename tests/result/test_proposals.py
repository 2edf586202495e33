"""Fitted proposals: kept exactly, and a start from which a second fit needs fewer iterations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.driver import Settings, compile_model
from qemppl.result.file import load
from qemppl.result.fit import FitResult
from tests.result.test_file import assert_same

QUICK = Settings(particles=32, draws=100, tolerance=0.5)
NESTED = """
data { plate s; plate h in s by at; real y[h]; }
model {
  real mu ~ normal(0, 100);
  real<lower=0> tau ~ cauchy(0, 5);
  plate s {
    real a ~ normal(mu, tau);
    plate h { real b ~ normal(a, 1); y ~ normal(b, 0.1); }
  }
}
"""
SCHOOLS = {"s": ["x", "y"], "at": ["x", "x", "y", "y", "y"], "y": [80.0, 81.5, 95.0, 96.0, 93.5]}
"""The posterior is far from the prior, so a fit from there takes time."""
MANY = """
data { dim d; plate g; vector[d] m; real y[g]; }
model { vector[d] beta ~ normal(0, 1); m ~ normal(beta, 0.1); plate g { real z ~ normal(beta[1], 1); y ~ normal(z, 0.2); } }
"""


def fit(text: str, data: dict[str, Any], **options: Any) -> FitResult:
    return compile_model(text=text).fit(data, seed=1, settings=QUICK, **options)


@pytest.fixture(scope="module")
def first() -> FitResult:
    return fit(NESTED, SCHOOLS)


def test_the_second_fit_takes_fewer_iterations_and_agrees(first: FitResult, tmp_path: Path) -> None:
    first.save(tmp_path / "fit.nc")
    second = fit(NESTED, SCHOOLS, init_from=tmp_path / "fit.nc")
    assert second.iterations < first.iterations
    assert second.trace.beta[0] > first.trace.beta[0]
    for name in ("mu", "a", "b"):
        one, two = first.estimate(name), second.estimate(name)
        # Two independent Monte Carlo errors; 5 sd fail once in a million.
        assert (abs(one.mean - two.mean) < 5 * np.hypot(one.mcse, two.mcse)).all(), name
    assert_same(load_again(second, tmp_path).groups, second.groups)
    assert first.provenance.settings["init_from"] is None
    assert len(str(second.provenance.settings["init_from"])) == 64
    again = fit(NESTED, SCHOOLS, init_from=first)
    assert again.provenance.settings["init_from"] == second.provenance.settings["init_from"]
    assert_same(again.estimates, second.estimates)


def load_again(result: FitResult, folder: Path) -> FitResult:
    result.save(folder / "again.nc")
    return load(folder / "again.nc")


def locations(result: FitResult, group: str) -> dict[str, float]:
    """The first mean parameter of every member, by its label and its parent's: for a normal its mean."""
    (report,) = (report for report in result.groups if report.name == group)
    assert report.plate is not None
    axis = result.plate(report.plate)
    above = [""] * len(axis.labels)
    if axis.parent is not None and axis.parent_plate is not None:
        above = [result.plate(axis.parent_plate).labels[i] for i in axis.parent]
    return dict(zip(map(str.__add__, above, axis.labels), report.mean_parameters[:, 0].tolist(), strict=True))


def test_members_stand_in_the_order_of_the_data_file() -> None:
    data = {"s": ["y", "x"], "at": ["x", "y", "x"], "y": [10.0, -20.0, 30.0]}
    result = fit(NESTED, data)
    (report,) = (report for report in result.groups if report.name == "b")
    np.testing.assert_allclose(report.mean_parameters[:, 0], [10, -20, 30], atol=0.5)


def test_members_are_matched_by_label() -> None:
    text = "data { plate g; real y[g]; } model { plate g { real z ~ normal(0, 1); y ~ normal(z, 0.1); } }"
    data = {"g": ["a", "b", "c"], "y": [-1.0, 0.5, 2.0]}
    turned = {"g": ["c", "a", "b"], "y": [2.0, -1.0, 0.5]}
    start = fit(text, data)
    one = fit(text, turned, init_from=start, max_iterations=1)
    assert one.trace.beta[0] == 1
    assert locations(one, "z") == pytest.approx(locations(start, "z"), abs=0.1)
    assert list(locations(one, "z")) == ["c", "a", "b"]


def test_coordinates_of_a_small_plate_in_the_global_group_are_matched_by_label() -> None:
    measured = np.linspace(-1, 1, 8).tolist()
    start = fit(MANY, {"d": 8, "g": ["a", "b"], "m": measured, "y": [-3.0, 3.0]})
    assert [report.latents for report in start.groups] == [("beta", "z")]
    np.testing.assert_allclose(start.groups[0].mean_parameters[0, 8:10], [-3, 3], atol=0.3)
    turned = {"d": 8, "g": ["b", "a"], "m": measured, "y": [3.0, -3.0]}
    one = fit(MANY, turned, init_from=start, max_iterations=1)
    assert one.trace.beta[0] == 1
    np.testing.assert_allclose(one.groups[0].mean_parameters[0, 8:10], [3, -3], atol=0.3)


def test_another_precision_may_continue(first: FitResult) -> None:
    second = fit(NESTED, SCHOOLS, init_from=first, dtype="float32")
    assert second.iterations < first.iterations


def test_laws_and_values_may_change(first: FitResult) -> None:
    text = NESTED.replace("cauchy(0, 5)", "gamma(2, 1)")
    assert (
        fit(text, {**SCHOOLS, "y": [81.0, 81.0, 94.0, 96.0, 95.0]}, init_from=first, max_iterations=2).iterations == 2
    )


@pytest.mark.parametrize(
    ("text", "data", "named"),
    [
        (NESTED, {**SCHOOLS, "s": ["x", "z"], "at": ["x", "x", "z", "z", "z"]}, "members of plate s only there: y"),
        (NESTED, {**SCHOOLS, "at": ["x", "x", "x", "y", "y"]}, "members of plate h only there: y,3"),
        (NESTED.replace("b ~ normal(a, 1)", "c ~ normal(a, 1)").replace("(b,", "(c,"), SCHOOLS, "group b is only in"),
        (
            NESTED.replace("real mu ~", "vector[2] mu ~").replace("(mu,", "(mu[1],"),
            SCHOOLS,
            "size of mu: 1 there, 2 here",
        ),
    ],
)
def test_a_fit_of_other_groups_is_refused_in_words(
    first: FitResult, text: str, data: dict[str, Any], named: str
) -> None:
    with pytest.raises(DiagnosticsError, match="QEM865") as caught:
        fit(text, data, init_from=first)
    assert caught.value.stage is Stage.USAGE
    (diagnostic,) = caught.value.diagnostics
    assert any(named in words for words in (diagnostic.message, *diagnostic.notes))


def test_every_difference_is_named() -> None:
    start = fit("data { real y; } model { real<lower=0> t ~ gamma(2, 1); y ~ normal(0, t); }", {"y": 1.0})
    heavy = "data { real y; } model { real<lower=0> t ~ cauchy(0, 1); y ~ normal(0, t); }"
    with pytest.raises(DiagnosticsError, match="family of group t: gamma there, lognormal here"):
        fit(heavy, {"y": 1.0}, init_from=start)
    other = "data { real y; } model { real m ~ normal(0, 1); real s ~ normal(0, 1); y ~ normal(m + s, 1); }"
    with pytest.raises(DiagnosticsError, match="QEM865") as caught:
        fit(other, {"y": 1.0}, init_from=start)
    assert caught.value.diagnostics[0].message.endswith("group t is only in the earlier fit")
    assert caught.value.diagnostics[0].notes == ("group m+s is not in the earlier fit",)


def test_a_file_that_is_no_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError, match="QEM855"):
        fit(NESTED, SCHOOLS, init_from=tmp_path / "absent.nc")
