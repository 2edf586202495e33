"""The examples of `qemppl check --explain` are true: the wrong text gives the code, the right one no error."""

from __future__ import annotations

import pytest

from qemppl.diagnostics.catalogue import CATALOGUE
from qemppl.diagnostics.diagnostic import Diagnostic
from qemppl.diagnostics.examples import EXAMPLES
from qemppl.diagnostics.source import Source
from qemppl.lang.frontend import compile_text


def found(text: str, frame: str) -> tuple[Diagnostic, ...]:
    return compile_text(Source("example.qem", frame.replace("@", text))).diagnostics


def test_examples_belong_to_codes_of_the_language_in_order() -> None:
    assert list(EXAMPLES) == sorted(EXAMPLES)
    assert EXAMPLES.keys() <= CATALOGUE.keys()


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_wrong_text_gives_the_code_and_the_right_one_no_error(code: str) -> None:
    example = EXAMPLES[code]
    assert code in {d.code for d in found(example.wrong, example.frame)}
    right = found(example.right, example.frame)
    assert [d for d in right if d.is_error or d.code == code] == []
