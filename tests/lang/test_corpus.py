from __future__ import annotations

from pathlib import Path

import pytest

from qemppl.diagnostics.catalogue import CATALOGUE
from qemppl.diagnostics.render import render
from qemppl.ir.show import show
from qemppl.lang.frontend import compile_text, read_source
from tests.conftest import Golden
from tests.lang.programs import BAD, CORPUS, GOOD, PEDANTIC, diagnostics_of

TESTED_ELSEWHERE = {
    "QEM132": "test_read.py: a file of more than a megabyte",
    "QEM133": "test_read.py: a file that is not there",
}


@pytest.mark.parametrize("path", GOOD, ids=lambda p: p.stem)
def test_good_models_are_accepted_without_a_remark(path: Path) -> None:
    checked = compile_text(read_source(path))
    assert not checked.diagnostics
    assert checked.model is not None
    assert checked.model.name == path.stem


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_bad_models_are_answered_as_expected(path: Path, golden: Golden) -> None:
    text = render(diagnostics_of(path)).replace(str(path), path.name)
    golden.check(text, path.with_suffix(".expected"))


@pytest.mark.parametrize("path", PEDANTIC, ids=lambda p: p.stem)
def test_pedantic_warnings_are_given_where_asked_for_only(path: Path, golden: Golden) -> None:
    assert not diagnostics_of(path)
    golden.check(render(diagnostics_of(path, pedantic=True)), path.with_suffix(".expected"))


def test_every_code_of_the_catalogue_is_reached_and_every_code_reached_is_in_it() -> None:
    reached = {d.code for path in BAD for d in diagnostics_of(path)}
    reached |= {d.code for path in PEDANTIC for d in diagnostics_of(path, pedantic=True)}
    assert reached | TESTED_ELSEWHERE.keys() == CATALOGUE.keys()
    assert not reached & TESTED_ELSEWHERE.keys()


@pytest.mark.parametrize("name", ["radon", "operators", "local_trend", "generated_draws", "censored_counts"])
def test_ir_is_shown(name: str, golden: Golden) -> None:
    model = compile_text(read_source(CORPUS / "good" / f"{name}.qem")).model
    assert model is not None
    golden.check(show(model), CORPUS / "good" / f"{name}.ir")
