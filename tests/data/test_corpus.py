"""Data files that do not bind, each with the answer a user gets, and data files that do, each with what they are bound to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qemppl.data.bind import Bound, bind
from qemppl.data.bound import BoundModel
from qemppl.data.read import read_data
from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.diagnostics.render import render
from qemppl.diagnostics.source import Source
from qemppl.lang.frontend import compile_text
from tests.conftest import Golden

CORPUS = Path(__file__).parents[1] / "corpus" / "data"
BAD = sorted(path for path in (CORPUS / "bad").iterdir())
GOOD = sorted(path for path in (CORPUS / "good").iterdir())


def bind_case(folder: Path) -> Bound:
    """The model and the data files of a folder: `model.qem`, and all `.json`, `.csv` and `.tsv` files in alphabetical order."""
    checked = compile_text(Source("model.qem", (folder / "model.qem").read_text(encoding="utf-8")))
    assert checked.model is not None, render(checked.diagnostics)
    files = sorted(path for path in folder.iterdir() if path.suffix in {".json", ".csv", ".tsv"})
    return bind(checked.model, read_data(files, checked.model))


@pytest.mark.parametrize("folder", BAD, ids=lambda p: p.name)
def test_bad_data_are_answered_as_expected(folder: Path, golden: Golden) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        bind_case(folder)
    golden.check(render(caught.value.diagnostics), folder / "data.expected")


@pytest.mark.parametrize("folder", GOOD, ids=lambda p: p.name)
def test_good_data_are_bound_as_expected(folder: Path, golden: Golden) -> None:
    bound = bind_case(folder)
    golden.check(show(bound.model) + render(bound.remarks), folder / "bound.expected")


def show(bound: BoundModel) -> str:
    """The members and values of a bound model as text."""
    lines = [f"{name} = {size}" for name, size in bound.sizes.items()]
    for plate, members in bound.members.items():
        parents = "" if members.parent is None else f" in {bound.ir.plate(plate).parent} {members.parent.tolist()}"
        lines.append(f"{plate}: {', '.join(members.labels)}{parents}{' (labelled)' if members.labelled else ''}")
    lines += [f"{name}: {np.round(array, 6).tolist()} {array.dtype}" for name, array in bound.arrays.items()]
    return "\n".join(lines) + "\n"
