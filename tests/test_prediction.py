"""Predictions: their law against closed forms, each random test with a false alarm in less than 10,000 seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import qemppl
from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.driver import compile_model
from qemppl.result.fit import Array, FitResult
from tests.engine.test_chain_draws import NESTED, RISK, assert_probabilities, assert_standard_normal
from tests.predicting import fit_of

COUNT = 4000

LEVELS = """
data { plate store; chain week in store by s; missing real sales[week]; }
model {
  real rho ~ normal(0, 1);
  real<lower=0> q ~ normal(0, 1);
  plate store { chain week { real level ~ normal(rho * prev(level), q) init normal(0, 1); sales ~ normal(level, 0.3); } }
}
"""
STORES = {"s": ["B", "A", "A", "C", "B", "B"], "sales": [1, 2, 3, None, 5, 6]}
LAST = {"A": 2, "B": 5, "C": 3}
"""The row of each store's last step."""


def levels_fit() -> FitResult:
    """Joint draws that vary, and depend on each other."""
    rng = np.random.default_rng(1)
    rho, q = rng.uniform(0.5, 0.9, COUNT), rng.uniform(0.5, 1, COUNT)
    return fit_of(LEVELS, STORES, {"rho": rho, "q": q, "level": rng.normal(size=(COUNT, 6)) + 5 * rho[:, None]})


def standardised(fit: FitResult, level: Array, store: str, ahead: int) -> Array:
    """Given a joint draw, a level h steps ahead is normal: mean rho^h x, variance q^2 (1 - rho^2h) / (1 - rho^2)."""
    rho, q, x = fit.draws("rho"), fit.draws("q"), fit.draws("level")[:, LAST[store]]
    z: Array = (level - rho**ahead * x) / (q * np.sqrt((1 - rho ** (2 * ahead)) / (1 - rho**2)))
    return z


def test_further_steps_of_every_chain_have_their_law() -> None:
    fit = levels_fit()
    predictions = fit.predict(steps=3, seed=1)
    week = predictions.plate("week")
    assert [*zip(week.labels, (fit.plate("store").labels[i] for i in week.parent), strict=True)] == [
        (f"{store},+{ahead}", store) for store in fit.plate("store").labels for ahead in (1, 2, 3)
    ]
    level, sales = predictions.draws("level"), predictions.draws("sales")
    for column, label in enumerate(week.labels):
        store, ahead = label.split(",")
        assert_standard_normal(standardised(fit, level[:, column], store, int(ahead)), 9)
    assert stats.kstest((sales - level).ravel() / 0.3, "norm").pvalue > RISK


def test_new_data_continue_the_chains_that_they_name_in_any_order() -> None:
    fit = levels_fit()
    predictions = fit.predict({"s": ["C", "B", "C"], "sales": [None, None, None]}, seed=2)
    assert [predictions.plate("store").labels[i] for i in predictions.plate("week").parent] == ["C", "B", "C"]
    level = predictions.draws("level")
    for column, (store, ahead) in enumerate([("C", 1), ("B", 1), ("C", 2)]):
        assert_standard_normal(standardised(fit, level[:, column], store, ahead), 3)


def test_a_table_continues_chains_too(tmp_path: Path) -> None:
    """No random test: with the same seed the same numbers."""
    (tmp_path / "new.csv").write_text("s,sales\nC,\nB,\nC,\n")
    given = {"s": ["C", "B", "C"], "sales": [None, None, None]}
    from_table, from_lists = (levels_fit().predict(new, seed=2) for new in (tmp_path / "new.csv", given))
    np.testing.assert_array_equal(from_table.draws("sales"), from_lists.draws("sales"))


def test_seen_outcomes_are_drawn_anew_and_missing_ones_too() -> None:
    fit = levels_fit()
    predictions = fit.predict(seed=3)
    assert [estimate.name for estimate in predictions.estimates] == ["sales"]
    z = (predictions.draws("sales") - fit.draws("level")) / 0.3
    assert stats.kstest(z.ravel(), "norm").pvalue > RISK


