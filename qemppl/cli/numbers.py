"""Option types: numbers that a fit can use."""

from __future__ import annotations

import math
import re

import click

UNITS = {"": 1, "b": 1} | {
    f"{prefix}{suffix}": base ** (power + 1)
    for power, prefix in enumerate("kmgt")
    for suffix, base in (("b", 1000), ("ib", 1024))
}
COUNT = click.IntRange(min=1)
SEED = click.IntRange(min=0, max=2**63 - 1)


def size(text: str) -> int:
    """Bytes of an amount of memory, such as `1GiB` or `500MB`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower(), re.ASCII)
    count = int(float(match[1]) * UNITS[match[2]]) if match and match[2] in UNITS else 0
    if count < 1:
        raise click.BadParameter(f"{text!r} is no amount of memory; write for example 1GiB or 500MB")
    return count


def positive(text: str) -> float:
    """A positive number that is not infinite."""
    try:
        number = float(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a number") from None
    if not (math.isfinite(number) and number > 0):
        raise click.BadParameter(f"{text} is not a positive number")
    return number
