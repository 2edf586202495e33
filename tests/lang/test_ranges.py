"""Intervals against brute force: every value of an expression lies inside, and an end that is said to be reached is."""

from __future__ import annotations

import itertools
import math
import statistics
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
    "log1p_exp": lambda x: math.log1p(math.exp(x)),
    "sin": math.sin,
    "cos": math.cos,
    "floor": math.floor,
    "ceil": math.ceil,
}
BINARY: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b if b else math.nan,
    "remainder": lambda a, b: a % b if b else math.nan,
    "fmin": min,
    "fmax": max,
}
VECTOR: dict[str, Callable[[list[float]], list[float]]] = {
    "sum": lambda x: [sum(x)],
    "mean": lambda x: [statistics.mean(x)],
    "sd": lambda x: [statistics.stdev(x)],
    "min": lambda x: [min(x)],
    "max": lambda x: [max(x)],
    "log_sum_exp": lambda x: [math.log(sum(map(math.exp, x)))],
    "softmax": lambda x: [math.exp(v) / sum(map(math.exp, x)) for v in x],
    "cumulative_sum": lambda x: list(itertools.accumulate(x)),
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


@pytest.mark.parametrize("name", VECTOR)
@pytest.mark.parametrize("interval", INTERVALS)
def test_functions_of_a_vector(name: str, interval: tuple[float, float]) -> None:
    known = Range(*interval, True, True, frozenset({"a"}))
    grid = points(*interval)[::8]
    values = [v for x in itertools.product(grid, repeat=3) for v in VECTOR[name](list(x))]
    check(values, range_of_call(name, [known]))


@pytest.mark.parametrize(("first", "second"), list(itertools.product(INTERVALS, INTERVALS)))
def test_products_of_vectors_and_matrices(first: tuple[float, float], second: tuple[float, float]) -> None:
    a, b = Range(*first, True, True, frozenset({"a"})), Range(*second, True, True, frozenset({"b"}))
    grids = [points(*first)[::20]] * 2 + [points(*second)[::20]] * 2
    values = [p * r + q * s for p, q, r, s in itertools.product(*grids)]
    for name in ("dot_product", "matrix_vector", "matrix_product"):
        check(values, range_of_call(name, [a, b]))


def test_what_takes_every_number_reaches_both_ends_of_a_wave() -> None:
    anything = Range(-math.inf, math.inf, True, True, frozenset({"a"}))
    assert range_of_call("sin", [anything]) == Range(-1, 1, True, True, frozenset({"a"}))
    assert range_of_call("cos", [anything]).is_outside(POSITIVE)
    assert not range_of_call("lgamma", [anything]).is_outside(POSITIVE)


def test_a_repeated_number_keeps_its_range() -> None:
    assert range_of_call("rep_vector", [constant(2), constant(3)]) == constant(2)


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
