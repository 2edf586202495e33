from __future__ import annotations

import click
import pytest

from qemppl.cli.numbers import positive, size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1GiB", 2**30),
        ("1.5 gib", 3 * 2**29),
        ("500MB", 500_000_000),
        ("4096", 4096),
        ("7b", 7),
        ("2TiB", 2**41),
        ("1kB", 1000),
    ],
)
def test_sizes(text: str, expected: int) -> None:
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "GiB", "-1GiB", "1XB", "1e9", "0", "0.2", "nan", "1 000", "٣GiB" * 2])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(click.BadParameter):
        size(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "x", ""])
def test_what_is_no_positive_number(text: str) -> None:
    with pytest.raises(click.BadParameter):
        positive(text)
    assert positive("0.05") == 0.05
