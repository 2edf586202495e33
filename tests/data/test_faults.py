"""Data that do not bind: every fault has its code, its place and its words."""

from __future__ import annotations

import numpy as np
import pytest

from qemppl.diagnostics.diagnostic import DiagnosticsError
from tests.data.binding import (
    COUNTS,
    RADON,
    SCHOOLS,
    VISITS,
    constant,
    dim,
    error,
    errors,
    integer,
    model,
    plate,
    real,
    remarks,
)

# Names and shapes.


def test_missing_key_suggests_the_nearest_one_and_shows_the_declaration() -> None:
    missing = error(SCHOOLS, y=[1], Sigma=[2])
    assert (missing.code, missing.hint) == ("QEM701", "is it the key Sigma?")
    assert missing.message == "the data has no value for sigma"
    assert missing.labels[0].span.text == "real sigma"
    assert missing.labels[0].message == "declared here"


def test_missing_index_column() -> None:
    assert "idx" in error(RADON, y=[1, 2], u=[1]).message


def test_misspelt_extra_key_suggests_the_declared_one() -> None:
    ir = model(plate("school"), real("y", "school"), dim("P", 2))
    (warning,) = remarks(ir, y=[1], schol=["a"])
    assert (warning.code, warning.hint) == ("QEM702", "the model has school, which the data lacks")


@pytest.mark.parametrize("y", [[[1], [2], [3]], np.ones((3, 1))])
def test_a_column_matrix_is_not_a_column(y: object) -> None:
    shape = error(SCHOOLS, y=y, sigma=[1, 2, 3])
    assert (shape.code, shape.where) == ("QEM703", "data: y")
    assert shape.message == "y must be lists of shape (school), found shape (3, 1)"
    assert shape.hint == "remove the inner lists of length 1"


def test_shapes_are_told_with_their_names() -> None:
    ir = model(plate("site"), plate("visit", "site"), dim("P"), real("x", "visit", "P"), real("c"))
    wide, single = errors(ir, x=[[1, 2, 3], [4, 5]], c=[3])
    assert wide.message == "x must be lists of shape (site, visit, P), found shape (2, 2..3)"
    assert single.message == "c must be one value, found shape (1)"


def test_a_flat_list_is_not_ragged() -> None:
    assert error(VISITS, wind=[1, 2], seen=[[1], [2]]).code == "QEM703"


# Lengths.


def test_lengths_that_differ_from_the_declared_size() -> None:
    ir = model(plate("school", size="J"), integer("J"), real("y", "school"))
    length = error(ir, J=8, y=[1, 2])
    assert (length.code, length.where) == ("QEM704", "data: y")
    assert length.message == "y has 2 values, but plate school has 8 members (declared [J])"


def test_the_column_that_differs_from_most_is_the_wrong_one() -> None:
    ir = model(plate("s"), real("a", "s"), real("b", "s"), real("c", "s"))
    length = error(ir, a=[1], b=[1, 2], c=[1, 2])
    assert length.message == "a has 1 value, but plate s has 2 members (from b)"


def test_labels_count_members_too() -> None:
    assert error(model(plate("s"), real("a", "s")), s=["x"], a=[1, 2]).code == "QEM704"


def test_columns_of_a_nested_plate() -> None:
    assert error(RADON, idx=[1, 1], y=[1, 2, 3], u=[1]).code == "QEM704"


def test_ragged_rows_that_disagree_name_the_group_and_both_lengths() -> None:
    ragged = error(VISITS, site=["A", "B"], wind=[[1, 2], [3, 4, 5]], seen=[[1, 2], [3, 4, 5, 6]])
    assert (ragged.code, ragged.where) == ("QEM705", "data: seen[2]")
    assert ragged.message == 'seen[2] has 4 values, but wind[2] has 3 (site "B")'


def test_outer_lists_that_disagree() -> None:
    length = error(VISITS, wind=[[1], [2]], seen=[[1], [2], [3]])
    assert (length.code, length.where) == ("QEM704", "data: seen")


def test_declared_size_of_lists() -> None:
    ir = model(plate("site"), plate("visit", "site", size=2), real("w", "visit"))
    assert error(ir, w=[[1, 2], [3]]).message == "w[2] has 1 value, but plate visit has 2 members in each site (site 2)"


def test_unknown_size_of_a_plate() -> None:
    unknown = error(model(plate("school")))
    assert (unknown.code, unknown.where) == ("QEM726", "data")
    nested = error(model(plate("site", size=2), plate("visit", "site")))
    assert nested.code == "QEM726"


