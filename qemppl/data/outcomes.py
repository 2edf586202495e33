"""Outcomes: observations that are impossible whatever the latents are, found before anything is fitted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from qemppl.data.arguments import above, below, fractional
from qemppl.data.evaluate import Array
from qemppl.data.forms import form_faults
from qemppl.data.located import Located, Mask, by_member
from qemppl.data.report import counted, number
from qemppl.distributions.base import Law
from qemppl.distributions.registry import LAWS
from qemppl.ir.model import DataRef, Expr, RandomVariable, ValueType

_Ends = Iterator[tuple[Mask, Mask, Callable[[int], str]]]
"""Values below a range and above it, and what the range is."""


def present_rows(located: Located, observation: RandomVariable) -> Mask | None:
    """(member,) whether the row has an outcome, every component of it; None where the values are not known."""
    name = observation.name
    if not located.is_sound(name):
        return None
    x = located.bound.arrays[name]
    missing = np.isnan(by_member(x, observation.plate))
    rows: Mask = np.any(missing, axis=-1)
    declared = next((v.span for v in located.bound.ir.data if v.name == name), None)
    mixed = rows & np.any(~missing, axis=-1)
    if mixed.any():
        values = counted(int(mixed.sum()), "value")
        message = f"some components are missing in {values} of {name}: such a value counts as missing"
        located.report.note("QEM746", message, name, declared)
    if rows.size and rows.all():
        message = f"all values of {name} are missing: it tells nothing about the latents"
        located.report.warning("QEM745", message, name, declared)
    return ~rows


def check_outcome(located: Located, observation: RandomVariable, present: Mask) -> None:
    """The outcomes of an observation against the support of its law, its truncation, and the flags of censoring."""
    name, law = observation.name, LAWS[observation.law]
    x = located.bound.arrays[name].astype(np.float64)
    x = np.where(present.reshape(-1, *(1,) * (x.ndim - 1)) if observation.plate else present[0], x, np.nan)
    is_right, is_left = _censored(located, observation, x.shape, present)
    found = fractional(law.support, x)
    located.report_values("QEM741", name, found, lambda _: f"but {law.name} yields {law.support.phrase}")
    for low, high, say in _ranges(located, observation, law, x):
        wrong = ((low & ~is_right) | (high & ~is_left)) & ~found
        located.report_values("QEM741", name, wrong, say)
        found = found | wrong
    declared = next((v.form for v in located.bound.ir.data if v.name == name), None)
    if law.form is not None and law.form != declared and not found.any():
        for unfit, say in form_faults(law.form, x, f"outcome of {law.name}"):
            located.report_parts("QEM741", name, unfit, say)


def _ranges(located: Located, observation: RandomVariable, law: Law, x: Array) -> _Ends:
    """The ranges outside which an outcome is impossible."""
    yield below(law.support, x), above(law.support, x), lambda _: f"but {law.name} yields {law.support.phrase}"
    by_name = dict(zip((argument.name for argument in law.arguments), observation.arguments, strict=True))
    none = np.zeros(x.shape, np.bool_)
    if law.categories is not None:
        argument, offset = law.categories
        most = located.bound.size(by_name[argument].type.event[-1]) + offset
        yield (
            none,
            x > most,
            lambda _: f"but {law.name} yields at most {most} here: {argument} has {most - offset} components",
        )
    ends = (
        (by_name.get(law.least or ""), by_name.get(law.most or ""), f"but {law.name} yields"),
        (observation.bounds.lower, observation.bounds.upper, "but it is truncated to"),
    )
    for lower, upper, what in ends:
        low, high = (_end(located, observation, end, x.shape) for end in (lower, upper))
        if low is not None:
            yield x < low, none, _limit(f"{what} at least", low)
        if high is not None:
            yield none, x > high, _limit(f"{what} at most", high)


def _end(located: Located, observation: RandomVariable, end: Expr | None, shape: tuple[int, ...]) -> Array | None:
    """An end of a range at each outcome, where there is one and it is known."""
    if end is None or located.is_faulty(end):
        return None
    return located.seen_from(end, observation.type, shape)


def _limit(what: str, ends: Array) -> Callable[[int], str]:
    return lambda i: f"{what} {number(ends.flat[i])} here"


def _censored(
    located: Located, observation: RandomVariable, shape: tuple[int, ...], present: Mask
) -> tuple[Mask, Mask]:
    """Which outcomes are only bounds from below, and which from above; reports flags that are neither 0 nor 1."""
    none = np.zeros(shape, np.bool_)
    censoring = observation.censoring
    if censoring is None or located.is_faulty(censoring.flag):
        return none, none
    flag = censoring.flag
    value = located.evaluator.evaluate(flag)
    if value is None:
        return none, none
    wrong = (value != 0) & (value != 1)
    if flag.type.plate == observation.plate and wrong.shape == present.shape:
        wrong &= present
    message = f"but {censoring.side}_censored takes 1 for a censored outcome, else 0"
    if isinstance(flag, DataRef) and flag.name in located.columns:
        located.report_values("QEM748", flag.name, wrong, lambda _: message)
    elif wrong.any():
        located.report.error("QEM748", f"{flag.span.text} is neither 0 nor 1, {message}", None, flag.span)
    row = ValueType("int", observation.type.event, observation.plate)
    flags = np.broadcast_to(located.evaluator.align(value, flag.type, row), shape) != 0
    return (flags, none) if censoring.side == "right" else (none, flags)