def test_states_of_a_markov_chain_go_on_from_the_last_one() -> None:
    text = """
    data { dim K = 2; chain t; matrix[K, K] A; real y[t]; }
    model {
      chain t { int<lower=1, upper=K> z ~ categorical(A[prev(z)]') init categorical(A[1]'); y ~ normal(10 * z, 1); }
    }
    """
    a = np.array([[0.9, 0.1], [0.4, 0.6]])
    z = np.repeat([[1, 2, 2], [2, 2, 1]], COUNT, 0).astype(float)
    fit = fit_of(text, {"A": a.tolist(), "y": [0, 0, 0]}, {"z": z})
    predictions = fit.predict(steps=2, seed=4)
    assert predictions.plate("t").labels == ("4", "5")
    for step in range(2):
        for state, rows in ((2, slice(COUNT)), (1, slice(COUNT, None))):
            expected = np.linalg.matrix_power(a, step + 1)[state - 1]
            assert_probabilities(predictions.draws("z")[rows, step], expected, 4)
    assert (np.abs(predictions.draws("y") - 10 * predictions.draws("z")) < 6).all()  # 16,000 normals: 3e-5


EXACT = """
data { plate g; chain t in g; real u[t]; real c[g]; int<lower=0> n[t]; real y[t]; }
transformed data {
  real m = mean(u over t);
  plate g { chain t { real v = u - m; } }
}
model {
  real b ~ normal(0, 1);
  plate g {
    real a ~ normal(c, 1);
    chain t {
      real x ~ normal(prev(x) + a + v, 1e-6) init normal(c, 1e-6);
      real eta = x + b;
      y ~ normal(eta, 1e-6);
      n ~ binomial(7, inv_logit(1000 * x));
    }
  }
}
"""


def test_covariates_and_transformed_data_are_those_of_the_whole_chain() -> None:
    """With almost no noise the outcomes are known; the bound is 100 standard deviations. The mean of `u` is that of the fit."""
    data = {"u": [[1, 2], [6]], "c": [0, 0], "n": [[0, 0], [0]], "y": [[0, 0], [0]]}
    rng = np.random.default_rng(2)
    draws = {"b": rng.normal(size=9), "a": rng.normal(size=(9, 2)), "x": rng.normal(size=(9, 3))}
    fit = fit_of(EXACT, data, draws)
    predictions = fit.predict({"u": [[4], [5, 6]]}, seed=5)
    b, a, x = draws["b"], draws["a"], draws["x"]
    first, second = x[:, 1] + a[:, 0] + 1, x[:, 2] + a[:, 1] + 2
    expected = np.stack([first, second, second + a[:, 1] + 3], 1) + b[:, None]
    np.testing.assert_allclose(predictions.draws("y"), expected, atol=1e-3)
    np.testing.assert_array_equal(predictions.draws("n"), np.where(expected > b[:, None], 7, 0))
    assert predictions.plate("t").labels == ("1,3", "2,2", "2,3")


def test_a_lag_in_the_law_of_a_later_step_reaches_into_the_data_of_the_fit() -> None:
    text = """
    data { chain t; int<lower=0,upper=1> is_first[t]; real w[t]; real y[t]; }
    model {
      chain t {
        real push = is_first == 1 ? 0 : lag(w, 1);
        real x ~ normal(prev(x) + push, 1e-6) init normal(0, 1e-6);
        y ~ normal(x, 1e-6);
      }
    }
    """
    fit = fit_of(text, {"is_first": [1, 0, 0], "w": [1, 2, 3], "y": [0, 0, 0]}, {"x": np.full((5, 3), 4.0)})
    new = {"is_first": [0, 0], "w": [10, 20]}
    np.testing.assert_allclose(fit.predict(new, seed=6).draws("y"), np.tile([7.0, 17.0], (5, 1)), atol=1e-3)
    assert "QEM760" in refusal(fit, {"is_first": [0, 0, 0], "w": [10, None, 20]})


