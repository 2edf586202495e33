"""Transformed data: values by member, and results that are not finite numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qemppl.diagnostics.diagnostic import Severity
from qemppl.ir.model import Expr, ModelIR, ValueType
from tests.data.binding import (
    Transformed,
    bound,
    call,
    constant,
    error,
    errors,
    gather,
    integer,
    lag,
    latent,
    model,
    observe,
    over,
    plate,
    real,
    ref,
    remarks,
    transformed,
)


def houses(*more: Transformed) -> ModelIR:
    return model(plate("county"), plate("house", "county", by="idx"), real("y", "house"), *more)


Y = ref("y", "house")


def test_names_are_computed_in_order_and_by_member() -> None:
    mean = transformed("m", over("mean", Y, "house", "county"))
    centred = transformed("z", call("subtract", Y, ref("m", "county"), on="house"))
    b = bound(houses(mean, centred), idx=[2, 1, 2], y=[1, 5, 4])
    np.testing.assert_array_equal(b.arrays["m"], [5, 2.5])
    np.testing.assert_array_equal(b.arrays["z"], [0, -1.5, 1.5])


def test_whole_numbers_stay_whole() -> None:
    left = call("subtract", ref("n", "i", "int"), ref("k", "i", "int"), on="i")
    whole = replace(left, type=ValueType("int", (), "i"))
    b = bound(model(plate("i"), integer("n", "i"), integer("k", "i"), transformed("left", whole)), n=[5, 6], k=[1, 2])
    assert b.arrays["left"].dtype == np.int64
    assert b.arrays["left"].tolist() == [4, 4]


def test_a_number_of_the_root_has_no_axis() -> None:
    b = bound(houses(transformed("m", over("max", Y, "house"))), idx=[1, 1], y=[1, 3])
    assert b.arrays["m"].shape == ()
    assert b.arrays["m"] == 3


def test_a_result_that_is_not_a_number_names_the_member_and_the_cause() -> None:
    sd = transformed("s", over("sd", Y, "house", "county"))
    wrong = error(houses(sd), county=["Kent", "Essex"], idx=["Kent", "Kent", "Essex"], y=[1, 2, 3])
    assert (wrong.code, wrong.where) == ("QEM750", "data")
    assert wrong.message == 's is not a number for county "Essex"'
    assert wrong.hint == "`sd` needs two members of house at least"
    assert wrong.span is not None
    assert wrong.span.text == "sd(y over house)"


def test_an_infinite_result_is_an_error_only_where_it_is_used() -> None:
    logarithm = transformed("z", call("log", Y, on="house"))
    (warning,) = remarks(houses(logarithm), idx=[1, 1], y=[1, 0])
    assert (warning.code, warning.severity) == ("QEM751", Severity.WARNING)
    assert warning.where == "data: y[2]"
    used = transformed("zz", call("exp", ref("z", "house"), on="house"))
    assert error(houses(logarithm, used), idx=[1, 1], y=[1, 0]).code == "QEM751"


def test_what_depends_on_a_fault_is_not_looked_at() -> None:
    logarithm = transformed("z", call("log", Y, on="house"))
    used = transformed("zz", call("log", ref("z", "house"), on="house"))
    assert error(houses(logarithm, used), idx=[1, 1], y=[1, -1]).code == "QEM750"


def test_an_observed_result_is_an_outcome() -> None:
    shifted = transformed("z", call("subtract", ref("k", "i", "int"), constant(2), on="i"))
    ir = model(plate("i"), integer("k", "i"), shifted, observe("z", "i", "poisson_log", latent("a")))
    impossible = error(ir, i=["a", "b"], k=[3, 1])
    assert impossible.code == "QEM741"
    assert impossible.message == 'z for i "b" is -1, but poisson_log yields a whole number of at least 0'


def test_indices_are_checked_before_they_are_used() -> None:
    picked = transformed("z", gather(ref("v", event=(2,)), ref("ii", "i", "int")))
    ir = model(plate("i"), integer("ii", "i"), real("v", None, 2), picked)
    assert bound(ir, ii=[2, 1], v=[10, 20]).arrays["z"].tolist() == [20, 10]
    assert error(ir, ii=[2, 3], v=[10, 20]).code == "QEM730"


def chains(value: Expr, *more: Transformed) -> ModelIR:
    y = ref("y", "week")
    change = transformed("d", call("subtract", y, lag(y, 1, "week"), on="week"))
    law = observe("d", "week", "normal", latent("a"), constant(1))
    return model(plate("store"), plate("week", "store"), real("y", "week"), change, law, transformed("e", value), *more)


def test_before_the_first_step_of_a_chain_a_value_is_missing() -> None:
    doubled = call("multiply", ref("d", "week"), constant(2), on="week")
    b = bound(chains(doubled), y=[[1, 2, 4], [5]])
    np.testing.assert_array_equal(b.arrays["d"], [np.nan, 1, 2, np.nan])
    np.testing.assert_array_equal(b.arrays["e"], [np.nan, 2, 4, np.nan])


def test_a_value_missing_before_the_first_step_is_no_predictor() -> None:
    total = over("sum", ref("d", "week"), "week", "store")
    assert {d.code for d in errors(chains(total), y=[[1, 2], [5, 6]])} == {"QEM750"}
    y = ref("y", "week")
    ir = model(
        plate("week"),
        real("y", "week"),
        transformed("p", lag(y, 1, "week")),
        observe("y", "week", "normal", ref("p", "week"), constant(1)),
    )
    first = error(ir, y=[1, 2, 3])
    assert (first.code, first.message) == ("QEM743", "`p` is missing for week 1, but the model computes with it")


def test_a_condition_fills_in_the_first_step() -> None:
    before = lag(ref("y", "week"), 1, "week")
    is_first = call("equal", ref("step", "week"), constant(1), on="week")
    filled = transformed("p", call("select", is_first, constant(0), before, on="week"))
    law = observe("y", "week", "normal", ref("p", "week"), constant(1))
    b = bound(model(plate("week"), real("y", "week"), real("step", "week"), filled, law), y=[1, 2, 3], step=[1, 2, 3])
    assert b.arrays["p"].tolist() == [0, 1, 2]
