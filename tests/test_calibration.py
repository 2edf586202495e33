"""Simulation-based calibration: exact posteriors pass, wrong ones do not, and the engine's pass.

Level 1 - 1e-5: right posteriors break a band in one of 100,000 seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qemppl.calibration import Fit
from qemppl.data.bound import BoundModel
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity
from qemppl.driver import compile_model
from qemppl.result.calibration import Calibration
from qemppl.result.fit import Array, FitResult, PlateAxis
from tests.result.fits import estimate, plain_fit

LEVEL = 1 - 1e-5
DRAWS = 99
MODEL = compile_model(
    text="""
    data { plate g; plate obs in g by g_of; real y[obs]; }
    model { plate g { real a ~ normal(1, 2); plate obs { y ~ normal(a, 1); } } }
    """
)
GROUP = np.array([3, 1, 2, 1, 3, 3, 2])
DATA = {"g_of": GROUP, "y": np.zeros(7)}
Wrong = Callable[[Array, np.random.Generator], Array]
"""Draws, (draw, g), made wrong."""


def exact(wrong: Wrong) -> Fit:
    """Draws from the posterior of MODEL in closed form, and what becomes of them. The log-likelihood is that of the draws as given."""

    def fit(bound: BoundModel, seed: int) -> FitResult:
        generator = np.random.default_rng(seed)
        y, group = bound.arrays["y"], bound.members["obs"].parent
        assert group is not None
        variance = 1 / (1 / 4 + np.bincount(group))
        mean = variance * (1 / 4 + np.bincount(group, y))
        a = wrong(mean + np.sqrt(variance) * generator.normal(size=(DRAWS, 3)), generator)
        log_likelihood = (-0.5 * (y - a[:, group]) ** 2 - 0.5 * np.log(2 * np.pi)).sum(1)
        plates = (PlateAxis("g", ("1", "2", "3")), PlateAxis("obs", tuple("1234567"), "g", group))
        found = plain_fit(replace(estimate("a", "g", (3,), 1), draws=a), plates=plates)
        return replace(found, lp=log_likelihood - 1.0, log_prior=np.full(DRAWS, -1.0))

    return fit


def calibrated(fit: Fit, simulations: int, monkeypatch: pytest.MonkeyPatch, seed: int = 1) -> Calibration:
    """Of MODEL, with another fit than the engine's."""
    monkeypatch.setattr("qemppl.driver.fit_bound", lambda bound, _, start, __: fit(bound, start.seed))
    return MODEL.calibrate(DATA, simulations=simulations, level=LEVEL, seed=seed)


def test_exact_posteriors_are_calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    found = calibrated(exact(lambda a, _: a), 300, monkeypatch)
    assert [row.name for row in found.summary()] == ["a[1]", "a[2]", "a[3]", "mean(a over g)", "log likelihood"]
    assert all(row.holds for row in found.summary())
    assert found.warnings == ()
    assert [row.alpha for row in found.summary()] == pytest.approx([1e-5 / 9] * 3 + [1e-5 / 3] * 2)
    np.testing.assert_allclose([row.mean for row in found.summary()], 0.5, atol=5 * (12 * 300) ** -0.5)
    assert found.ranks.shape == (300, 5)
    assert (found.ranks.min(), found.ranks.max()) == (0, DRAWS)


