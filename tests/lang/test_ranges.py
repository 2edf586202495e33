"""Intervals against brute force: every value of an expression lies inside, and an end that is said to be reached is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest

from qemppl.lang.check.ranges import Range, constant, range_of_call
from qemppl.numerics.supports import POSITIVE, UNIT

INTERVALS = [(-2.0, 3.0), (-3.0, -1.0), (0.5, 2.0), (0.0, 1.0), (-1.0, 0.0), (-1.0, 1.0)]
GRID = 41


def points(lower: float, upper: float) -> list[float]:
    return [lower + (upper - lower) * i / (GRID - 1) for i in range(GRID)]


UNARY: dict[str, Callable[[float], float]] = {
    "negate": lambda x: -x,
    "exp": math.exp,
    "expm1": math.expm1,
    "square": lambda x: x * x,
    "abs": abs,
    "inv_logit": lambda x: 1 / (1 + math.exp(-x)),
    "Phi": lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "tanh": math.tanh,
    "inv": lambda x: 1 / x if x else math.nan,
    "log": lambda x: math.log(x) if x > 0 else math.nan,
    "log1p": lambda x: math.log1p(x) if x > -1 else math.nan,
    "log1m": lambda x: math.log1p(-x) if x < 1 else math.nan,
    "sqrt": lambda x: math.sqrt(x) if x >= 0 else math.nan,
    "logit": lambda x: math.log(x / (1 - x)) if 0 < x < 1 else math.nan,
}
BINARY: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b if b else math.nan,
}


def check(values: list[float], found: Range) -> None:
    finite = [v for v in values if not math.isnan(v)]
    if not finite:
        return
    assert found.lower - 1e-12 <= min(finite)
    assert max(finite) <= found.upper + 1e-12
    if found.reaches_lower and math.isfinite(found.lower):
        assert min(finite) == pytest.approx(found.lower, abs=1e-12)
    if found.reaches_upper and math.isfinite(found.upper):
        assert max(finite) == pytest.approx(found.upper, abs=1e-12)


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("interval", INTERVALS)
def test_functions_of_one_value(name: str, interval: tuple[float, float]) -> None:
    known = Range(*interval, True, True, frozenset({"a"}))
    check([UNARY[name](x) for x in points(*interval)], range_of_call(name, [known]))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(("first", "second"), list(itertools.product(INTERVALS, INTERVALS)))
def test_functions_of_two_values(name: str, first: tuple[float, float], second: tuple[float, float]) -> None:
    a, b = Range(*first, True, True, frozenset({"a"})), Range(*second, True, True, frozenset({"b"}))
    check([BINARY[name](x, y) for x in points(*first) for y in points(*second)], range_of_call(name, [a, b]))
    same = Range(*first, True, True, frozenset({"a"}))
    check([BINARY[name](x, x) for x in points(*first)], range_of_call(name, [same, same]))


def test_a_latent_reaches_its_ends_and_a_data_column_does_not() -> None:
    latent = Range(-math.inf, math.inf, True, True, frozenset({"a"}))
    data = Range(-math.inf, math.inf)
    assert latent.is_outside(POSITIVE)
    assert not data.is_outside(POSITIVE)
    assert range_of_call("add", [latent, data]).is_outside(POSITIVE)
    assert not range_of_call("exp", [latent]).is_outside(POSITIVE)
    assert not range_of_call("inv_logit", [latent]).is_outside(UNIT)
    assert range_of_call("negate", [range_of_call("exp", [latent])]).is_outside(POSITIVE)


def test_numbers_are_known() -> None:
    assert constant(0).is_outside(POSITIVE)
    assert not constant(1).is_outside(UNIT)
    assert constant(1.5).is_outside(UNIT)
