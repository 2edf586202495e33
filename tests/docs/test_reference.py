"""The reference of the language against what the program knows: its laws, functions, families, types and words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qemppl.distributions.base import Law
from qemppl.distributions.registry import ALIASES, LAWS
from qemppl.families.registry import FAMILY_NAMES
from qemppl.ir.functions import CALLABLE, PLATE_REDUCTIONS, Function
from qemppl.lang.check.arguments import signature
from qemppl.lang.check.calls import signature_text
from qemppl.lang.highlight import BLOCKS, REFUSED, keywords

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)\((.*?)\)` \| (.*?) \| (.*?) \| (yes|no) \|$", re.MULTILINE)
LISTED = {row[0]: row for row in ROW.findall(PAGE)}
VALUES = {
    "real": "real",
    "positive": "positive",
    "non_negative": "at least 0",
    "unit": "0 .. 1",
    "boolean": "0, 1",
    "count": "0, 1, 2, ..",
    "category": "1 .. n",
}
"""By the support of the law."""


def values(law: Law) -> str:
    """The values of a law as its row shows them."""
    if law.sizes:
        event = "n"
        return f"`{law.form or 'vector'}[{event}]`" if not law.support.integer else f"`array[{event}] int`"
    if law.period is not None:
        return "circle"
    if law.least is not None:
        return f"{law.least} .. {law.most}"
    if law.most is not None:
        return f"0 .. {law.most}"
    if law.categories is not None and law.categories[1]:
        return f"1 .. m + {law.categories[1]}"
    return VALUES[law.support.name]


def test_every_law_has_one_row() -> None:
    assert sorted(row[0] for row in ROW.findall(PAGE)) == sorted(LAWS)
    assert all(f"`{alias}`" in LISTED[law][3] for alias, law in ALIASES.items())


@pytest.mark.parametrize("law", LAWS.values(), ids=lambda law: law.name)
def test_the_row_of_a_law(law: Law) -> None:
    name, arguments, shown, meaning, cdf = LISTED[law.name]
    assert f"{name}({arguments})" == signature(law)
    assert shown == values(law)
    assert cdf == ("yes" if law.has_cdf else "no")
    assert ("*data*" in meaning) == bool(law.data_arguments)
    for argument in law.arguments:
        if argument.form in {"simplex", "ordered"}:
            assert f"`{argument.form}[{argument.sizes[0]}]`" in meaning


@pytest.mark.parametrize("function", CALLABLE.values(), ids=lambda function: function.name)
def test_every_function_is_listed(function: Function) -> None:
    assert f"`{signature_text(function)}`" in PAGE


def test_every_family_word_and_reducer_is_named() -> None:
    words = keywords() - REFUSED - BLOCKS - {"over", "in", "corr_matrix"}
    missing = [w for w in (*FAMILY_NAMES, *PLATE_REDUCTIONS, "prev", "lag") if f"`{w}" not in PAGE]
    assert missing == []
    assert [word for word in words if not re.search(rf"\b{word}\b", PAGE)] == []
