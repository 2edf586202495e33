"""Data that bind: sizes, members, labels, order, types."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qemppl.data.bound import BoundModel
from qemppl.diagnostics.diagnostic import Severity
from qemppl.ir.model import ModelIR, Size
from tests.data.binding import (
    RADON,
    SCHOOLS,
    bound,
    call,
    constant,
    dim,
    gather,
    integer,
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

SITES = model(plate("site"), plate("visit", "site"), real("elev", "site"), real("wind", "visit"))


def in_file_order(model: BoundModel, name: str, plate: str) -> list[float]:
    values = np.empty_like(model.arrays[name])
    values[model.members[plate].rows] = model.arrays[name]
    return values.tolist()


def test_size_of_a_root_plate_is_inferred() -> None:
    b = bound(SCHOOLS, y=[28, 8, -3], sigma=[15, 10, 16])
    assert b.count("school") == 3
    assert b.count(None) == 1
    assert b.members["school"].parent is None
    assert b.members["school"].labels == ("1", "2", "3")
    assert not b.members["school"].labelled
    np.testing.assert_array_equal(b.arrays["y"], [28.0, 8.0, -3.0])
    assert b.arrays["y"].dtype == np.float64


@pytest.mark.parametrize("size", [3, "K", "J"])
def test_declared_sizes(size: Size) -> None:
    parts = (plate("school", size=size), dim("K", 3), integer("J"), real("y", "school"))
    assert bound(model(*parts), y=[1, 2, 3], J=3).count("school") == 3


def test_a_plate_without_data_has_its_declared_size() -> None:
    assert bound(model(plate("school", size=4))).members["school"].labels == ("1", "2", "3", "4")


def test_labels_of_a_plate() -> None:
    b = bound(SCHOOLS, school=["Choate", "Ωμέγα", "a,b <c>"], y=[1, 2, 3], sigma=[1, 1, 1])
    assert b.members["school"].labels == ("Choate", "Ωμέγα", "a,b <c>")
    assert b.members["school"].labelled


def test_members_are_sorted_by_parent_and_stable() -> None:
    b = bound(RADON, idx=[2, 1, 2, 3, 1], y=[20, 10, 21, 30, 11], u=[1, 2, 3])
    house = b.members["house"]
    assert house.parent is not None
    assert house.parent.tolist() == [0, 0, 1, 1, 2]
    assert house.rows.tolist() == [1, 4, 0, 2, 3]
    assert house.labels == ("2", "5", "1", "3", "4")
    assert b.arrays["y"].tolist() == [10, 11, 20, 21, 30]
    assert "idx" not in b.arrays


def test_labels_of_an_index_column_match_the_key_of_the_plate() -> None:
    b = bound(RADON, county=["x", "y"], idx=["y", "x", "y"], y=[1, 2, 3], u=[10, 20])
    assert b.members["county"].labels == ("x", "y")
    assert b.arrays["y"].tolist() == [2, 1, 3]


def test_without_a_key_labels_come_in_order_of_appearance() -> None:
    ir = model(plate("county"), plate("house", "county", by="idx"), real("y", "house"))
    b = bound(ir, idx=["y", "x", "y"], y=[1, 2, 3])
    assert b.members["county"].labels == ("y", "x")
    assert b.members["county"].labelled
    assert b.arrays["y"].tolist() == [1, 3, 2]


def test_size_of_a_parent_is_the_largest_index_when_nothing_else_tells() -> None:
    ir = model(plate("county"), plate("house", "county", by="idx"))
    assert bound(ir, idx=[1, 3]).count("county") == 3
    assert bound(ir, idx=[]).count("county") == 0


def test_empty_groups_are_noted() -> None:
    (note,) = remarks(RADON, county=["a", "b", "c", "d"], idx=[4, 2], y=[1, 2], u=[1, 2, 3, 4])
    assert (note.code, note.severity) == ("QEM706", Severity.NOTE)
    assert note.message == '2 of 4 members of county have no house: "a", "c"'
    ir = model(plate("county", size=9), plate("house", "county", by="idx"))
    (note,) = remarks(ir, idx=[1])
    assert note.message.endswith("2, 3, 4, 5, 6, ...")


def test_extra_keys_are_a_warning() -> None:
    (warning,) = remarks(SCHOOLS, y=[1], sigma=[1], J=8)
    assert (warning.code, warning.severity) == ("QEM702", Severity.WARNING)


def test_ragged_lists() -> None:
    b = bound(SITES, elev=[1, 2, 3], wind=[[1, 2], [], [3]])
    visit = b.members["visit"]
    assert visit.parent is not None
    assert visit.parent.tolist() == [0, 0, 2]
    assert visit.labels == ("1,1", "1,2", "3,1")
    assert b.arrays["wind"].tolist() == [1, 2, 3]


def test_labels_in_ragged_lists_need_be_unique_within_their_group_only() -> None:
    b = bound(SITES, elev=[1, 2], site=["A", "B"], visit=[["am", "pm"], ["am"]], wind=[[1, 2], [3]])
    assert b.members["visit"].labels == ("A,am", "A,pm", "B,am")
    assert b.members["visit"].labelled


def test_rectangular_arrays_are_lists() -> None:
    b = bound(SITES, elev=np.zeros(2), wind=np.arange(6.0).reshape(2, 3))
    assert b.count("visit") == 6
    assert b.arrays["wind"].tolist() == list(range(6))


def test_a_single_value_among_lists_is_a_list_of_one() -> None:
    """R writes a vector of length 1 without brackets."""
    assert bound(SITES, elev=[1, 2], wind=[[1, 2], 3]).arrays["wind"].tolist() == [1, 2, 3]


def test_a_number_is_a_list_of_one_and_a_plate_may_have_one_member() -> None:
    b = bound(SCHOOLS, y=3, sigma=[1])
    assert b.count("school") == 1
    assert b.arrays["y"].shape == (1,)


def test_a_plate_may_be_empty() -> None:
    b = bound(SITES, elev=[], wind=[])
    assert (b.count("site"), b.count("visit")) == (0, 0)
    assert b.arrays["wind"].shape == (0,)


def test_declared_size_of_a_plate_nested_by_lists_holds_in_each_group() -> None:
    ir = model(plate("site", size=2), plate("visit", "site", size=3))
    assert bound(ir).members["visit"].labels == ("1,1", "1,2", "1,3", "2,1", "2,2", "2,3")


def test_lists_below_an_index_and_an_index_below_lists() -> None:
    ir = model(
        plate("state"),
        plate("county", "state", by="s"),
        plate("house", "county"),
        plate("visit", "house", by="h"),
        real("pop", "county"),
        real("size", "house"),
        real("y", "visit"),
    )
    b = bound(ir, s=["B", "A", "B"], pop=[1, 2, 3], size=[[10], [20, 21], [30]], h=[4, 1, 3, 3, 2], y=[1, 2, 3, 4, 5])
    # File order: counties 1 (B), 2 (A), 3 (B), so state B comes first.
    assert b.members["state"].labels == ("B", "A")
    assert b.members["county"].labels == ("1", "3", "2")
    assert b.arrays["size"].tolist() == [10, 30, 20, 21]
    assert b.members["house"].labels == ("1,1", "3,1", "2,1", "2,2")
    assert b.members["house"].rows.tolist() == [0, 3, 1, 2]
    assert b.arrays["y"].tolist() == [2, 1, 5, 3, 4]
    for name in ("county", "house", "visit"):
        parent = b.members[name].parent
        assert parent is not None
        assert (np.diff(parent) >= 0).all()


def test_event_shapes_and_inferred_dims() -> None:
    ir = model(plate("obs"), dim("P"), dim("Q"), real("x", "obs", "P"), real("A", None, "Q", "P"), real("c", None))
    b = bound(ir, x=[[1, 2, 3], [4, 5, 6]], A=[[1, 2, 3]], c=7)
    assert b.sizes == {"P": 3, "Q": 1}
    assert b.size("P") == 3
    assert b.size(5) == 5
    assert b.arrays["x"].shape == (2, 3)
    assert b.arrays["A"].shape == (1, 3)
    assert b.arrays["c"].shape == ()


def test_vectors_on_a_plate_nested_by_lists() -> None:
    ir = model(plate("region"), plate("survey", "region"), dim("V"), integer("votes", "survey", "V"))
    b = bound(ir, votes=[[[1, 2], [3, 4]], [[5, 6]]])
    assert b.arrays["votes"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert b.arrays["votes"].dtype == np.int64
    assert b.members["survey"].labels == ("1,1", "1,2", "2,1")


def test_a_dim_may_be_given_by_its_key() -> None:
    ir = model(dim("P"), observe("z", None, "normal", latent("beta", event=("P",)), constant(1), event=("P",)))
    assert bound(ir, P=4).sizes == {"P": 4}


def test_a_number_is_a_vector_of_one() -> None:
    assert bound(model(dim("P"), real("v", None, "P")), v=2.5).arrays["v"].tolist() == [2.5]


def test_whole_reals_are_ints() -> None:
    b = bound(model(plate("i"), integer("k", "i")), k=[3.0, 2])
    assert b.arrays["k"].dtype == np.int64
    assert b.arrays["k"].tolist() == [3, 2]


def test_reals_may_be_larger_than_int64() -> None:
    assert bound(model(real("x")), x=2**63).arrays["x"] == 2.0**63


def test_missing_values() -> None:
    ir = model(plate("week"), real("sales", "week", missing=True), integer("k", "week", missing=True))
    b = bound(ir, sales=[1.5, None, float("nan")], k=[1, None, 2])
    np.testing.assert_array_equal(b.arrays["sales"], [1.5, np.nan, np.nan])
    np.testing.assert_array_equal(b.arrays["k"], [1, np.nan, 2])


def test_index_columns_that_the_model_reads_keep_their_numbers() -> None:
    ir = model(
        plate("county"),
        plate("house", "county", by="idx"),
        real("y", "house"),
        observe("y", "house", "normal", gather(latent("v", event=(3,)), ref("idx", "house", "int")), constant(1)),
    )
    b = bound(ir, idx=[3, 1, 2], y=[30, 10, 20])
    assert b.arrays["idx"].tolist() == [1, 2, 3]


def test_unused_values_may_be_anything() -> None:
    assert bound(SCHOOLS, y=[1], sigma=[1], comment="radon", more={"a": [True]}).count("school") == 1


ragged = st.lists(st.lists(st.floats(-1e6, 1e6), max_size=4), max_size=6)


@given(rows=ragged)
def test_ragged_lists_are_kept(rows: list[list[float]]) -> None:
    ir = model(plate("site"), plate("visit", "site"), real("wind", "visit"))
    b = bound(ir, wind=rows)
    assert b.count("site") == len(rows)
    assert in_file_order(b, "wind", "visit") == [x for row in rows for x in row]
    parent = b.members["visit"].parent
    assert parent is not None
    assert np.bincount(parent, minlength=len(rows)).tolist() == [len(row) for row in rows]


def _three_levels() -> ModelIR:
    return model(
        plate("a"), plate("b", "a", by="ia"), plate("c", "b", by="ib"), plate("d", "c"), real("y", "d"), real("x", "b", "P"), dim("P", 2)
    )  # fmt: skip


@given(data=st.data(), sizes=st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(0, 9)))
def test_any_nesting_goes_back_to_file_order(data: st.DataObject, sizes: tuple[int, int, int]) -> None:
    n_a, n_b, n_c = sizes
    ia = data.draw(st.lists(st.integers(1, n_a), min_size=n_b, max_size=n_b))
    ib = data.draw(st.lists(st.integers(1, n_b), min_size=n_c, max_size=n_c))
    lengths = data.draw(st.lists(st.integers(0, 3), min_size=n_c, max_size=n_c))
    x = [[i, -i] for i in range(n_b)]
    y = [[float(10 * i + j) for j in range(n)] for i, n in enumerate(lengths)]
    b = bound(_three_levels(), ia=ia, ib=ib, x=x, y=y, a=[f"a{i}" for i in range(n_a)])
    assert in_file_order(b, "x", "b") == x
    assert in_file_order(b, "y", "d") == [v for row in y for v in row]
    owner = [c for c, n in enumerate(lengths) for _ in range(n)]
    for child, parent, index in (("b", "a", [i - 1 for i in ia]), ("c", "b", [i - 1 for i in ib]), ("d", "c", owner)):
        own, above = b.members[child], b.members[parent]
        assert own.parent is not None
        assert (np.diff(own.parent) >= 0).all()
        file_parent = above.rows[own.parent]
        assert file_parent.tolist() == [index[row] for row in own.rows.tolist()]


def test_a_million_rows_bind_fast() -> None:
    rng = np.random.default_rng(1)
    n = 1_000_000
    ir = model(*RADON.plates, *(v for v in RADON.data if not v.is_index), real("x", "house"))
    columns = {"idx": rng.integers(1, 1001, n), "y": rng.normal(size=n), "x": rng.normal(size=n), "u": np.zeros(1000)}
    start = time.process_time()
    b = bound(ir, **columns)
    assert time.process_time() - start < 2  # 0.3 s on an idle machine
    assert b.count("house") == n


def test_transformed_data_of_a_million_rows_are_computed_fast() -> None:
    n, groups = 1_000_000, 1000
    mean = over("mean", ref("y", "house"), "house", "county")
    centred = transformed("z", call("subtract", ref("y", "house"), mean, on="house"))
    ir = model(plate("county"), plate("house", "county", by="idx"), real("y", "house"), centred)
    y, index = np.random.default_rng(1).normal(size=n), np.arange(n) % groups
    start = time.process_time()
    b = bound(ir, idx=index + 1, y=y)
    assert time.process_time() - start < 2  # 0.3 s on an idle machine
    expected = y - np.bincount(index, y)[index] / np.bincount(index)[index]
    np.testing.assert_allclose(b.arrays["z"], expected[b.members["house"].rows], atol=1e-12)