def test_what_lies_inside_a_chain_is_new_at_its_new_steps() -> None:
    """With almost no noise all is known; the bound is 100 standard deviations."""
    draws = {"x": np.tile([0.0, 10.0], (3, 1)), "a": np.zeros((3, 2)), "w": np.zeros((3, 2))}
    fit = fit_of(NESTED, {"y": [[0], [0]], "p": [[0], [0]]}, draws)
    predictions = fit.predict({"y": [[None, None], [None]], "p": [[None], [None, None]]}, seed=7)
    np.testing.assert_allclose(predictions.draws("x")[0], [11, 12], atol=1e-3)
    np.testing.assert_allclose(predictions.draws("p")[0], [33, 36, 36], atol=1e-3)
    np.testing.assert_allclose(predictions.draws("y")[0], [12 + 11, 24 + 11, 13 + 12], atol=1e-3)
    assert predictions.plate("week").labels == ("3,1", "3,2", "4,1")
    assert "QEM763" in refusal(fit, steps=2)


def refusal(fit: FitResult, new: object = None, **options: int) -> str:
    """What a prediction that must fail says."""
    with pytest.raises(DiagnosticsError) as caught:
        fit.predict(new, **options)
    return "; ".join(f"{d.code}: {d.message} / {d.hint}" for d in caught.value.diagnostics)


def test_what_cannot_be_predicted_is_refused_in_words() -> None:
    fit = levels_fit()
    assert refusal(fit, {"s": ["D", "A"], "sales": [None, None]}) == (
        'QEM761: 1 member of plate `store` is not in the fit: "D" / '
        "leave the rows out, or fit again with rows of these members whose outcomes are missing"
    )
    labelled = {"s": ["A", "B"], "week": ["x", "y"], "sales": [1, 2]}
    draws = {"rho": np.ones(2), "q": np.ones(2), "level": np.ones((2, 2))}
    known = {**labelled, "sales": [None, None]}
    assert refusal(fit_of(LEVELS, labelled, draws), known).startswith(
        'QEM762: the fit has these steps of `week` already: "x", "y" / '
    )
    assert refusal(fit, {"week": []}).startswith("QEM701")
    assert refusal(fit, {"sails": [None]}).startswith("QEM764: the new data have no rows to predict")
    with pytest.raises(ValueError, match="not both"):
        fit.predict({"s": ["A"]}, steps=1)
    with pytest.raises(ValueError, match="steps is a whole number of at least 1"):
        fit.predict(steps=0)
    assert refusal(fit, steps=1, memory=1000).startswith("QEM505: 4000 draws of 12 numbers")


def test_covariates_of_later_steps_are_asked_for_where_they_stand() -> None:
    text = """
    data { chain t; real u[t]; real y[t]; }
    transformed data { chain t { real z = u - mean(u over t); } }
    model { real b ~ normal(0, 1); chain t { y ~ normal(b * LAW, 1); } }
    """
    data, draws = {"u": [1, 2], "y": [3, 4]}, {"b": np.zeros(2)}

    def said(law: str, new: object = None, **options: int) -> str:
        fit = fit_of(text.replace("LAW", law), data, draws)
        return refusal(fit, new, **options)

    assert (
        said("u", steps=1) == "QEM760: `u` is not known for the new members of `t` / predict from new data that have it"
    )
    assert said("z", {"u": [1]}).startswith("QEM760: `z` is not known for the new members of `t` / compute what stands")
    no_steps = text.replace("chain t", "plate t").replace("LAW", "u")
    assert refusal(fit_of(no_steps, data, draws), steps=1).startswith("QEM763: the model has no chain")


