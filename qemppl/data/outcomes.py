"""Outcomes: observations that are impossible whatever the latents are, found before anything is fitted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qemppl.data.evaluate import Array
from qemppl.data.located import Located
from qemppl.data.report import number
from qemppl.distributions.base import Law
from qemppl.distributions.registry import LAWS
from qemppl.ir.model import Constant, DataRef, RandomVariable
from qemppl.numerics.supports import Support

_LEAST = {"uniform": "alpha"}
_MOST = {"uniform": "beta", "binomial": "n", "binomial_logit": "n"}
"""The argument that is an end of the support, by law."""


def check_law(located: Located, observation: RandomVariable) -> None:
    """The outcomes of one observation statement, and its arguments where they are data, against the law's supports."""
    law = LAWS[observation.law]
    _check_arguments(located, observation, law)
    if observation.name not in located.columns:
        return
    name, x = observation.name, located.bound.arrays[observation.name]
    impossible = outside(law.support, x)
    located.report_values("QEM741", name, impossible, lambda i: f"but {law.name} yields {law.support.phrase}")
    least = _end(located, observation, _LEAST)
    if least is not None:
        located.report_values(
            "QEM741",
            name,
            (x < least) & ~impossible,
            lambda i: f"but {law.name} yields at least {number(least.flat[i])} here",
        )
    most = _end(located, observation, _MOST)
    if most is not None:
        located.report_values(
            "QEM741",
            name,
            (x > most) & ~impossible,
            lambda i: f"but {law.name} yields at most {number(most.flat[i])} here",
        )


def _end(located: Located, observation: RandomVariable, ends: dict[str, str]) -> Array | None:
    """An end of the support at each outcome, where the law has such an end and it is known."""
    if observation.law not in ends:
        return None
    names = [argument.name for argument in LAWS[observation.law].arguments]
    expr = observation.arguments[names.index(ends[observation.law])]
    return located.seen_from(expr, observation.type, located.bound.arrays[observation.name].shape)


def _check_arguments(located: Located, observation: RandomVariable, law: Law) -> None:
    for argument, expr in zip(law.arguments, observation.arguments, strict=True):
        if isinstance(expr, Constant) or located.is_faulty(expr):
            continue  # a constant has been checked with the model
        value = located.evaluator.evaluate(expr)
        if value is None:
            continue
        wrong = outside(argument.support, value)
        required = f"but {argument.name} of {law.name} must be {argument.support.phrase}"
        if isinstance(expr, DataRef) and expr.name in located.columns:
            located.report_values("QEM742", expr.name, wrong, lambda i, required=required: required)  # type: ignore[misc]
        elif wrong.any():
            i = int(np.flatnonzero(wrong)[0])
            plate = expr.type.plate
            member = "" if plate is None else f" for {located.member(plate, i * len(value) // value.size)}"
            message = f"{expr.span.text} is {number(value.flat[i])}{member}, {required}"
            located.report.error("QEM742", message, None, expr.span)


def outside(support: Support, x: Array | NDArray[np.int64]) -> NDArray[np.bool_]:
    """Elementwise, whether a value lies outside a support; a missing value does not."""
    below = x <= support.lower if support.open_lower else x < support.lower
    above = x >= support.upper if support.open_upper else x > support.upper
    wrong: NDArray[np.bool_] = below | above
    if support.integer:
        wrong |= (x != np.floor(x)) & ~np.isnan(x)
    return wrong
