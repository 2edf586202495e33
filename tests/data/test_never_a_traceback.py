"""Whatever the values are, binding succeeds or explains itself; data that fit a model are bound to what they say."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qemppl.data.bind import bind
from qemppl.data.bound import BoundModel
from qemppl.data.raw import raw_from_mapping
from qemppl.data.read import read_data
from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.diagnostics.render import render
from qemppl.ir.model import ModelIR
from tests.data.binding import (
    call,
    constant,
    dim,
    gather,
    integer,
    latent,
    model,
    observe,
    plate,
    real,
    ref,
)
from tests.data.matching import Matching
from tests.fuzz import fuzz
from tests.lang.programs import check
from tests.lang.properties import OF_PYTHON
from tests.lang.typed_programs import typed_program
from tests.test_catalogue import FLOORS, catalogue

leaf = st.one_of(
    st.integers(-1, 4),
    st.sampled_from([0.5, 2.0, float("nan"), float("inf"), None, True, "", "a", "b", 2**70, 10**400]),
)
value = st.recursive(
    leaf, lambda inner: st.one_of(st.lists(inner, max_size=4), st.lists(st.integers(1, 3), max_size=4))
)

NESTED = model(
    plate("a", size="J"),
    plate("b", "a", by="i"),
    plate("c", "b"),
    dim("P"),
    integer("J"),
    real("x", "b", "P", lower=constant(0)),
    integer("k", "c", missing=True, upper=ref("J", kind="int")),
    integer("n", "b"),
    observe("k", "c", "poisson_log", gather(latent("v", event=("P",)), ref("n", "b", "int"))),
)
FLAT = model(
    plate("a"),
    plate("b", "a", by="i"),
    plate("c", "a"),
    real("x", "b"),
    integer("n", "c"),
    integer("k", "c", upper=call("add", ref("n", "c"), constant(1), on="c")),
    observe("x", "b", "normal", gather(latent("v", event=(2,)), ref("i", "b", "int")), constant(1)),
    observe("k", "c", "binomial_logit", ref("n", "c"), latent("z")),
)


@pytest.mark.parametrize("ir", [NESTED, FLAT], ids=["nested", "flat"])
@given(values=st.dictionaries(st.sampled_from("abcixknPJ"), value))
def test_any_values(ir: ModelIR, values: dict[str, object]) -> None:
    try:
        bound = bind(ir, raw_from_mapping(values)).model
    except DiagnosticsError as failure:
        said = failure.diagnostics
    else:
        assert bound.members.keys() == {"a", "b", "c"}
        return
    assert any(d.is_error for d in said)
    assert len({(d.code, d.message, d.where) for d in said}) == len(said)


# Data made for random models.

CODES = {code for floor in FLOORS for code in catalogue(floor)}


def matching(seed: int) -> Matching:
    """Data that fit a random program: the same one for several seeds."""
    ir = next(ir for i in range(9) if (ir := check(typed_program(seed // 4 + i)).model) is not None)
    return Matching(ir, np.random.default_rng(seed))


def check_said(error: DiagnosticsError) -> None:
    """Each is located, says something in words, and can be shown; none is given twice."""
    said = error.diagnostics
    assert any(d.is_error for d in said)
    for diagnostic in said:
        assert diagnostic.code in CODES
        assert diagnostic.where or diagnostic.span
        for words in (diagnostic.message, *diagnostic.notes, diagnostic.hint or "fix"):
            found = OF_PYTHON.search(words)
            assert found is None or found[0] in {"None", "True", "False"}, words  # texts of the data
    assert len({(d.code, d.message, d.where, d.span and d.span.start) for d in said}) == len(said)
    render(said)


def bound_or_said(ir: ModelIR, values: dict[str, object]) -> BoundModel | None:
    try:
        return bind(ir, raw_from_mapping(values)).model
    except DiagnosticsError as error:
        check_said(error)
        return None


@fuzz(150)
def test_matching_data_are_bound_to_what_they_say(seed: int) -> None:
    data = matching(seed)
    bound = bound_or_said(data.ir, data.json())
    for variable in data.ir.data if bound is not None else ():
        if not variable.is_index:
            expected = data.arrays[variable.name][data.rows(variable.type.plate)]
            found = bound.arrays[variable.name] if bound is not None else None
            np.testing.assert_array_equal(found, expected if variable.type.plate else expected[0])


def test_most_matching_data_are_bound() -> None:
    cases = [matching(seed) for seed in range(0, 400, 4)]
    assert sum(bound_or_said(data.ir, data.json()) is not None for data in cases) > 0.85 * len(cases)


def test_tables_are_bound_as_json_is(tmp_path: Path) -> None:
    for seed in range(0, 240, 4):
        data = matching(seed)
        expected = bound_or_said(data.ir, data.json())
        if expected is None:
            continue
        folder = tmp_path / str(seed)
        found = bind(data.ir, read_data(write(data, folder), data.ir)).model
        assert found.sizes == expected.sizes
        for name, members in expected.members.items():
            assert members.labels == found.members[name].labels
            np.testing.assert_array_equal(members.parent, found.members[name].parent)
        for name, array in expected.arrays.items():
            np.testing.assert_array_equal(array, found.arrays[name])


def write(data: Matching, folder: Path) -> list[Path]:
    """The tables of the data, and one JSON file with the rest."""
    folder.mkdir()
    for name, text in data.tables().items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "rest.json").write_text(json.dumps(data.rest()), encoding="utf-8")
    return sorted(folder.iterdir())


# The same data with mistakes.

WEIRD: tuple[Any, ...] = (
    *(None, True, False, "", "a", "1", "NA", "1,5", " ", "x" * 300, "é\u0301", "\x00", "\ud800"),
    *(0, -1, 0.5, 2, 99, 2**31, 2**53, 2**63, -(2**63), 2**70, 10**400, 10**5000, 1e308, -1e308, 1e-320),
    *(float("nan"), float("inf"), -float("inf"), [], [[]], [1], [None], {}, {"a": 1}, [[1, 2], [3]], [[1], [[2]]]),
)


def places(nested: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    yield path
    for i, part in enumerate(nested if isinstance(nested, list) else ()):
        yield from places(part, (*path, i))


def spoil(values: dict[str, Any], random: Random) -> None:
    """One mistake: a key away, renamed or of another type; a value exchanged, put in or taken away; too many lists."""
    key = random.choice([*values, "z"])
    box: Any = values
    at: Any = key
    for i in random.choice([*places(values.get(key))]):
        box, at = box[at], i
    mistake = random.randrange(8)
    if mistake == 0:
        values.pop(key, None)
    elif mistake == 1:
        values[f"{key}x"] = values.pop(key, 1)
    elif mistake == 2:
        for _ in range(random.choice((1, 3, 17, 500))):
            values[key] = [values.get(key)]
    elif mistake == 3 and isinstance(box, list):
        box.pop(at)
    elif mistake == 4 and isinstance(box, list):
        box.insert(at, copy.deepcopy(random.choice([box[at], *WEIRD])))
    else:
        box[at] = copy.deepcopy(random.choice(WEIRD))


@fuzz(500)
def test_spoilt_data_are_explained(seed: int) -> None:
    data, random = matching(seed), Random(seed)
    values = copy.deepcopy(data.json())
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        spoil(values, random)
    bound_or_said(data.ir, values)


PIECES = (
    "",
    " ",
    ",",
    "\n",
    '"',
    "NA",
    "x",
    "-",
    ".",
    "e",
    "1e999",
    "0",
    "\t",
    ";",
    "\x00",
    "é",
    "[",
    "]",
    "{",
    "}",
    ":",
    "null",
)


@pytest.mark.parametrize("part", range(3))
def test_spoilt_files_are_explained(part: int, tmp_path: Path) -> None:
    for seed in range(100 * part, 100 * part + 50):
        data, random = matching(seed), Random(seed)
        files = write(data, tmp_path / str(seed))
        for _ in range(random.choice((1, 1, 2, 4))):
            path = random.choice(files)
            text = path.read_text(encoding="utf-8")
            begin = random.randrange(len(text) + 1)
            lines = text.splitlines(keepends=True)
            spoilt = {
                0: text[:begin] + random.choice(PIECES) + text[begin + random.choice((0, 1, 1, 2, 10)) :],
                1: "".join(line for line in lines if random.random() < 0.8),
                2: "".join(line for line in lines for _ in range(random.choice((1, 1, 1, 2)))),
                3: "\n".join(line.partition(",")[2] for line in text.splitlines()),
            }
            path.write_text(spoilt[random.choice((0, 0, 0, 1, 2, 3))], encoding="utf-8", newline="")
        try:
            bind(data.ir, read_data(files, data.ir))
        except DiagnosticsError as error:
            check_said(error)


def test_binding_does_not_import_torch() -> None:
    code = "import sys, qemppl.data.bind, qemppl.data.read; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
