"""A page that shows something else than what is printed is found out."""

from __future__ import annotations

import pytest

from tests.docs.blocks import is_shown


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("", ""),
        ("mu  4.4 ...", "mu        4.4   0.01  3.3"),
        ("mu  4.4", "mu    4.39"),
        ("a\n...\nmu 4.4 ...", "a\nb\nc\nmu 4.31 0.1"),
        ("...", "a\nb"),
        ("a\n...", "a"),
        ("y_rep[1]  6.2", "y_rep[1] 6.2"),
        ("K = 64, of a ...", "K = 64, of a, b"),
        ("22 iterations in 2.06 s, ess 36495", "22 iterations in 41 s, ess 35000"),
    ],
)
def test_what_agrees(shown: str, printed: str) -> None:
    assert is_shown(shown.splitlines(), printed.splitlines())


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("a", ""),
        ("", "a"),
        ("mu 4.4", "mu 4.6"),
        ("mu 4.4", "mu 4.4 0.1"),
        ("mu 4.4 ...", "tau 4.4 0.1"),
        ("y_rep[1] 6.2", "y_rep[2] 6.2"),
        ("K = 64", "K = 128"),
        ("warning[QEM473]", "warning[QEM474]"),
        ("share[north,2] 0.1", "share[north,3] 0.1"),
        ("a\n...\nc", "a\nb"),
        ("mu 4.4 warning ...", "mu 4.4 fine"),
    ],
)
def test_what_differs(shown: str, printed: str) -> None:
    assert not is_shown(shown.splitlines(), printed.splitlines())
