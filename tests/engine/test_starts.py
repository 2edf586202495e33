"""Fits from several starts: what they find, which is reported, and what is said where they disagree.

The evidence of the parabola y ~ normal(x^2, 1) is found by quadrature. Seeds are fixed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from qemppl.cli.main import run
from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.driver import Settings, compile_model
from qemppl.result.file import load
from qemppl.result.fit import FitResult

PRIOR_MEAN = 1.0
"""Of the parabola: off 0, so that a wide start soon settles on the mode at +5, which has 3/4 of the posterior."""


def fit(model: str, seed: int = 1, **settings: Any) -> FitResult:
    return compile_model(text=f"data {{ plate o; real y[o]; }} model {{ {model} }}").fit(
        {"y": [25.0]}, seed=seed, **settings
    )


def parabola(seed: int, **settings: Any) -> FitResult:
    return fit(f"real mu ~ normal({PRIOR_MEAN}, 3); plate o {{ y ~ normal(mu^2, 1); }}", seed, **settings)


def line(seed: int, **settings: Any) -> FitResult:
    return fit("real mu ~ normal(0, 30); plate o { y ~ normal(mu, 1); }", seed, **settings)


def mass(low: float, high: float) -> float:
    """The evidence of the parabola from `low` to `high`."""

    def joint(mu: float) -> float:
        return float(stats.norm.pdf(mu, PRIOR_MEAN, 3) * stats.norm.pdf(25, mu**2, 1))

    return float(integrate.quad(joint, low, high, points=(-5, 5), limit=200)[0])


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_mode_that_one_start_misses_is_found_by_another_and_said(seed: int) -> None:
    whole = mass(-20, 20)
    assert mass(0, 20) / whole == pytest.approx(0.75, abs=0.02)
    assert not parabola(seed).warnings  # alone, a start cannot know
    found = parabola(seed, starts=4)
    (warning,) = found.warnings
    assert warning.code == "QEM907"
    for words in ("mean of mu is", "posterior sd apart", "is agreement"):
        assert words in warning.message
    text = "\n".join(warning.notes)
    assert all(f"start {number}: log evidence -" in text for number in range(1, 5))
    assert "several modes" in text
    assert warning.hint
    assert found.estimate("mu").mean == pytest.approx(5, abs=0.1)
    modes = {round(start.log_evidence, 2) for start in found.starts}
    assert modes == {round(float(np.log(mass(0, 20))), 2), round(float(np.log(mass(-20, 0))), 2)}
    assert [start.reported for start in found.starts].count(True) == 1


@pytest.mark.parametrize("seed", range(1, 6))
def test_starts_that_agree_are_not_warned_of(seed: int) -> None:
    found = line(seed, starts=4)
    assert not found.warnings
    assert len(found.starts) == 4
    exact = stats.norm.logpdf(25, 0, np.hypot(30, 1))
    assert [start.log_evidence for start in found.starts] == pytest.approx([exact] * 4, abs=0.01)


def test_the_first_of_several_starts_is_that_of_a_single_one() -> None:
    alone, several = line(1), line(1, starts=2)
    assert several.starts[0].iterations == alone.iterations
    assert several.starts[0].stop_reason == alone.stop_reason
    assert alone.starts == ()


def test_the_same_seed_gives_the_same_fit() -> None:
    first, again = (line(3, starts=3) for _ in range(2))
    assert (first.draws("mu") == again.draws("mu")).all()
    assert first.starts == again.starts


def two_clusters() -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.concatenate([rng.normal(-3, 1, 30), rng.normal(3, 1, 30)])


def test_labels_that_are_swapped_disagree() -> None:
    """Two components that the model does not tell apart, and enumerated memberships."""
    text = (
        "data { plate o; real y[o]; } model { real a ~ normal(0, 3); real b ~ normal(0, 3); plate o {"
        " int<lower=0, upper=1> z ~ bernoulli(0.5); y ~ normal(z == 1 ? a : b, 1); } }"
    )
    found = compile_model(text=text).fit({"y": two_clusters()}, seed=1, starts=4)
    assert "QEM907" in {warning.code for warning in found.warnings}


def test_switched_labels_of_a_vector_are_named() -> None:
    """The wide start has both orders, the narrow ones have one each."""
    text = (
        "data { plate o; real y[o]; } model { vector[2] mu ~ normal(0, 5); plate o {"
        " int<lower=1, upper=2> z ~ categorical(rep_vector(0.5, 2)); y ~ normal(mu[z], 1); } }"
    )
    found = compile_model(text=text).fit({"y": two_clusters()}, seed=1, starts=4)
    (warning,) = (warning for warning in found.warnings if warning.code == "QEM907")
    assert warning.notes[-1].startswith("labels are switched: the components of `mu`")
    assert "ordered" in (warning.hint or "")


def test_a_start_where_the_data_are_impossible_is_left_out() -> None:
    """mu is within 1 of the datum and its prior is a hundred times as wide: narrow starts hardly ever see it."""
    found = fit("real mu ~ normal(0, 30); plate o { y ~ uniform(mu, mu + 1); }", starts=4)
    lost = [start for start in found.starts if start.log_evidence == -np.inf]
    assert lost
    assert all("`y`[1] has probability 0" in start.stop_reason for start in lost)
    assert found.estimate("mu").mean == pytest.approx(24.5, abs=0.02)
    assert not found.warnings


def test_no_start_that_leads_anywhere_is_an_error() -> None:
    with pytest.raises(DiagnosticsError, match="QEM802"):
        fit("real mu ~ normal(0, 1); plate o { y ~ uniform(mu, mu + 1); }", starts=3)


def test_latents_that_are_all_summed_over_have_nowhere_to_start() -> None:
    found = fit("plate o { int<lower=0, upper=1> z ~ bernoulli(0.5); y ~ normal(z == 1 ? 25 : 26, 1); }", starts=2)
    assert not found.warnings
    assert found.estimate("z").mean == pytest.approx([1 / (1 + np.exp(-0.5))])


def test_starts_are_saved(tmp_path: Path) -> None:
    found = parabola(1, starts=2, draws=50)
    found.save(tmp_path / "fit.nc")
    assert load(tmp_path / "fit.nc").starts == found.starts
    assert found.provenance.settings["starts"] == 2


def test_what_does_not_go_with_starts_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="starts"):
        Settings(starts=0)
    with pytest.raises(ValueError, match="plain"):
        Settings(starts=2, method="plain")
    with pytest.raises(ValueError, match="several starts cannot be resumed"):
        line(1, starts=2, resume=tmp_path / "checkpoint")
    folder = Path(__file__).parents[2] / "examples" / "eight_schools"
    files = [str(folder / "model.qem"), str(folder / "data.json")]
    assert run(["fit", *files, "--starts", "2", "--resume", str(tmp_path / "checkpoint")]) == 2
    assert "several starts cannot be resumed; leave out --resume" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
