from __future__ import annotations

from qemppl.cli.code_page import code_page
from qemppl.cli.codes import entries
from tests.cli.process import ROOT
from tests.conftest import Golden


def test_the_page_of_the_codes_is_up_to_date(golden: Golden) -> None:
    golden.check(code_page(), ROOT / "docs" / "diagnostics.md")


def test_every_code_has_a_heading_of_its_own() -> None:
    headings = [line.removeprefix("### ") for line in code_page().splitlines() if line.startswith("### ")]
    assert headings == list(entries())
