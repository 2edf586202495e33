from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from qemppl.data import files
from qemppl.data.nested import MAX_DEPTH
from qemppl.data.raw import RawData
from qemppl.data.read import raw_from_mapping, read_data
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Stage
from tests.data.binding import model


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "data.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


EMPTY = model()


def read_json(path: Path) -> RawData:
    return read_data(path, EMPTY)


def fault(path: Path) -> Diagnostic:
    with pytest.raises(DiagnosticsError) as caught:
        read_data(path, EMPTY)
    assert caught.value.stage is Stage.DATA
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.is_error
    return diagnostic


def content(raw: RawData, name: str) -> list[object]:
    leaves = raw.values[name].leaves
    return leaves if isinstance(leaves, list) else leaves.tolist()


def test_values_lists_and_labels_are_read(tmp_path: Path) -> None:
    raw = read_json(write(tmp_path, '\ufeff{"n": 3, "y": [1, 2.5, -3e2], "w": [[1], [], [2, 3]], "s": ["ä", "b"]}'))
    assert raw.name == "data.json"
    assert content(raw, "n") == [3]
    assert content(raw, "y") == [1.0, 2.5, -300.0]
    assert [c.tolist() for c in raw.values["w"].counts] == [[3], [1, 0, 2]]
    assert content(raw, "s") == ["ä", "b"]


def test_null_and_literals_of_infinity_are_read(tmp_path: Path) -> None:
    y = content(read_json(write(tmp_path, '{"y": [null, NaN, Infinity, -Infinity, 1e999]}')), "y")
    np.testing.assert_array_equal(y, [np.nan, np.nan, np.inf, -np.inf, np.inf])


def test_missing_file_names_the_files_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "{}")
    diagnostic = fault(tmp_path / "dat.json")
    assert (diagnostic.code, diagnostic.hint) == ("QEM601", "the folder has data.json")


def test_folder(tmp_path: Path) -> None:
    assert fault(tmp_path).code == "QEM602"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="everything is readable here")
def test_forbidden_file(tmp_path: Path) -> None:
    path = write(tmp_path, "{}")
    path.chmod(0)
    assert fault(path).code == "QEM603"


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_unusable_path(name: str) -> None:
    assert fault(Path(name)).code == "QEM603"


def test_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    with path.open("wb") as file:
        file.truncate(files.MAX_BYTES + 1)  # sparse: takes no space
    diagnostic = fault(path)
    assert diagnostic.code == "QEM604"
    assert "512 MiB" in diagnostic.message


def test_endless_file_is_read_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    assert fault(Path("/dev/zero")).code == "QEM604"


@pytest.mark.parametrize("name", ["data.xlsx", "data.PARQUET"])
def test_other_tables_are_not_supported(name: str) -> None:
    assert fault(Path(name)).code == "QEM605"


def test_encoding(tmp_path: Path) -> None:
    diagnostic = fault(write(tmp_path, b'{"x": 1,\n "\xe9": 2}'))
    assert (diagnostic.code, diagnostic.where) == ("QEM606", "data.json: line 2")
    assert "byte 12 (0xe9)" in diagnostic.message
    assert "UTF-16" in fault(write(tmp_path, '{"x": 1}'.encode("utf-16"))).message


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_empty_file(tmp_path: Path, text: str) -> None:
    assert fault(write(tmp_path, text)).code == "QEM607"


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ('{"y": [1,\n 2,]}', 2, 4, "comma before the bracket"),
        ('{"y": 1,}', 1, 9, "comma before the bracket"),
        ('{"y": [1 2]}', 1, 10, "comma"),
        ("{'y': 1}", 1, 2, "double quotes"),
        ("{y: 1}", 1, 2, "double quotes"),
        ('{"y": NA}', 1, 7, "null"),
        ('{"y": None}', 1, 7, "null"),
        ('{"y": True}', 1, 7, "1 or 0"),
        ('{"y": Inf}', 1, 7, "Infinity"),
        ('{"y": .5}', 1, 7, "0.5"),
        ('{"y": 1} {"z": 2}', 1, 10, "one JSON object"),
        ('{"y": 1 // all\n}', 1, 9, "no comments"),
        ('{"y"; 1}', 1, 5, "':'"),
        ('{"y": "a\tb"}', 1, 9, "control character"),
        ("y,x\n1,2\n", 1, 1, "a table has the ending .csv"),
    ],
)
def test_bad_json_is_located_and_explained(tmp_path: Path, text: str, line: int, column: int, words: str) -> None:
    diagnostic = fault(write(tmp_path, text))
    assert (diagnostic.code, diagnostic.where) == ("QEM608", f"data.json: line {line}, column {column}")
    assert words in f"{diagnostic.message} {diagnostic.hint}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"y":\n [1, 2', "the [ of line 2 is never closed"),
        ('{"y": [1, 2]', "the { of line 1 is never closed"),
        ('{"y": [1, "[', "inside this text"),
        ('{"y":', "the { of line 1 is never closed"),
    ],
)
def test_truncated_file(tmp_path: Path, text: str, words: str) -> None:
    diagnostic = fault(write(tmp_path, text))
    assert diagnostic.code == "QEM609"
    assert words in diagnostic.message