def test_too_many_members() -> None:
    assert error(model(plate("s", size=10**30))).code == "QEM725"
    assert error(model(plate("s", size=10**5), plate("t", "s", size=10**5))).code == "QEM725"


def test_sizes_of_dims() -> None:
    x = real("x", "i", "P")
    assert error(model(plate("i"), dim("P"), x), x=[]).code == "QEM719"
    assert error(model(plate("i"), dim("P", 2), x), x=[[1, 2]], P=3).code == "QEM720"
    sizes: list[object] = [-1, 1.5, [2], "2", 2**70]
    for size in sizes:
        assert error(model(plate("i"), dim("P"), x), x=[[1, 2]], P=size).code == "QEM721"
    assert error(model(plate("i", size="n"), integer("n")), n=-2).code == "QEM721"
    assert error(model(plate("i"), real("x", "i", 10**30)), x=[]).code == "QEM721"


def test_vectors_of_the_wrong_length() -> None:
    ir = model(plate("i"), dim("P"), real("x", "i", "P"), real("z", None, "P"))
    row, other = errors(ir, x=[[1, 2], [1, 2, 3]], z=[1])
    assert (row.code, row.where) == ("QEM722", "data: x[2]")
    assert row.message == "x[2] has length 3, expected P = 2 (from x[1])"
    assert other.message == "z has length 1, expected P = 2 (from x[1])"


# Single values.


@pytest.mark.parametrize(
    ("value", "code", "words", "hint"),
    [
        (2.5, "QEM710", "k[2] is 2.5, but is declared int", "real k"),
        (None, "QEM711", "k[2] is missing", "leave out its row"),
        (float("nan"), "QEM711", "k[2] is missing", "leave out its row"),
        (float("inf"), "QEM712", "k[2] is infinite", "1.8e308"),
        (2**63, "QEM713", "k[2] is 9.2233720368547758e+18, too large", ""),
        (10**400, "QEM713", "k[2] is too large", ""),
        (1e300, "QEM713", "too large", ""),
        ("2", "QEM714", 'k[2] is the text "2", not an int', "without quotes"),
        ("NA", "QEM714", 'k[2] is the text "NA"', "null"),
        (True, "QEM715", "k[2] is true", "1 or 0"),
        ({"a": 1}, "QEM716", "k[2] is an object", ""),
        (1j, "QEM716", "type complex", ""),
    ],
)
def test_values_that_are_no_ints(value: object, code: str, words: str, hint: str) -> None:
    wrong = error(COUNTS, k=[1, value, 3])
    assert (wrong.code, wrong.where) == (code, "data: k[2]")
    assert words in wrong.message
    assert hint in (wrong.hint or "")
    assert wrong.labels[0].span.text == "int k"


@pytest.mark.parametrize(("value", "code"), [(None, "QEM711"), (1e999, "QEM712"), (10**400, "QEM713"), ("x", "QEM714")])
def test_values_that_are_no_reals(value: object, code: str) -> None:
    assert error(SCHOOLS, y=[1, value], sigma=[1, 2]).code == code


def test_truths_in_numpy_are_refused_too() -> None:
    assert {d.code for d in errors(COUNTS, k=np.array([True, False]))} == {"QEM715"}


def test_rows_beyond_the_first_few_are_counted() -> None:
    found = errors(COUNTS, k=[0.5] * 42)
    assert [d.where for d in found] == [f"data: k[{i}]" for i in range(1, 6)]
    assert found[-1].notes == ("... and 37 more rows",)
    assert all(not d.notes for d in found[:-1])


def test_places_in_ragged_lists_are_subscripts() -> None:
    assert error(VISITS, wind=[[1], [], [2, None]], seen=[[1], [], [2, 3]]).where == "data: wind[3,2]"


# Labels and indices.


@pytest.mark.parametrize(
    ("label", "words"), [(" ", "is blank"), (3, "is 3, but labels are texts"), (None, "is missing")]
)
def test_bad_labels(label: object, words: str) -> None:
    bad = error(SCHOOLS, school=["a", label], y=[1, 2], sigma=[1, 2])
    assert (bad.code, bad.where) == ("QEM717", "data: school[2]")
    assert words in bad.message


def test_numbers_are_no_labels() -> None:
    assert {d.code for d in errors(SCHOOLS, school=[1999, 2000], y=[1, 2], sigma=[1, 2])} == {"QEM717"}