@pytest.mark.parametrize(
    ("wrong", "broken", "words"),
    [
        (lambda a, _: a - 0.6, "a", "above the draws"),
        (lambda a, _: a + 0.6, "a", "below the draws"),
        (lambda a, _: a.mean(0) + 0.4 * (a - a.mean(0)), "a", "too narrow"),
        (lambda a, _: a.mean(0) + 2.5 * (a - a.mean(0)), "a", "too wide"),
        (lambda a, _: a[:, [1, 0, 2]], "a", "too narrow"),
        (lambda a, _: np.sort(a, 0), "mean(a over g)", "too wide"),
        (lambda a, g: g.normal(1, 2, size=a.shape), "log likelihood", "above the draws"),
    ],
    ids=["low", "high", "narrow", "wide", "exchanged", "dependent", "prior"],
)
def test_wrong_posteriors_break_a_band(wrong: Wrong, broken: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws of the prior have uniform ranks themselves: only the log-likelihood tells. Draws whose members are sorted together have the
    right margins: only functions of several members tell."""
    found = calibrated(exact(wrong), 150, monkeypatch)
    warnings = {warning.message.split("`")[1].split("[")[0]: warning for warning in found.warnings}
    assert all(warning.code == "QEM961" for warning in found.warnings)
    assert words in warnings[broken].notes[0]
    elements = all(row.holds for row in found.summary() if row.variable == "a")
    assert elements == (broken != "a")


# The engine.

NESTED = """
data { plate g; plate obs in g by g_of; real y[obs]; }
model {
  real mu ~ normal(0, 2); real<lower=0> s ~ gamma(4, 4);
  plate g { real a ~ normal(mu, 1); plate obs { y ~ normal(a, s); } }
}
"""
MIXTURE = """
data { plate g; int<lower=0> n[g]; missing int<lower=0> y[g]; }
model {
  real<lower=0, upper=1> w ~ beta(2, 2); real p ~ normal(-1, 1);
  plate g { int<lower=0, upper=1> z ~ bernoulli(w); y ~ binomial_logit(n, p + 2 * z); }
}
"""
QUICK = {"tolerance": 0.1, "particles": 16}


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (NESTED, {"g_of": [2, 1, 2, 1, 3, 3, 2, 4], "y": [0.0] * 8}),
        (MIXTURE, {"n": [5, 8, 4, 10, 6], "y": [0, 0, 0, 0, None]}),
    ],
    ids=["nested", "mixture"],
)
def test_fits_are_calibrated(text: str, data: dict[str, object]) -> None:
    found = compile_model(text=text).calibrate(data, simulations=60, level=LEVEL, seed=2, **QUICK)
    assert not found.failed
    assert [row.name for row in found.summary() if not row.holds] == []


def test_a_poor_engine_is_not_calibrated() -> None:
    """QEM as published with two particles: the posterior narrows until nothing is left of it."""
    settings = {"method": "plain", "particles": 2, "max_iterations": 20}
    data = {"g_of": [2, 1, 2, 1], "y": [0.0] * 4}
    found = compile_model(text=NESTED).calibrate(data, simulations=50, level=LEVEL, seed=2, **settings)
    assert "QEM961" in {warning.code for warning in found.warnings}


# What is drawn, and what cannot be.

SMALL = compile_model(
    text="data { plate g; real y[g]; } model { real mu ~ normal(0, 1); plate g { y ~ normal(mu, 1); } }"
)
FAST = {"tolerance": 0.9, "particles": 8, "max_iterations": 5, "draws": 9}


def test_simulations_depend_on_the_seed_and_their_number_alone() -> None:
    few, more, other = (
        SMALL.calibrate({"y": [1, 2]}, simulations=count, seed=seed, **FAST) for count, seed in ((2, 7), (3, 7), (2, 8))
    )
    np.testing.assert_array_equal(few.ranks, more.ranks[:2])
    assert (few.ranks != other.ranks).any()
    assert few.draws == 9


def test_deterministic_names_are_ranked_and_generated_quantities_are_not() -> None:
    model = compile_model(
        text="data { plate g; real y[g]; } model { real mu ~ normal(0, 1); real t = -mu; plate g { y ~ normal(t, 1); } }"
        "generated quantities { real r ~ normal(mu, 1); }"
    )
    found = model.calibrate({"y": [1, 2]}, simulations=2, seed=1, **FAST)
    assert [quantity.name for quantity in found.quantities] == ["mu", "t", "log likelihood"]
    np.testing.assert_array_equal(found.ranks[:, 1], found.draws - found.ranks[:, 0])


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("data { real y; } model { real mu ~ flat(); y ~ normal(mu, 1); }", "QEM521", "real mu ~ flat()"),
        ("model { real mu ~ normal(0, 1); }", "QEM522", None),
        (
            "data { real y; int<lower=0, upper=1> c; } model { real m ~ normal(0, 1); y ~ normal(m, 1) right_censored(c); }",
            "QEM523",
            "y ~ normal(m, 1) right_censored(c)",
        ),
        (
            "data { real y; real z; } model { real m ~ normal(0, 1); y ~ normal(m, 1); z ~ normal(m + y, 1); }",
            "QEM523",
            "y ~ normal(m, 1)",
        ),
        (
            "data { real y; } transformed data { real t = 2 * y; } model { real m ~ normal(t, 1); y ~ normal(m, 1); }",
            "QEM523",
            "y ~ normal(m, 1)",
        ),
        (
            "data { vector[2] v; array[2] int<lower=0> k; } model { simplex[2] p ~ dirichlet(v); k ~ multinomial(p); }",
            "QEM523",
            "k ~ multinomial(p)",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said_at_its_place(text: str, code: str, place: str | None) -> None:
    data = {"y": 1.0, "z": 1.0, "c": 0, "k": [1, 2], "v": [1.0, 1.0]}
    model = compile_model(text=text)
    with pytest.raises(DiagnosticsError, match=code) as caught:
        model.calibrate({variable.name: data[variable.name] for variable in model.ir.data}, simulations=1, seed=1)
    (diagnostic,) = caught.value.diagnostics
    assert (None if diagnostic.span is None else diagnostic.span.text.rstrip(";")) == place


def test_data_that_cannot_be_fitted_are_counted() -> None:
    """exp(x) overflows where x is over 709: in one data set of four."""
    wide = compile_model(text="data { real y; } model { real x ~ normal(0, 1000); y ~ normal(exp(x), 1); }")
    found = wide.calibrate({"y": 1.0}, simulations=16, seed=1, **FAST)
    assert 0 < len(found.failed) < 16
    assert all(simulation.codes for simulation in found.failed)
    assert len(found.ranks) == 16 - len(found.failed)
    (failures,) = (warning for warning in found.warnings if warning.code == "QEM962")
    assert f"{len(found.failed)} of 16" in failures.message
    assert "QEM80" in failures.message


def test_where_every_fit_fails_the_first_error_is_that_of_the_calibration() -> None:
    wide = compile_model(text="data { real y; } model { real x ~ normal(2000, 1); y ~ normal(exp(x), 1); }")
    with pytest.raises(DiagnosticsError, match="QEM804"):
        wide.calibrate({"y": 1.0}, simulations=2, seed=1, **FAST)


def test_fits_that_warn_are_counted_and_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    warning, note = (Diagnostic("QEM904", s, "noisy") for s in (Severity.WARNING, Severity.NOTE))
    right = exact(lambda a, _: a)

    def fit(bound: BoundModel, seed: int) -> FitResult:
        return replace(right(bound, seed), warnings=(warning, warning) if seed % 3 == 0 else (note,))

    found = calibrated(fit, 30, monkeypatch)
    assert 0 < len(found.warned) < 30
    assert {simulation.codes for simulation in found.simulations} == {(), ("QEM904",)}
    rest = found.unwarned()
    assert len(rest.simulations) == 30 - len(found.warned)
    assert rest.warned == ()


@pytest.mark.parametrize("change", [{"simulations": 0}, {"level": 1.0}, {"level": 0.0}, {"seed": -1}])
def test_numbers_that_mean_nothing_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        SMALL.calibrate({"y": [1.0]}, **change)  # type: ignore[arg-type]


# Pictures.


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_picture_has_a_panel_for_each_name(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = calibrated(exact(lambda a, _: a), 20, monkeypatch)
    path = tmp_path / f"sbc.{kind}"
    figure = found.plot(path)
    assert [axes.get_title() for axes in figure.axes] == ["a, 3 numbers", "mean(a over g)", "log likelihood"]
    assert path.read_bytes().startswith({"png": b"\x89PNG", "svg": b"<?xml"}[kind])


def test_without_matplotlib_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = calibrated(exact(lambda a, _: a), 2, monkeypatch)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(DiagnosticsError, match="QEM871") as caught:
        found.plot()
    assert caught.value.diagnostics[0].hint == "pip install 'qemppl[plot]'"
