"""What values an expression can take, as far as declarations tell: interval arithmetic that knows which ends are really reached.

A latent reaches both ends of its declared bounds; a data column only stays between them. So `mu` without bounds certainly takes
negative values, whereas a data column without bounds may well be positive: only the first is a mistake where a scale is wanted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from qemppl.numerics.supports import Support

_MOST_SOURCES = 16
"""Beyond this many latents an expression is not followed: its ends count as not reached."""


@dataclass(frozen=True)
class Range:
    """Values lie in [lower, upper]; `reaches_*`: values come as near to that end as one likes.

    `sources`: the latents it depends on. Ends of a combination are reached only if its parts move independently.
    """

    lower: float = -math.inf
    upper: float = math.inf
    reaches_lower: bool = False
    reaches_upper: bool = False
    sources: frozenset[str] = frozenset()

    @property
    def is_constant(self) -> bool:
        return self.lower == self.upper

    def is_outside(self, support: Support) -> bool:
        """Whether some values certainly do not belong to the support."""
        below = self.lower < support.lower and (self.reaches_lower or self.upper < support.lower)
        above = self.upper > support.upper and (self.reaches_upper or self.lower > support.upper)
        at_open_end = self.is_constant and not support.contains(self.lower) and not support.integer
        return below or above or at_open_end

    @property
    def without_ends(self) -> Range:
        return replace(self, reaches_lower=False, reaches_upper=False)


ANYTHING = Range()


def constant(value: float) -> Range:
    """A single number."""
    return Range(value, value, True, True)


def _monotone(function: Callable[[float], float]) -> Callable[[Range], Range]:
    def apply(a: Range) -> Range:
        return replace(a, lower=function(a.lower), upper=function(a.upper))

    return apply


def _safe(function: Callable[[float], float], below: float, above: float) -> Callable[[float], float]:
    """`function`, with `below` left of its domain and `above` where it overflows."""

    def apply(x: float) -> float:
        try:
            return function(x)
        except ValueError:
            return below
        except OverflowError:
            return above

    return apply


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def _logit(x: float) -> float:
    if x <= 0:
        return -math.inf
    return math.inf if x >= 1 else math.log(x / (1 - x))


def _phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _negate(a: Range) -> Range:
    return Range(-a.upper, -a.lower, a.reaches_upper, a.reaches_lower, a.sources)


def _magnitude(power: Callable[[float], float]) -> Callable[[Range], Range]:
    """An even function that grows with |x|."""

    def apply(a: Range) -> Range:
        if a.lower >= 0:
            return replace(a, lower=power(a.lower), upper=power(a.upper))
        if a.upper <= 0:
            return apply(_negate(a))
        through_zero = a.reaches_lower and a.reaches_upper
        return replace(
            a, lower=0.0, upper=power(max(-a.lower, a.upper)), reaches_lower=through_zero, reaches_upper=through_zero
        )

    return apply


def _invert(a: Range) -> Range:
    if a.lower < 0 < a.upper or (a.lower == a.upper == 0):
        return replace(a, lower=-math.inf, upper=math.inf).without_ends
    lower = 1 / a.upper if a.upper != 0 else -math.inf
    upper = 1 / a.lower if a.lower != 0 else math.inf
    return replace(a, lower=lower, upper=upper, reaches_lower=a.reaches_upper, reaches_upper=a.reaches_lower)


def _independent(a: Range, b: Range) -> bool:
    return not (a.sources & b.sources) and len(a.sources) + len(b.sources) <= _MOST_SOURCES


def _sources(*ranges: Range) -> frozenset[str]:
    """The union; that of very many parts is cut short, since `_independent` then answers no."""
    widest = max(ranges, key=lambda r: len(r.sources)).sources
    return widest if len(widest) > _MOST_SOURCES else widest.union(*(r.sources for r in ranges))


def _add(a: Range, b: Range) -> Range:
    free = _independent(a, b)

    def reached(x: float, y: float, by_x: bool, by_y: bool) -> bool:
        """An infinite end of one part is reached whatever the other is; a finite sum needs both."""
        return free and ((by_x and by_y) or (by_x and math.isinf(x)) or (by_y and math.isinf(y)))

    return Range(
        a.lower + b.lower,
        a.upper + b.upper,
        reached(a.lower, b.lower, a.reaches_lower, b.reaches_lower),
        reached(a.upper, b.upper, a.reaches_upper, b.reaches_upper),
        _sources(a, b),
    )


def _product(x: float, y: float) -> float:
    return 0.0 if x == 0 or y == 0 else x * y


def _multiply(a: Range, b: Range) -> Range:
    free = _independent(a, b)
    for wide, other in ((a, b), (b, a)):
        covers_reals = wide.reaches_lower and wide.reaches_upper and math.isinf(wide.lower) and math.isinf(wide.upper)
        if covers_reals and free and not (other.is_constant and other.lower == 0):
            return replace(wide, sources=_sources(a, b))
    corners = [_product(x, y) for x in (a.lower, a.upper) for y in (b.lower, b.upper)]
    known = free and a.reaches_lower and a.reaches_upper and b.reaches_lower and b.reaches_upper
    return Range(min(corners), max(corners), known, known, _sources(a, b))


def _hull(parts: Sequence[Range]) -> Range:
    """Either of several, or something between them."""
    lower, upper = min(p.lower for p in parts), max(p.upper for p in parts)
    reaches_lower = any(p.reaches_lower for p in parts if p.lower == lower)
    reaches_upper = any(p.reaches_upper for p in parts if p.upper == upper)
    return Range(lower, upper, reaches_lower, reaches_upper, _sources(*parts))


def _power(a: Range, b: Range) -> Range:
    if b.is_constant and b.lower > 0 and b.lower % 2 == 0:
        return _magnitude(_safe(lambda x: x**b.lower, 0.0, math.inf))(a)
    if a.lower >= 0:
        return Range(0.0, math.inf, sources=_sources(a, b))
    return replace(ANYTHING, sources=_sources(a, b))


def _truth(*parts: Range) -> Range:
    return Range(0.0, 1.0, sources=_sources(*parts))


def _sum(a: Range) -> Range:
    """The sum of any number of values, of none too."""
    lower = 0.0 if a.lower >= 0 else -math.inf
    upper = 0.0 if a.upper <= 0 else math.inf
    return Range(lower, upper, a.reaches_lower and lower == a.lower, a.reaches_upper and upper == a.upper, a.sources)


def _same(a: Range) -> Range:
    return a


def _cumulative_sum(a: Range) -> Range:
    """The sums of the first component, of the first two, and so on."""
    return _hull((a, _sum(a)))


def _log_sum_exp(a: Range) -> Range:
    """At least the largest component, without a limit for many of them."""
    return Range(
        a.lower,
        math.inf,
        a.reaches_lower and a.lower == -math.inf,
        a.reaches_upper and a.upper == math.inf,
        a.sources,
    )


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _wave(a: Range) -> Range:
    """Sine and cosine: what takes every real number reaches both ends."""
    is_all = a.reaches_lower and a.reaches_upper and math.isinf(a.lower) and math.isinf(a.upper)
    return Range(-1.0, 1.0, is_all, is_all, a.sources)


def _rounded(function: Callable[[float], int]) -> Callable[[Range], Range]:
    """A step function: near an end that is not attained it may take another value."""

    def apply(a: Range) -> Range:
        lower, upper = (x if math.isinf(x) else float(function(x)) for x in (a.lower, a.upper))
        known = a.is_constant
        return Range(
            lower,
            upper,
            a.reaches_lower and (known or math.isinf(lower)),
            a.reaches_upper and (known or math.isinf(upper)),
            a.sources,
        )

    return apply


def _fmin(a: Range, b: Range) -> Range:
    """The smaller one comes near to a lower end with one part, to the upper end only with both."""
    lower = min(a.lower, b.lower)
    reaches_lower = any(part.reaches_lower for part in (a, b) if part.lower == lower)
    both = _independent(a, b) and a.reaches_upper and b.reaches_upper
    return Range(lower, min(a.upper, b.upper), reaches_lower, both, _sources(a, b))


def _spread(a: Range) -> Range:
    return Range(0.0, math.inf, sources=a.sources)


def _remainder(a: Range, b: Range) -> Range:
    """`a % b` lies between 0 and a positive `b`."""
    return Range(0.0, b.upper, sources=_sources(a, b)) if b.lower > 0 else Range(sources=_sources(a, b))


def _square(x: float) -> float:
    return x * x


_RULES: dict[str, Callable[..., Range]] = {
    "add": _add,
    "subtract": lambda a, b: _add(a, _negate(b)),
    "multiply": _multiply,
    "divide": lambda a, b: _multiply(a, _invert(b)),
    "remainder": _remainder,
    "power": _power,
    "pow": _power,
    "negate": _negate,
    "select": lambda _, a, b: _hull((a, b)),
    "exp": _monotone(_safe(math.exp, 0.0, math.inf)),
    "log": _monotone(_safe(math.log, -math.inf, math.inf)),
    "log1p": _monotone(_safe(math.log1p, -math.inf, math.inf)),
    "log1m": lambda a: _monotone(_safe(math.log1p, -math.inf, math.inf))(_negate(a)),
    "expm1": _monotone(_safe(math.expm1, -1.0, math.inf)),
    "sqrt": _monotone(_safe(math.sqrt, 0.0, math.inf)),
    "square": _magnitude(_square),
    "abs": _magnitude(abs),
    "inv": _invert,
    "inv_logit": _monotone(_safe(_logistic, 0.0, 1.0)),
    "logit": _monotone(_logit),
    "Phi": _monotone(_phi),
    "tanh": _monotone(math.tanh),
    "log1p_exp": _monotone(_softplus),
    "sin": _wave,
    "cos": _wave,
    "floor": _rounded(math.floor),
    "ceil": _rounded(math.ceil),
    "fmin": _fmin,
    "fmax": lambda a, b: _negate(_fmin(_negate(a), _negate(b))),
    "sum": _sum,
    "mean": _same,
    "sd": _spread,
    "min": _same,
    "max": _same,
    "log_sum_exp": _log_sum_exp,
    "softmax": _truth,
    "cumulative_sum": _cumulative_sum,
    "dot_product": lambda a, b: _sum(_multiply(a, b)),
    "rep_vector": lambda x, _: x,
    "matrix_vector": lambda a, x: _sum(_multiply(a, x)),
    "matrix_product": lambda a, b: _sum(_multiply(a, b)),
    "transpose": _same,
    "diag_pre_multiply": _multiply,
    **dict.fromkeys(
        ("not", "and", "or", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal"), _truth
    ),
}


def range_of_call(function: str, arguments: Sequence[Range]) -> Range:
    """The range of a builtin applied to arguments of known ranges."""
    rule = _RULES.get(function)
    if rule is None:
        return Range(sources=_sources(*arguments))
    result = rule(*arguments)
    if math.isnan(result.lower) or math.isnan(result.upper):
        return Range(sources=_sources(*arguments))
    return result