def test_a_prediction_that_is_no_number_is_an_error_at_its_statement() -> None:
    text = "data { dim K; plate g; int i[g]; real y[g]; } model { vector[K] b ~ normal(0, 1); plate g { y ~ normal(b[i], 1); } }"
    fit = fit_of(text, {"K": 2, "i": [1, 2], "y": [3, 4]}, {"b": np.zeros((2, 2))})
    assert fit.predict({"i": [2, 1]}, seed=1).draws("y").shape == (2, 2)
    assert refusal(fit, {"i": [1, 3]}).startswith("QEM765: `y` is not a finite number in 2 of 4 predictions")


def test_an_autoregression_on_data_goes_one_step_on() -> None:
    text = """
    data { chain t; int<lower=0,upper=1> is_first[t]; real y[t]; }
    transformed data { chain t { real before = is_first == 1 ? 0 : lag(y, 1); } }
    model { real b ~ normal(0, 1); chain t { y ~ normal(b * before, 1e-6); } }
    """
    fit = fit_of(text, {"is_first": [1, 0], "y": [3, 4]}, {"b": np.array([1.0, 2.0])})
    np.testing.assert_allclose(fit.predict({"is_first": [0]}, seed=8).draws("y"), [[4], [8]], atol=1e-3)
    assert "the model computes with an outcome" in refusal(fit, {"is_first": [0, 0]})


RADON = """
data { plate county; plate house in county by c; real floor[house]; real y[house]; }
model {
  real b ~ normal(0, 1);
  plate county { real a ~ normal(0, 1); plate house { real eta = a + b * floor; y ~ normal(eta, 1e-6); } }
}
"""


def test_new_rows_of_groups_that_the_fit_has_seen() -> None:
    """With almost no noise the outcomes are known; the bound is 100 standard deviations."""
    data = {"c": ["x", "y", "x"], "floor": [0, 1, 1], "y": [1, 2, 3]}
    rng = np.random.default_rng(3)
    draws = {"b": rng.normal(size=7), "a": rng.normal(size=(7, 2)), "eta": rng.normal(size=(7, 3))}
    fit = fit_of(RADON, data, draws)
    predictions = fit.predict({"c": ["y", "x"], "floor": [2, 3]}, seed=9)
    expected = draws["a"][:, [1, 0]] + draws["b"][:, None] * [2, 3]
    np.testing.assert_allclose(predictions.draws("y"), expected, atol=1e-3)
    assert [estimate.name for estimate in predictions.estimates] == ["eta", "y"]
    assert "QEM761" in refusal(fit, {"c": ["z"], "floor": [2]})
    numbered = fit_of(RADON, {**data, "c": [1, 2, 1]}, draws)
    np.testing.assert_array_equal(
        numbered.predict({"c": [2, 1], "floor": [2, 3]}, seed=9).draws("y"), predictions.draws("y")
    )


@pytest.mark.parametrize("is_list", [False, True])
def test_rows_name_the_group_that_they_belong_to_and_nothing_around_it(is_list: bool) -> None:
    """With almost no noise the outcomes are known; the bound is 100 standard deviations."""
    text = """
    data { plate region; plate district in region by r; plate house in district BY; real y[house]; }
    model { plate region { real a ~ normal(0, 1); plate district { real b ~ normal(a, 1); plate house { y ~ normal(a + b, 1e-6); } } } }
    """
    homes: dict[str, object] = {"y": [[1], [2], [3]]} if is_list else {"d": [1, 2, 3], "y": [1, 2, 3]}
    rng = np.random.default_rng(4)
    draws = {"a": rng.normal(size=(7, 2)), "b": rng.normal(size=(7, 3))}
    fit = fit_of(text.replace("BY", "" if is_list else "by d"), {"r": [2, 1, 2], **homes}, draws)
    new = {"y": [[], [], [None, None]]} if is_list else {"d": [3, 3], "y": [None, None]}
    predictions = fit.predict(new, seed=1)
    np.testing.assert_allclose(
        predictions.draws("y"), np.tile((draws["a"][:, 1] + draws["b"][:, 2])[:, None], 2), atol=1e-3
    )
    tree = predictions.to_datatree()["predictions"]
    assert tree["house_district"].values.tolist() == ["3", "3"]
    assert tree["house_region"].values.tolist() == ["2", "2"]


