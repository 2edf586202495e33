from __future__ import annotations

import pytest

from qemppl.ir.show import show
from qemppl.lang.frontend import compile_text, read_source
from tests.conftest import Golden
from tests.lang.programs import CORPUS


@pytest.mark.parametrize("name", ["lag", "matrices", "transformed_data"])
def test_every_node_and_section_is_shown(name: str, golden: Golden) -> None:
    model = compile_text(read_source(CORPUS / "good" / f"{name}.qem")).model
    assert model is not None
    golden.check(show(model), CORPUS / "good" / f"{name}.ir")
