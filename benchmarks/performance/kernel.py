"""The bare kernel: the matrix products and exponentials that no version of a plan can do without, and nothing else.

For every table of log-densities: the matrix product over statistics where there is one, or else a single product or sum of two numbers for
each entry; one exponential for each entry that particles are summed out of, in the precision of the plan; the sum itself, or the product
of two such tables, and the product of the table with the adjoint of that sum, which is the weight of every particle. Numbers are
random, memory is allocated before, blocks fit the cache.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import repeat
from math import prod
from statistics import median
from typing import Any

import torch

from benchmarks.performance.cases import Case
from benchmarks.performance.ours import PARTICLES, plan_of
from qemppl.compile.plan import Plan
from qemppl.compile.program import Instruction

BLOCK = 1 << 18
"""Entries of a block."""
ITERATIONS = 15
PACKED = re.compile(r"log of (products|a product) of (\d+) rows")
"""Of exponentials that few terms have, or of an exponential for each row."""
SUMMED = re.compile(r"sum of products of (\d+) rows")
EXPONENTIAL = ("bernoulli", "poisson", "binomial", "categorical")
Work = Callable[[], object]


def works(plan: Plan) -> Iterator[Work]:
    """What has to be done in an iteration. Blocks of one shape share their memory."""
    for level in plan.levels:
        of_factors = {factor.slot for factor in level.factors}
        for instruction in level.instructions:
            if "->" in instruction.operation or "matrix product" in instruction.operation:
                yield from _products(plan, instruction)
            elif instruction.target in of_factors:
                yield from _elementwise(plan, instruction)
    single = {step.output for step in plan.single_steps}
    for step in plan.elimination.steps:
        inside = prod(plan.particles[dim] for dim in step.eliminated)
        for part in step.parts:
            entries = plan.axes.size(step.plate) * prod(plan.particles[dim] for dim in part)
            dtype = torch.float32 if step.output in single else torch.float64
            yield from (_summed(rows, inside, dtype) for rows in _blocks(entries // inside, inside))
        if len(step.parts) > 1:
            left, right = (prod(plan.particles[dim] for dim in part) // inside for part in step.parts)
            yield from (_product(rows, inside, right) for rows in _blocks(plan.axes.size(step.plate) * left, right))


def _products(plan: Plan, instruction: Instruction) -> Iterator[Work]:
    """Of the first operand with the second, over the last event axis of the first."""
    first, layout = plan.trunk.layouts[instruction.sources[0]], instruction.layout
    others = prod(plan.particles[group] for group in layout.groups if group not in first.groups)
    rows = plan.axes.size(layout.plate) * prod(plan.particles[g] for g in layout.groups if g in first.groups)
    yield from (_product(count, first.event[-1], others) for count in _blocks(rows, others))


def _elementwise(plan: Plan, instruction: Instruction) -> Iterator[Work]:
    """One product for each entry; one for each row of a pack, with an exponential where it has one, and a logarithm; an exponential where
    the law has one."""
    layout = instruction.layout
    entries = plan.axes.size(layout.plate) * prod(plan.particles[group] for group in layout.groups) * prod(layout.event)
    packed, summed = PACKED.match(instruction.operation), SUMMED.match(instruction.operation)
    for rows in _blocks(entries, 1):
        width = int(packed[2]) if packed else int(summed[1]) if summed else 1
        yield from repeat(_each(rows, torch.square), width)
        if packed and packed[1] == "a product":
            yield from repeat(_each(rows, torch.exp2), width)
        if packed:
            yield _each(rows, torch.log)
        elif instruction.operation.startswith(EXPONENTIAL):
            yield _each(rows, torch.exp2)


def _blocks(rows: int, width: int) -> Iterator[int]:
    size = max(BLOCK // width, 1)
    return (min(size, rows - start) for start in range(0, rows, size))


@cache
def _product(rows: int, columns: int, others: int) -> Work:
    left, right = _random(rows, columns), _random(columns, others)
    out = torch.empty(rows, others, dtype=left.dtype)
    return lambda: torch.mm(left, right, out=out)


@cache
def _each(entries: int, function: Callable[..., torch.Tensor]) -> Work:
    values = _random(entries)
    out = torch.empty_like(values)
    return lambda: function(values, out=out)


@cache
def _summed(rows: int, inside: int, dtype: torch.dtype) -> Work:
    terms, adjoint = _random(rows, inside).to(dtype), _random(rows).to(dtype)
    out, total, weight = (
        torch.empty_like(terms),
        torch.empty(rows, dtype=dtype),
        torch.empty(inside, dtype=dtype),
    )

    def work() -> None:
        torch.exp2(terms, out=out)
        torch.sum(out, 1, out=total)
        torch.mv(out.T, adjoint, out=weight)

    return work


def _random(*shape: int) -> torch.Tensor:
    return torch.rand(shape, dtype=torch.float64)


def iterations(case: Case) -> dict[str, Any]:
    """Seconds of the work of an iteration, the median."""
    every = list(works(plan_of(case, PARTICLES)))
    seconds = []
    for _ in range(ITERATIONS):
        start = time.perf_counter()
        for work in every:
            work()
        seconds.append(time.perf_counter() - start)
    return {"seconds": median(seconds[2:])}