def test_a_file_has_the_labels_of_the_steps(tmp_path: Path) -> None:
    predictions = levels_fit().predict(steps=2, seed=10, draws=100)
    predictions.save(tmp_path / "p.nc")
    with xr.open_datatree(tmp_path / "p.nc", engine="h5netcdf") as tree:
        sales = tree["predictions"]["sales"]
        assert sales.dims == ("chain", "draw", "week")
        assert sales.sizes["draw"] == 100
        assert sales["week"].values.tolist() == ["B,+1", "B,+2", "A,+1", "A,+2", "C,+1", "C,+2"]
        assert sales["week_store"].values.tolist() == ["B", "B", "A", "A", "C", "C"]
        np.testing.assert_array_equal(sales.values[0], predictions.draws("sales"))


def test_a_saved_fit_predicts_the_same(tmp_path: Path) -> None:
    levels_fit().save(tmp_path / "fit.nc")
    again = qemppl.load(tmp_path / "fit.nc").predict(steps=2, seed=11)
    np.testing.assert_array_equal(again.draws("sales"), levels_fit().predict(steps=2, seed=11).draws("sales"))


def test_predictions_of_a_fitted_mean_have_their_law() -> None:
    """y ~ normal(mu, 2), mu ~ normal(0, 3): the predictive law is normal. Beside the draws' own error stands that of the fit's mean and
    sd: up to 0.02 and 0.03 posterior sd."""
    text = (
        "data { plate g; real x[g]; real y[g]; } model { real mu ~ normal(0, 3); plate g { y ~ normal(mu * x, 2); } }"
    )
    y = np.array([1.0, 2.5, 0.5, 4.0])
    fit = compile_model(text=text).fit({"x": np.ones(4), "y": y}, seed=1, settings=None, draws=COUNT)
    precision = 1 / 9 + 4 / 4
    mean, sd = y.sum() / 4 / precision, np.sqrt(1 / precision)
    (drawn,) = fit.predict({"x": [2.0]}, seed=12).draws("y").T
    spread = np.sqrt(4 * sd**2 + 4)
    limit = stats.norm.isf(RISK / 4)
    assert abs(drawn.mean() - 2 * mean) < limit * spread / np.sqrt(COUNT) + 0.02 * 2 * sd
    assert abs(drawn.std() / spread - 1) < limit / np.sqrt(2 * COUNT) + 0.03


def test_a_fitted_chain_goes_on_as_the_kalman_filter_says() -> None:
    """x_t = 0.8 x_(t-1) + 0.5 e, y = x + 0.4 e: the law of y three steps ahead is normal. Beside the draws' own error stands that of the
    fit: up to 0.02 and 0.03 sd."""
    text = """
    data { chain t; real y[t]; }
    model { chain t { real x ~ normal(0.8 * prev(x), 0.5) init normal(0, 1); y ~ normal(x, 0.4); } }
    """
    y = [0.3, 1.0, 0.2, -0.5, -1.2, -0.4, 0.6, 1.4]
    mean, variance = 0.0, 1.0
    for value in y:
        gain = variance / (variance + 0.16)
        mean, variance = mean + gain * (value - mean), (1 - gain) * variance
        mean, variance = 0.8 * mean, 0.64 * variance + 0.25
    fit = compile_model(text=text).fit({"y": y}, seed=1, draws=COUNT)
    drawn = fit.predict(steps=3, seed=13).draws("y")
    limit = stats.norm.isf(RISK / 12)
    for step in range(3):
        sd = np.sqrt(variance + 0.16)
        assert abs(drawn[:, step].mean() - mean) < sd * (limit / np.sqrt(COUNT) + 0.02)
        assert abs(drawn[:, step].std() / sd - 1) < limit / np.sqrt(2 * COUNT) + 0.03
        mean, variance = 0.8 * mean, 0.64 * variance + 0.25
