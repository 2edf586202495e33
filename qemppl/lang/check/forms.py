"""What the components of an expression satisfy together, as far as the functions that made it tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from qemppl.lang.check.ranges import Range

Form = Literal["simplex", "ordered", "positive_ordered", "cholesky_factor_corr", "cholesky_factor", "covariance"]
"""The forms that a declaration gives; and a covariance and its factor, which functions make."""
Part = tuple[Form | None, Range, bool]
"""What is known of an argument: its form, the range of its components, whether it is a single number."""

_ORDERED = frozenset({"ordered", "positive_ordered"})
FACTORS = frozenset({"cholesky_factor_corr", "cholesky_factor"})
"""Lower triangular matrices whose product with their transpose is a covariance."""


def form_of_call(function: str, parts: Sequence[Part]) -> Form | None:  # noqa: PLR0911 (one line a function)
    """The form of a builtin applied to arguments of known forms."""
    first, values, _ = parts[0]
    match function:
        case "softmax":
            return "simplex"
        case "cumulative_sum":
            return "positive_ordered" if _is_positive(values) else None
        case "exp":
            return "positive_ordered" if first in _ORDERED else None
        case "select":
            return parts[1][0] if parts[1][0] == parts[2][0] else None
        case "add" | "subtract" | "multiply" | "divide":
            return _arithmetic(function, parts)
        case "diag_pre_multiply":
            is_factor = parts[1][0] in FACTORS and not values.lower < 0
            return "cholesky_factor" if is_factor else None
        case "quad_form_diag":
            return first if first == "covariance" else None
        case _:
            return None


def _arithmetic(function: str, parts: Sequence[Part]) -> Form | None:
    """A shift, or a stretch by a positive number, keeps the order."""
    (first, _, _), (second, amount, is_number) = parts
    if second is not None and function in {"add", "multiply"} and parts[0][2]:
        return _arithmetic(function, parts[::-1])
    if first in FACTORS:
        return "cholesky_factor" if function in {"multiply", "divide"} and is_number and _is_positive(amount) else None
    if first not in _ORDERED or not is_number:
        return None
    if function in {"multiply", "divide"}:
        return first if _is_positive(amount) else None
    return "positive_ordered" if first == "positive_ordered" and function == "add" and amount.lower >= 0 else "ordered"


def _is_positive(values: Range) -> bool:
    """Whether values are positive, up to a bound of 0 that a latent only comes near to."""
    return values.lower > 0 or (values.lower == 0 and bool(values.sources))
