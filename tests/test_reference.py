"""Public benchmark posteriors at default settings, one seed each; `make reference` has five."""

from __future__ import annotations

import pytest

from benchmarks.posteriors import MODELS, POSTERIORS, SHARED, Posterior
from benchmarks.reference_table import agreement
from qemppl.driver import compile_model


def named(posterior: Posterior) -> str:
    return posterior.name


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are absent")
@pytest.mark.parametrize("posterior", POSTERIORS, ids=named)
def test_agrees_with_a_long_run_or_warns(posterior: Posterior) -> None:
    found = agreement(posterior, seed=1)
    assert found.numbers >= 1
    assert found.is_close or found.warnings, found


@pytest.mark.parametrize("posterior", POSTERIORS, ids=named)
def test_the_model_has_no_mistakes(posterior: Posterior) -> None:
    assert compile_model(MODELS / f"{posterior.name}.qem").warnings == ()


def test_every_model_has_its_data() -> None:
    assert sorted(path.stem for path in MODELS.glob("*.qem")) == sorted(map(named, POSTERIORS))