def test_duplicate_labels() -> None:
    duplicate = error(SCHOOLS, school=["a", "b", "a"], y=[1, 2, 3], sigma=[1, 2, 3])
    assert (duplicate.code, duplicate.where) == ("QEM733", "data: school[3]")
    assert duplicate.message == 'school[3] repeats the label "a" of school[1]'
    nested = error(VISITS, visit=[["am"], ["am", "am"]], wind=[[1], [2, 3]], seen=[[1], [2, 3]])
    assert nested.where == "data: visit[2,2]"


@pytest.mark.parametrize(("index", "words"), [([1, 4], "is 4"), ([1, -1], "is -1"), ([0, 4], "idx[1] is 0")])
def test_index_out_of_range(index: list[int], words: str) -> None:
    found = errors(RADON, idx=index, y=[1, 2], u=[1, 2, 3])
    assert {d.code for d in found} == {"QEM730"}
    assert words in found[0].message
    assert "indices run from 1 to 3" in found[0].message


@pytest.mark.parametrize("u", [[1, 2, 3], None])
def test_an_index_from_0_is_one_mistake(u: object) -> None:
    ir = RADON if u else model(plate("county"), plate("house", "county", by="idx"), real("y", "house"))
    zero = error(ir, idx=[2, 0, 1, 0], y=[1, 2, 3, 4], **({"u": u} if u else {}))
    assert (zero.code, zero.where) == ("QEM731", "data: idx[2]")
    assert zero.hint == "add 1 to every value"


def test_index_into_nothing() -> None:
    assert "nothing to point at" in error(RADON, idx=[1], y=[1], u=[]).message


@pytest.mark.parametrize("value", [None, 1.5, True, ["a"], {}, 2**70])
def test_bad_index(value: object) -> None:
    assert errors(RADON, idx=[1, value], y=[1, 2], u=[1, 2])[0].code in {"QEM718", "QEM703"}


def test_labels_and_numbers_do_not_mix() -> None:
    mixed = error(RADON, county=["a", "b"], idx=["a", 2, "b"], y=[1, 2, 3], u=[1, 2])
    assert (mixed.code, mixed.where) == ("QEM718", "data: idx[2]")


def test_identifiers_are_not_indices() -> None:
    ir = model(plate("county"), plate("house", "county", by="idx"))
    identifiers = error(ir, idx=[27001, 27003])
    assert (identifiers.code, identifiers.where) == ("QEM727", "data: idx[2]")
    assert '"27003"' in (identifiers.hint or "")


def test_unknown_label_suggests_the_nearest() -> None:
    unknown = error(RADON, county=["Kent", "Essex"], idx=["Kent", "Esex"], y=[1, 2], u=[1, 2])
    assert (unknown.code, unknown.where) == ("QEM732", "data: idx[2]")
    assert unknown.message == 'idx[2] is "Esex", which is no label'
    assert unknown.hint == 'the nearest label is "Essex"'


def test_labels_without_an_order_are_refused() -> None:
    """Nothing says which entry of u belongs to which label: guessing would be silently wrong."""
    order = error(RADON, idx=["b", "a"], y=[1, 2], u=[1, 2])
    assert order.code == "QEM734"
    assert "entry of u" in order.message
    assert "2 labels" in (order.hint or "")


def test_labels_fewer_than_the_declared_size_and_labels_beside_numbers_are_refused() -> None:
    ir = model(plate("county", size=3), plate("house", "county", by="idx"))
    assert error(ir, idx=["b", "a"]).message == "idx names 2 members of county, which has 3"
    two = model(plate("county"), plate("house", "county", by="idx"), plate("shop", "county", by="jdx"))
    assert error(two, idx=["b", "a"], jdx=[1, 2]).code == "QEM734"


def test_everything_wrong_is_reported_at_once() -> None:
    ir = model(
        plate("county"),
        plate("house", "county", by="idx"),
        dim("P", 2),
        real("u", "county", lower=constant(0)),
        integer("k", "house"),
        real("x", "house", "P"),
        real("y", "house"),
        real("z", "house"),
    )
    codes = {d.code for d in errors(ir, idx=[1, 2], u=[-1, 1], k=[0.5, 1], x=[[1, 2], [3]], y=[[1], [2]], w=0)}
    assert codes == {"QEM740", "QEM710", "QEM722", "QEM703", "QEM701"}


def test_warnings_travel_with_the_errors() -> None:
    with pytest.raises(DiagnosticsError) as caught:
        remarks(COUNTS, k=[1.5], extra=1)
    assert {d.code for d in caught.value.diagnostics} == {"QEM702", "QEM710"}
