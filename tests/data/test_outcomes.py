"""Values against their bounds and forms, indices against vectors, outcomes and arguments against laws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qemppl.ir.model import Censoring, Form, Size
from tests.data.binding import (
    SCHOOLS,
    bound,
    call,
    constant,
    dim,
    error,
    errors,
    gather,
    integer,
    latent,
    model,
    observe,
    plate,
    real,
    ref,
    remarks,
    span,
)


def test_value_outside_a_constant_bound_names_the_member() -> None:
    ir = model(plate("s"), real("y", "s", lower=constant(0), upper=constant(1)))
    below, above = errors(ir, s=["a", "b", "c"], y=[-0.5, 1, 3])
    assert (below.code, below.where) == ("QEM740", "data: y[1]")
    assert below.message == 'y[1] (s "a") is -0.5, below its lower bound 0'
    assert above.message == 'y[3] (s "c") is 3, above its upper bound 1'


def test_bounds_may_be_computed_from_data_of_outer_plates() -> None:
    upper = call("add", ref("n", "a"), constant(1), on="a")
    ir = model(plate("a"), plate("b", "a", by="ia"), integer("n", "a"), integer("k", "b", upper=upper))
    above = error(ir, ia=[2, 1, 2, 1], n=[1, 5], k=[6, 2, 7, 2])
    assert above.message == "k[3] is 7, above its upper bound 6"


def test_bounds_of_an_index_column() -> None:
    upper = constant(2)
    ir = model(plate("a"), plate("b", "a", by="i"), real("x", "a"), integer("i", "b", upper=upper))
    assert error(ir, x=[1, 2, 3], i=[1, 3, 2]).message == "i[2] is 3, above its upper bound 2"


def test_bounds_of_vectors() -> None:
    ir = model(plate("i"), dim("P"), real("x", "i", "P", lower=ref("low", event=("P",))), real("low", None, "P"))
    assert error(ir, x=[[1, 2], [3, 4]], low=[1, 3]).where == "data: x[1,2]"


def test_bounds_by_the_size_of_a_plate_and_by_a_dim() -> None:
    ir = model(plate("i", size=3), dim("K", 2), integer("k", None, upper=ref("i")), integer("m", None, upper=ref("K")))
    assert [d.message for d in errors(ir, k=4, m=3)] == [
        "k is 4, above its upper bound 3",
        "m is 3, above its upper bound 2",
    ]


def test_bounds_by_functions() -> None:
    upper = call("max", ref("v", event=("P",)))
    scaled = call("sqrt", call("multiply", upper, constant(4)))
    ir = model(dim("P"), real("v", None, "P"), real("x", None, upper=scaled))
    assert error(ir, v=[1, 9, 4], x=6.5).message == "x is 6.5, above its upper bound 6"


def test_one_wrong_value_is_one_error() -> None:
    bounds = {"lower": constant(1), "upper": constant(3)}
    item = gather(latent("v", event=(3,)), ref("ii", "i", "int"))
    ir = model(
        plate("i"),
        integer("ii", "i", **bounds),
        integer("k", "i", lower=constant(0)),
        observe("k", "i", "poisson_log", item),
    )
    assert {d.code for d in errors(ir, ii=[0, 4], k=[-1, 2])} == {"QEM740"}
    ir = model(*SCHOOLS.plates, real("y", "school"), real("s", "school", lower=constant(0)),
               observe("y", "school", "normal", latent("t"), ref("s", "school")))  # fmt: skip
    assert error(ir, y=[1], s=[-1]).code == "QEM740"


def test_missing_values_have_no_bounds() -> None:
    ir = model(plate("s"), real("y", "s", missing=True, lower=constant(0)))
    assert remarks(ir, y=[None, 1]) == ()


@pytest.mark.parametrize(
    ("size", "index", "code"), [(3, [1, 4], "QEM730"), ("I", [3, 0], "QEM730"), (3, [0, 2], "QEM731")]
)
def test_index_of_a_vector_out_of_range(size: Size, index: list[int], code: str) -> None:
    item = gather(latent("diff", event=(size,)), ref("ii", "answer", "int"))
    ir = model(
        plate("answer"), dim("I", 3), integer("ii", "answer"), observe("y", "answer", "normal", item, constant(1))
    )
    wrong = error(ir, ii=index)
    assert wrong.code == code
    assert wrong.where == f"data: ii[{1 + [1 <= i <= 3 for i in index].index(False)}]"
    assert "(diff[ii])" in wrong.message


def test_constant_index_beyond_an_inferred_dim() -> None:
    item = gather(latent("v", event=("P",)), constant(3))
    wrong = error(model(dim("P"), real("x", None, "P"), observe("y", None, "normal", item, constant(1))), x=[1, 2])
    assert wrong.message == "the index is 3, but indices run from 1 to 2"


def test_impossible_outcomes() -> None:
    ir = model(
        plate("h"),
        integer("n", "h"),
        integer("k", "h"),
        observe("k", "h", "binomial_logit", ref("n", "h"), latent("a")),
    )
    impossible = error(ir, h=["A", "B"], n=[5, 10], k=[5, 12])
    assert (impossible.code, impossible.where) == ("QEM741", "data: k[2]")
    assert impossible.message == 'k[2] (h "B") is 12, but binomial_logit yields at most 10 here'


def test_outcomes_outside_the_support_of_the_law() -> None:
    ir = model(plate("i"), integer("k", "i"), observe("k", "i", "poisson_log", latent("a")))
    assert error(ir, k=[0, -3]).message == "k[2] is -3, but poisson_log yields a whole number of at least 0"
    ir = model(plate("i"), real("k", "i"), observe("k", "i", "bernoulli_logit", latent("a")))
    assert [d.where for d in errors(ir, k=[0, 1, 0.5, 2])] == ["data: k[3]", "data: k[4]"]


def test_outcomes_outside_a_known_uniform() -> None:
    ir = model(plate("i"), real("x", "i"), real("hi"), observe("x", "i", "uniform", constant(1), ref("hi")))
    low, high = errors(ir, x=[0.5, 1.5, 4], hi=3)
    assert "at least 1 here" in low.message
    assert "at most 3 here" in high.message


def test_missing_outcomes_are_possible() -> None:
    ir = model(plate("i"), integer("k", "i", missing=True), observe("k", "i", "poisson_log", latent("a")))
    assert remarks(ir, k=[None, 3]) == ()


def test_scale_of_zero_in_the_data() -> None:
    ir = model(
        *SCHOOLS.plates, *SCHOOLS.data, observe("y", "school", "normal", latent("t", "school"), ref("sigma", "school"))
    )
    zero = error(ir, y=[1, 2], sigma=[1, 0])
    assert (zero.code, zero.where) == ("QEM742", "data: sigma[2]")
    half = call("divide", ref("sigma", "school"), constant(-2), on="school")
    ir = model(*SCHOOLS.plates, *SCHOOLS.data, observe("y", "school", "normal", latent("t", "school"), half))
    assert "for school 2 is -0.5" in errors(ir, y=[1, 2], sigma=[-1, 1])[0].message


def test_missing_predictor() -> None:
    ir = model(
        plate("i"),
        real("x", "i", missing=True),
        real("y", "i"),
        observe("y", "i", "normal", ref("x", "i"), constant(1)),
    )
    missing = error(ir, x=[1, None], y=[1, 2])
    assert (missing.code, missing.where) == ("QEM743", "data: x[2]")


def test_a_long_sum_does_not_exhaust_the_stack() -> None:
    total = call("add", ref("x"), ref("x"))
    for _ in range(20_000):
        total = call("add", total, ref("x"))
    assert error(model(real("x"), real("y", None, upper=total)), x=1, y=20_003).message.endswith("upper bound 20002")


# Forms.


@pytest.mark.parametrize(
    ("form", "good", "bad", "words"),
    [
        ("simplex", [0.2, 0.8], [0.2, 0.9], "sums to 1.1, but a simplex sums to 1"),
        ("simplex", [0, 1], [-0.5, 1.5], "has the component -0.5"),
        ("simplex", [1 / 3, 2 / 3 + 1e-9], [1 / 3, 2 / 3 + 1e-6], "sums to 1.000001"),
        ("ordered", [-1, 2], [2, 2], "has 2 before 2"),
        ("positive_ordered", [1, 2], [0, 2], "starts with 0"),
        ("positive_ordered", [1, 2], [2, 1], "has 2 before 1"),
    ],
)
def test_forms(form: Form, good: list[float], bad: list[float], words: str) -> None:
    ir = model(plate("s"), plate("i", "s"), replace(real("x", "i", 2), form=form))
    np.testing.assert_allclose(bound(ir, x=[[good, good], [good]]).arrays["x"], [good] * 3)
    wrong = error(ir, x=[[good], [good, bad]])
    assert (wrong.code, wrong.where) == ("QEM747", "data: x[2,2]")
    assert wrong.message.startswith(f"x[2,2] {words}")


def test_forms_of_arrays_and_matrices() -> None:
    rows = model(dim("K"), replace(real("A", None, "K", "K"), form="simplex"))
    assert error(rows, A=[[0.5, 0.5], [0.9, 0.2]]).where == "data: A[2]"
    factor = model(plate("i"), replace(real("L", "i", 2, 2), form="cholesky_factor_corr"))
    right, upper, long, negative = [[1, 0], [0.6, 0.8]], [[1, 0.1], [0.6, 0.8]], [[1, 0], [1, 1]], [[-1, 0], [0.6, 0.8]]
    assert [d.message for d in errors(factor, L=[right, upper, long, negative])] == [
        "L[2] is not lower triangular",
        "L[4] has -1 on its diagonal, which must be positive",
        "L[3] has a row whose squares do not sum to 1",
    ]


# Missing and censored outcomes.


def test_outcomes_missing_in_part_and_altogether() -> None:
    ir = model(
        plate("i"), real("y", "i", 2, missing=True), observe("y", "i", "normal", latent("m"), constant(1), event=(2,))
    )
    (note,) = remarks(ir, y=[[1, None], [None, None], [1, 2]])
    assert (note.code, note.severity.value) == ("QEM746", "note")
    warning = remarks(ir, y=[[None, None]])[-1]
    assert (warning.code, warning.severity.value) == ("QEM745", "warning")


def test_arguments_of_missing_outcomes_may_be_anything() -> None:
    ir = model(
        plate("i"),
        real("y", "i", missing=True),
        real("s", "i"),
        observe("y", "i", "normal", call("log", ref("s", "i"), on="i"), ref("s", "i")),
    )
    assert remarks(ir, y=[None, 1], s=[0, 1]) == ()
    assert {d.code for d in errors(ir, y=[1, 1], s=[0, 1])} == {"QEM742", "QEM749"}


@pytest.mark.parametrize("side", ["right", "left"])
def test_flags_of_censoring(side: str) -> None:
    censoring = Censoring("right" if side == "right" else "left", ref("c", "i", "int"))
    censored = replace(observe("t", "i", "uniform", constant(0), constant(1)), censoring=censoring)
    ir = model(plate("i"), real("t", "i"), integer("c", "i"), censored)
    flag = error(ir, t=[0.5, 0.5], c=[1, 2])
    assert flag.message == f"c[2] is 2, but {side}_censored takes 1 for a censored outcome, else 0"
    assert flag.code == "QEM748"
    # A bound of the true value may lie outside the support on one side only.
    possible, impossible = (-1, 2) if side == "right" else (2, -1)
    assert remarks(ir, t=[0.5, possible], c=[0, 1]) == ()
    assert {d.where for d in errors(ir, t=[possible, impossible], c=[0, 1])} == {"data: t[1]", "data: t[2]"}


# What is not finite.


def test_a_condition_may_leave_out_what_is_not_finite() -> None:
    hours = ref("h", "i")
    safe = call("select", call("greater", hours, constant(0), on="i"), call("log", hours, on="i"), latent("a"), on="i")
    ir = model(plate("i"), integer("k", "i"), real("h", "i"), observe("k", "i", "poisson_log", safe))
    assert remarks(ir, k=[1, 2], h=[0, 3]) == ()


def test_the_first_operation_that_is_not_finite_is_named() -> None:
    part = call("exp", call("log", call("subtract", ref("h", "i"), constant(1), on="i"), on="i"), on="i")
    ir = model(
        plate("i"),
        integer("k", "i"),
        real("h", "i"),
        observe("k", "i", "poisson_log", call("add", part, latent("a"), on="i")),
    )
    wrong = error(ir, k=[1, 2], h=[3, 0.5])
    assert (wrong.code, wrong.where) == ("QEM749", "data: h[2]")
    assert wrong.message == "`log` is not a number for i 2 (h[2] is 0.5), but the model computes with it"
    assert wrong.span == span("log")