@pytest.mark.parametrize("text", ['{"y": ' + "[" * 100_000, '{"y": ' + "[" * 100_000 + "]" * 100_000 + "}"])
def test_nesting_beyond_the_parser_is_located(tmp_path: Path, text: str) -> None:
    diagnostic = fault(write(tmp_path, text))
    first_bracket = text.index("[") + 1
    assert diagnostic.code == "QEM610"
    assert diagnostic.where == f"data.json: line 1, column {first_bracket + MAX_DEPTH}"


def test_nesting_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    def nested(depth: int) -> str:
        return '{"y": ' + "[" * depth + "1" + "]" * depth + "}"

    assert read_json(write(tmp_path, nested(MAX_DEPTH))).values["y"].depth == MAX_DEPTH
    assert fault(write(tmp_path, nested(MAX_DEPTH + 1))).code == "QEM610"


def test_long_integer(tmp_path: Path) -> None:
    diagnostic = fault(write(tmp_path, '{"a": "' + "8" * 5000 + '",\n "y": -' + "9" * 5000 + "}"))
    assert (diagnostic.code, diagnostic.where) == ("QEM611", "data.json: line 2, column 7")
    assert "5000 digits" in diagnostic.message


def test_duplicate_keys_are_all_reported(tmp_path: Path) -> None:
    path = write(tmp_path, '{"y": 1, "z": "\\"y\\": 2",\n "\\u0079": 2, "z": 3}')
    with pytest.raises(DiagnosticsError) as caught:
        read_data(path, EMPTY)
    assert [(d.code, d.where) for d in caught.value.diagnostics] == [
        ("QEM612", "data.json: line 2, column 2"),
        ("QEM612", "data.json: line 2, column 15"),
    ]
    assert caught.value.diagnostics[0].message == 'the key "y" is given twice, first on line 1'


@pytest.mark.parametrize("text", ["[1, 2]", "3", '"y"', "null"])
def test_top_level_must_be_an_object(tmp_path: Path, text: str) -> None:
    assert fault(write(tmp_path, text)).code == "QEM613"


def test_mapping_must_be_a_mapping_of_texts() -> None:
    with pytest.raises(DiagnosticsError) as caught:
        raw_from_mapping([1, 2])
    assert caught.value.diagnostics[0].code == "QEM613"
    with pytest.raises(DiagnosticsError) as caught:
        raw_from_mapping({1: [1.0], "y": 2})
    assert caught.value.diagnostics[0].code == "QEM614"


def test_list_that_contains_itself() -> None:
    y: list[object] = []
    y.append(y)
    with pytest.raises(DiagnosticsError) as caught:
        raw_from_mapping({"y": y})
    assert caught.value.diagnostics[0].code == "QEM610"
    with pytest.raises(DiagnosticsError) as caught:
        raw_from_mapping({"y": np.zeros((1,) * (MAX_DEPTH + 1))})
    assert caught.value.diagnostics[0].code == "QEM610"


def test_hash_does_not_depend_on_how_the_data_are_given(tmp_path: Path) -> None:
    values = {"n": 3, "y": [[1, 2.5], [None, 4]], "w": [[1], [2, 3]], "s": ["a", "b"], "e": [], "k": 2**60 + 1}
    arrays = {
        "s": np.array(["a", "b"]),
        "k": np.int64(2**60 + 1),
        "n": np.array(3.0),
        "y": np.array([[1, 2.5], [np.nan, 4]], order="F"),
        "w": (np.array([1], np.int8), np.array([2.0, 3.0], np.float32)),
        "e": np.zeros(0),
    }
    assert read_json(write(tmp_path, json.dumps(values))).hash == raw_from_mapping(arrays).hash


@pytest.mark.parametrize(
    "other", [{"y": [1, 2, 4]}, {"y": [[1, 2, 3]]}, {"z": [1, 2, 3]}, {"y": ["1", "2", "3"]}, {"y": [1, 2]}, {}]
)
def test_hash_differs_for_different_data(other: dict[str, object]) -> None:
    assert raw_from_mapping(other).hash != raw_from_mapping({"y": [1, 2, 3]}).hash


def test_hash_tells_large_integers_apart() -> None:
    assert raw_from_mapping({"k": [2**60]}).hash != raw_from_mapping({"k": [2**60 + 1]}).hash


def test_masked_values_are_missing_not_shown() -> None:
    raw = raw_from_mapping({"y": np.ma.MaskedArray([1, 2], mask=[False, True])})
    np.testing.assert_array_equal(content(raw, "y"), [1.0, np.nan])


def test_series_are_read_as_arrays() -> None:
    pandas = pytest.importorskip("pandas")
    raw = raw_from_mapping({"y": pandas.Series([1.5, 2.5], index=[7, 3]), "s": pandas.Series(["a", "b"])})
    assert content(raw, "y") == [1.5, 2.5]
    assert content(raw, "s") == ["a", "b"]


def test_unsigned_integers_beyond_int64_are_not_wrapped() -> None:
    assert content(raw_from_mapping({"y": np.array([2**63, 1], np.uint64)}), "y") == [2.0**63, 1.0]
