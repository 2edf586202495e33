from __future__ import annotations

import numpy as np
import pytest

from qemppl.driver import Settings, compile_model

TEXT = "data { plate o; real y[o]; } model { real mu ~ normal(0, 1); plate o { y ~ normal(mu, 1); } }"


@pytest.mark.parametrize(
    "bad", [{"draws": 0}, {"particles": 0}, {"max_iterations": -1}, {"tolerance": 0.0}, {"memory": 0}]
)
def test_settings_that_mean_nothing_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Settings(**bad)


def test_a_numpy_integer_is_a_seed_and_a_fraction_is_not() -> None:
    model, data = compile_model(text=TEXT), {"y": [0.5]}
    first, same = (model.fit(data, seed=seed, draws=50) for seed in (np.int64(3), 3))
    assert first.log_evidence == same.log_evidence
    with pytest.raises(ValueError, match="whole number"):
        model.fit(data, seed=1.5)  # type: ignore[arg-type]


def test_what_the_data_check_noticed_is_kept_with_the_fit() -> None:
    fit = compile_model(text=TEXT).fit({"y": [0.5], "z": [1.0]}, seed=1, draws=50)
    assert any("z" in warning.message for warning in fit.warnings)
