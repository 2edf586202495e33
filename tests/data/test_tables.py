"""Tables: text to columns, columns to members and values."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qemppl.data.bind import bind
from qemppl.data.bound import BoundModel
from qemppl.data.read import read_data
from qemppl.data.table import parse_table
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity
from qemppl.ir.model import ModelIR
from tests.data.binding import RADON, SCHOOLS, bound, dim, integer, model, plate, real


def bind_files(folder: Path, ir: ModelIR, **files: str) -> BoundModel:
    """Bind the text of files, given by name with `_` for the dot."""
    paths = []
    for name, text in files.items():
        path = folder / ".".join(name.rsplit("_", 1))
        path.write_text(text, encoding="utf-8", newline="")
        paths.append(path)
    return bind(ir, read_data(paths, ir)).model


def faults(folder: Path, ir: ModelIR, **files: str) -> list[Diagnostic]:
    with pytest.raises(DiagnosticsError) as caught:
        bind_files(folder, ir, **files)
    return [d for d in caught.value.diagnostics if d.severity is Severity.ERROR]


# Text to columns.


def test_cells_and_lines() -> None:
    table = parse_table(' a ,"b""c", d\r\n1, "x, y",\r\n\r\n2,"two\nlines",3', "t.csv", ",")
    assert {header: [*column.cells] for header, column in table.columns.items()} == {
        "a": ["1", "2"],
        'b"c': ["x, y", "two\nlines"],
        "d": ["", "3"],
    }
    assert table.columns["a"].lines.tolist() == [2, 4]


def test_empty_lines_do_not_count_as_rows() -> None:
    assert parse_table("\n\na,b\n\n1,2\n   \n3,4\n\n", "t.csv", ",").columns["a"].lines.tolist() == [5, 7]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "QEM607", ""),
        (" \n\n", "QEM607", ""),
        ("a,b\n", "QEM620", ""),
        ('a,b\n1,"2\n3,4\n', "QEM621", ": line 2"),
        ('a,b\n1,2\n3,"4"5\n', "QEM621", ": line 3"),
        ("a,b\n1," + '"' + "x" * 200_000, "QEM621", ": line 2"),
        ("a;b\n1;2\n", "QEM622", ": line 1"),
        ('"a"\t"b"\n1\t2\n', "QEM622", ": line 1"),
        ("1,2\n3,4\n", "QEM623", ": line 1"),
        ("a,b,a\n1,2,3\n", "QEM624", ": line 1"),
        ("a,b\n1,2\n3\n", "QEM625", ": line 3"),
    ],
)
def test_texts_that_are_no_tables(text: str, code: str, line: str) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        parse_table(text, "t.csv", ",")
    assert [(d.code, d.where) for d in caught.value.diagnostics] == [(code, f"t.csv{line}")]


@given(text=st.text(alphabet='ab1,;"\n\r\t .', max_size=40))
def test_any_text_is_a_table_or_explained(text: str) -> None:
    try:
        table = parse_table(text, "t.csv", ",")
    except DiagnosticsError:
        return
    assert len({len(column.cells) for column in table.columns.values()}) == 1


cell = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=8)


@given(rows=st.lists(st.tuples(cell, cell), min_size=1, max_size=5))
def test_what_is_written_is_read(rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("tables") / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("a", "b"), *rows])
    columns = parse_table(path.read_text(encoding="utf-8"), "t.csv", ",").columns
    assert [*zip(columns["a"].cells, columns["b"].cells, strict=True)] == rows


# Columns to values.


@pytest.mark.parametrize("numbers", ["1\n2\n3", "1.0\n2.0\n3.0"])
def test_labels_that_count_the_rows_are_numbers(tmp_path: Path, numbers: str) -> None:
    rows = "\n".join(f"{number},{10 * i},1" for i, number in enumerate(numbers.split()))
    b = bind_files(tmp_path, SCHOOLS, data_csv=f"school,y,sigma\n{rows}\n")
    assert b.members["school"].labels == ("1", "2", "3")
    assert not b.members["school"].labelled


def test_other_numbers_are_labels(tmp_path: Path) -> None:
    b = bind_files(tmp_path, SCHOOLS, data_csv="school,y,sigma\n1999,1,2\n2001,3,4\n")
    assert b.members["school"].labels == ("1999", "2001")
    assert b.members["school"].labelled


def test_groups_come_in_order_of_appearance_and_numbered_ones_in_that_of_their_numbers(tmp_path: Path) -> None:
    named = bind_files(tmp_path, RADON, a_csv="county,y,u\nz,1,9\na,2,8\nz,3,9\n")
    assert named.members["county"].labels == ("z", "a")
    assert named.arrays["u"].tolist() == [9, 8]
    assert named.arrays["y"].tolist() == [1, 3, 2]
    numbered = bind_files(tmp_path, RADON, a_csv="idx,y,u\n2,1,9\n1,2,8\n2,3,9\n")
    assert not numbered.members["county"].labelled
    assert numbered.arrays["u"].tolist() == [8, 9]
    assert numbered.arrays["y"].tolist() == [2, 1, 3]


def test_numbers_of_a_declared_size_may_leave_out_members(tmp_path: Path) -> None:
    ir = model(plate("county", size=4), plate("house", "county", by="idx"), real("y", "house"))
    b = bind_files(tmp_path, ir, a_csv="idx,y\n4,1\n2,2\n")
    assert b.count("county") == 4
    assert b.arrays["y"].tolist() == [2, 1]
    with_values = bind_files(tmp_path, RADON, u_json='{"u": [1, 2, 3]}', a_csv="idx,y\n3,1\n1,2\n")
    assert with_values.count("county") == 3
    assert with_values.members["house"].parent.tolist() == [0, 2]  # type: ignore[union-attr]


def test_labels_of_a_json_file_give_the_order(tmp_path: Path) -> None:
    b = bind_files(tmp_path, RADON, u_json='{"county": ["a", "b", "c"], "u": [1, 2, 3]}', a_csv="county,y\nc,1\na,2\n")
    assert b.members["county"].labels == ("a", "b", "c")
    assert b.arrays["y"].tolist() == [2, 1]


def test_an_index_column_may_come_from_a_json_file(tmp_path: Path) -> None:
    b = bind_files(tmp_path, RADON, idx_json='{"idx": [2, 1]}', u_csv="u\n5\n6\n", y_csv="y\n1\n2\n")
    assert b.arrays["y"].tolist() == [2, 1]


def test_keys_and_labels_may_stand_in_different_tables(tmp_path: Path) -> None:
    """County numbers as a program writes them that has made them real, and their names beside the houses only."""
    houses = "idx,county,y\n2.0,Kent,1\n1.0,Essex,2\n2.0,Kent,3\n"
    b = bind_files(tmp_path, RADON, u_csv="u\n5\n6\n", y_csv=houses)
    assert b.members["county"].labels == ("Essex", "Kent")
    assert b.arrays["y"].tolist() == [2, 1, 3]


def test_tables_may_refer_to_each_other_plate_by_plate(tmp_path: Path) -> None:
    """The table of trees names the plot only; that of plots knows the site."""
    ir = model(
        plate("site"), plate("plot", "site"), plate("tree", "plot", by="p"), real("rain", "site"), real("h", "tree")
    )
    b = bind_files(
        tmp_path, ir, site_csv="site,rain\nA,1\nB,2\n", plot_csv="plot,site\np3,B\np1,A\np2,A\n", tree_csv="plot,h\np2,20\np3,30\np1,10\n"
    )  # fmt: skip
    assert b.members["plot"].labels == ("A,p1", "A,p2", "B,p3")
    assert b.arrays["h"].tolist() == [10, 20, 30]


def test_a_label_that_stands_in_two_groups_needs_the_column_of_the_group(tmp_path: Path) -> None:
    ir = model(plate("site"), plate("plot", "site"), plate("tree", "plot", by="p"), real("h", "tree"))
    plots = "site,plot\nA,1st\nB,1st\n"
    assert [d.code for d in faults(tmp_path, ir, plot_csv=plots, tree_csv="plot,h\n1st,2\n")] == ["QEM628"]
    b = bind_files(tmp_path, ir, plot_csv=plots, tree_csv="site,plot,h\nB,1st,2\nA,1st,1\n")
    assert b.arrays["h"].tolist() == [1, 2]


def test_matrices_and_single_values(tmp_path: Path) -> None:
    ir = model(plate("i"), dim("P"), real("m", "i", 2, "P"), integer("n"), real("y", "i"))
    text = '"m[1,1]",m.1.2,"m[1, 3]",m.2.1,m.2.2,m.2.3,n,y\n1,2,3,4,5,6,7,0\n9,8,7,6,5,4,7,0\n'
    b = bind_files(tmp_path, ir, data_csv=text)
    assert b.arrays["m"].tolist() == [[[1, 2, 3], [4, 5, 6]], [[9, 8, 7], [6, 5, 4]]]
    assert b.sizes == {"P": 3, "n": 7}
    varying = faults(tmp_path, ir, data_csv=text.replace("7,0\n9", "8,0\n9"))
    assert [(d.code, d.where) for d in varying] == [("QEM629", "data.csv: line 3, column n")]


def test_values_of_a_table_that_is_no_vector(tmp_path: Path) -> None:
    ir = model(plate("i"), real("x", "i", 2))
    assert faults(tmp_path, ir, data_csv="x.1\n1\n")[0].code == "QEM722"
    for headers in ("x", "x.0,x.1", "x.1,x.3", "x[1],x[999999999999]", "x.1.1,x.1.2", "x,x.1"):
        (wrong,) = faults(tmp_path, ir, data_csv=f"{headers}\n{','.join('1' for _ in headers.split(','))}\n")
        assert wrong.code == "QEM630", headers


def test_faulty_cells_are_located_by_line_and_column(tmp_path: Path) -> None:
    text = 'county,y,u\nz,1,9\n"a\nb",TRUE,8\nz,"3,5",9\nz,many,9\nz,1_000,9\n'
    assert [(d.code, d.where, d.hint) for d in faults(tmp_path, RADON, a_csv=text)] == [
        ("QEM714", "a.csv: line 7, column y", "write the number without quotes"),
        ("QEM715", "a.csv: line 3, column y", "write 1 or 0"),
        ("QEM714", "a.csv: line 5, column y", "write a decimal point"),
        ("QEM714", "a.csv: line 6, column y", "a missing value is an empty cell, or NA"),
    ]


def test_groups_that_differ_are_all_reported(tmp_path: Path) -> None:
    text = "county,y,u\nz,1,9\na,2,8\nz,3,7\na,4,8.0\na,5,NA\n"
    assert [(d.code, d.where) for d in faults(tmp_path, RADON, a_csv=text)] == [
        ("QEM629", "a.csv: line 4, column u"),
        ("QEM629", "a.csv: line 6, column u"),
    ]


def test_every_file_with_a_fault_is_named(tmp_path: Path) -> None:
    found = faults(tmp_path, RADON, a_csv="a;b\n", b_json="{", c_csv="x\n")
    assert [d.code for d in found] == ["QEM622", "QEM609", "QEM620"]


def test_no_file_at_all() -> None:
    with pytest.raises(DiagnosticsError):
        read_data([], RADON)


FOREST = model(
    plate("a"),
    plate("b", "a", by="ia"),
    plate("c", "b"),
    plate("d", "c", by="ic"),
    real("u", "a"),
    real("v", "b", 2),
    integer("w", "c"),
    real("x", "d"),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_wide_table_says_what_nested_lists_say(data: st.DataObject, tmp_path: Path) -> None:
    """Four plates, nested by columns and by lists, rows in any order."""
    rows = []
    for a in range(data.draw(st.integers(1, 2))):
        for b in range(data.draw(st.integers(1, 2))):
            for c in range(data.draw(st.integers(1, 2))):
                rows += [(f"a{a}", f"b{a}{b}", f"c{c}", x) for x in range(data.draw(st.integers(1, 2)))]
    rows = data.draw(st.permutations(rows))
    text = "a,b,c,u,v.1,v.2,w,x\n" + "".join(
        f"{a},{b},{c},{int(a[1]) + 0.5},{b[1]},{b[2]},{int(c[1]) + 5},{100 * int(b[1:]) + 10 * int(c[1]) + x}\n"
        for a, b, c, x in rows
    )
    table = bind_files(tmp_path, FOREST, data_csv=text)
    a_s, b_s = ([*dict.fromkeys(row[k] for row in rows)] for k in (0, 1))
    c_s = {b: [*dict.fromkeys(c for _, of, c, _ in rows if of == b)] for b in b_s}
    flat = [(b, c) for b in b_s for c in c_s[b]]
    values = {
        "a": a_s,
        "b": b_s,
        "c": [c_s[b] for b in b_s],
        "ia": [f"a{b[1]}" for b in b_s],
        "ic": [flat.index((b, c)) + 1 for _, b, c, _ in rows],
        "u": [int(a[1]) + 0.5 for a in a_s],
        "v": [[int(b[1]), int(b[2])] for b in b_s],
        "w": [[int(c[1]) + 5 for c in c_s[b]] for b in b_s],
        "x": [100.0 * int(b[1:]) + 10 * int(c[1]) + x for _, b, c, x in rows],
    }
    nested = bound(FOREST, **values)
    for plate_name, members in nested.members.items():
        assert table.members[plate_name].labels == members.labels
        np.testing.assert_array_equal(table.members[plate_name].rows, members.rows)
    assert table.arrays.keys() == nested.arrays.keys()
    for name, array in nested.arrays.items():
        np.testing.assert_array_equal(table.arrays[name], array)


HEADERS = ("a", "b", "c", "d", "ia", "ic", "u", "v.1", "v.2", "w", "x", "z")


@st.composite
def any_table(draw: st.DrawFn) -> str:
    headers = draw(st.lists(st.sampled_from(HEADERS), min_size=1, unique=True))
    cells = st.sampled_from(["1", "2", "3", "p", "q", "", "NA", "0", "1.0", "2.5", "TRUE"])
    rows = draw(st.lists(st.lists(cells, min_size=len(headers), max_size=len(headers)), min_size=1, max_size=4))
    return "\n".join(",".join(row) for row in [headers, *rows]) + "\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tables=st.lists(any_table(), min_size=1, max_size=3),
    values=st.dictionaries(
        st.sampled_from(["a", "u", "ia", "x"]), st.lists(st.sampled_from([1, 2, "p", "q"]), max_size=3)
    ),
)
def test_any_tables_bind_or_are_explained(tables: list[str], values: dict[str, object], tmp_path: Path) -> None:
    files = {f"t{i}_csv": text for i, text in enumerate(tables)}
    if values:
        files["v_json"] = json.dumps(values)
    try:
        b = bind_files(tmp_path, FOREST, **files)
    except DiagnosticsError as failure:
        said = failure.diagnostics
    else:
        assert b.members.keys() == {"a", "b", "c", "d"}
        return
    assert any(d.is_error for d in said)
    assert len({(d.code, d.message, d.where) for d in said}) == len(said)
