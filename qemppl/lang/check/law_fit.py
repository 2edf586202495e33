"""Checks a declaration `type name ~ law(...)` against its law: kind, form and bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from qemppl.diagnostics.diagnostic import Label
from qemppl.distributions.base import Law
from qemppl.ir.model import ValueType
from qemppl.lang.check.declarations import DeclaredBounds, DeclaredType
from qemppl.lang.check.law_ends import Comparison, End, LawEnds, compare, declared_end
from qemppl.lang.check.law_forms import PHRASES
from qemppl.lang.check.laws import CheckedLaw
from qemppl.lang.check.ranges import Range
from qemppl.lang.check.scope import Scope
from qemppl.lang.syntax import ast

_ORDERED = frozenset({"ordered", "positive_ordered"})
_LAWS_OF_FORMS = {"simplex": "dirichlet(rep_vector(1, {size}))", "cholesky_factor_corr": "lkj_corr_cholesky(2)"}
"""A vague law for each form that only its own laws serve."""


@dataclass(frozen=True)
class Declared:
    """What a statement says about the values of its name, apart from their law."""

    node: ast.Type
    name: ast.Name
    type: DeclaredType
    bounds: DeclaredBounds

    @property
    def kind(self) -> ValueType:
        return self.type.type

    @property
    def lower(self) -> End:
        if self.type.form == "positive_ordered":
            return End(0.0)
        values = self.bounds.range
        return declared_end(self.bounds.bounds.lower, values.lower, is_known=values.reaches_lower, otherwise=-math.inf)

    @property
    def upper(self) -> End:
        values = self.bounds.range
        return declared_end(self.bounds.bounds.upper, values.upper, is_known=values.reaches_upper, otherwise=math.inf)


@dataclass
class LawFit:
    """The checker of laws against declarations; `misfits` gathers the names whose declared kind or form is not that of their law."""

    scope: Scope
    misfits: set[str]

    def serves(self, declared: Declared, law: Law, node: ast.Law, *, is_first: bool = False) -> bool:
        """Whether a law has values of the declared kind and form, whatever its arguments are. is_first: it is that after `init`."""
        is_right = self._fits_kind(declared, law, node, is_first) and self._fits_form(declared, law, node)
        if not is_right:
            self.misfits.add(declared.name.text)
        return is_right

    def check(self, declared: Declared, law: CheckedLaw, *, is_enumerated: bool = False, is_draw: bool = False) -> bool:
        """Whether a law that serves the declaration has values between its bounds; warns where these are wider than the law.

        is_enumerated: a sum over all values normalises the law, which then needs no cdf. is_draw: no family has to fit the values.
        """
        if declared.type.form is not None and declared.type.form not in _ORDERED:
            return True
        if not self._overlaps(declared, law):
            return False
        if law.law.period is not None:
            return is_draw or self._goes_round_once(declared, law, law.law.period)
        found = self._comparisons(declared, law)
        is_cut = any(comparison in {"narrower", "unknown"} for comparison in found.values())
        if is_cut and not (is_enumerated or law.law.has_cdf or law.law.improper):
            self._no_cdf(declared, law)
            return False
        if declared.kind.kind == "int":
            self._differing_sizes(declared, law, found["upper"])
        if not is_draw:
            self._wider(declared, law, found)
        return True

    # Kinds.

    def _fits_kind(self, declared: Declared, law: Law, node: ast.Law, is_first: bool) -> bool:
        name, is_int = declared.name.text, declared.kind.kind == "int"
        if is_int == law.support.integer:
            return True
        report, labels = self.scope.report, (Label(declared.node.span, f"declared `{declared.kind.kind}`"),)
        array = f"array[{_sizes(declared)}] " if declared.kind.event else ""
        if is_int:
            message = f"`{name}` is int, and `{law.name}` is a law of real values"
            hint = (
                "take a law of whole numbers"
                if is_first
                else f"declare `{array}real {name}`, or take a law of whole numbers"
            )
            report.error("QEM407", message, node.name.span, labels=labels, hint=hint)
        else:
            message = f"`{name}` is real, and `{law.name}` is a law of whole numbers"
            bounds = LawEnds(End(law.support.lower), End(law.support.upper)).bounds
            hint = "take a law of real values" if is_first else f"declare `{array}int{bounds} {name}`"
            report.error("QEM408", message, node.name.span, labels=labels, hint=hint)
        return False

    # Forms.

    def _fits_form(self, declared: Declared, law: Law, node: ast.Law) -> bool:
        form, name = declared.type.form, declared.name.text
        if law.form == form or (law.form is None and form in _ORDERED and not law.sizes):
            return True
        report, labels = self.scope.report, (Label(declared.node.span, "declared here"),)
        if law.form is not None:
            message = f"a value of `{law.name}` is {PHRASES[law.form]}, and `{name}` is declared {declared.type.phrase}"
            hint = f"declare `{self._with_form(declared, law.form)} {name}`"
            report.error("QEM441", message, node.name.span, labels=labels, hint=hint)
            return False
        assert form is not None
        size = declared.kind.event[-1]
        plain = self._with_form(declared, "vector")
        hint = f"declare `{plain} {name}`"
        if form in _LAWS_OF_FORMS:
            hint = f"write `~ {_LAWS_OF_FORMS[form].format(size=size)}`, or {hint}"
        message = (
            f"`{name}` is {PHRASES[form]}, and a value of `{law.name}` is {'any vector' if law.sizes else 'any number'}"
        )
        report.error("QEM442", message, node.name.span, labels=labels, hint=hint)
        return False

    @staticmethod
    def _with_form(declared: Declared, form: str) -> str:
        """The declared type with another form: `array[K] simplex[K]`."""
        *outer, size = declared.kind.event or ("n",)
        if form == "cholesky_factor_corr" and outer:
            outer.pop()
        array = f"array[{', '.join(map(str, outer))}] " if outer else ""
        return f"{array}{form}[{size}]"

    # Bounds.

    def _comparisons(self, declared: Declared, law: CheckedLaw) -> dict[str, Comparison]:
        return {
            "lower": compare(declared.lower, law.ends.lower, is_lower=True),
            "upper": compare(declared.upper, law.ends.upper, is_lower=False),
        }

    def _goes_round_once(self, declared: Declared, law: CheckedLaw, period: float) -> bool:
        """Whether the bounds of a latent on a circle are a whole turn apart."""
        if LawEnds(declared.lower, declared.upper).go_round(period):
            return True
        name = declared.name.text
        message = f"`{law.law.name}` goes round a circle: `{name}` needs bounds {period:.6g} apart"
        hint = f"declare `real<lower={-period / 2!r}, upper={period / 2!r}> {name}`"
        self.scope.report.error("QEM456", message, law.node.span, hint=hint)
        return False

    def _overlaps(self, declared: Declared, law: CheckedLaw) -> bool:
        lower = max(declared.lower.value, law.ends.lower.value)
        upper = min(declared.upper.value, law.ends.upper.value)
        if lower < upper or (lower == upper and law.law.support.integer):
            return True
        message = f"`{law.law.name}` has no values between the bounds of `{declared.name.text}`"
        self.scope.report.error("QEM405", message, law.node.span, notes=(f"its values lie in {law.ends.text}",))
        return False

    def _no_cdf(self, declared: Declared, law: CheckedLaw) -> None:
        name = law.law.name
        message = f"`{name}` has no cdf, so it cannot be truncated to the bounds of `{declared.name.text}`"
        hint = f"declare `{self._as_the_law(declared, law.ends)} {declared.name.text}`"
        self.scope.report.error("QEM423", message, law.node.span, hint=hint)

    def _wider(self, declared: Declared, law: CheckedLaw, found: dict[str, Comparison]) -> None:
        """Warn of an end beyond that of the law; not of one that cannot be declared, or that a discrete latent need not have."""
        own = {"lower": declared.lower, "upper": declared.upper}
        sides = {"lower": law.ends.lower, "upper": law.ends.upper}
        wider = [side for side, comparison in found.items() if comparison == "wider"]
        is_int = declared.kind.kind == "int"
        if not wider or any(sides[side].written is None or (is_int and own[side].is_infinite) for side in wider):
            return
        name = declared.name.text
        message = f"`{name}` is declared wider than its law, whose values lie in {law.ends.text}"
        hint = f"declare `{self._as_the_law(declared, law.ends)} {name}`"
        self.scope.report.warning("QEM420", message, law.node.span, hint=hint)

    def _differing_sizes(self, declared: Declared, law: CheckedLaw, found: Comparison) -> None:
        """Warn where the categories of a law and the declaration are sizes of two names."""
        upper, most = declared.upper.text, law.ends.upper.text
        counts = law.law.categories is not None and law.law.categories[1] == 0
        if found == "unknown" and counts and upper is not None and most is not None:
            name = declared.name.text
            message = f"`{name}` is declared up to `{upper}`, and `{law.law.name}` has `{most}` values"
            hint = f"declare `{self._as_the_law(declared, law.ends)} {name}`"
            self.scope.report.warning("QEM455", message, law.node.span, hint=hint)

    def _as_the_law(self, declared: Declared, ends: LawEnds) -> str:
        """The declared type with the bounds of the law."""
        node = declared.node
        array = f"array[{', '.join(size.span.text for size in node.array)}] " if node.array else ""
        sizes = f"[{', '.join(size.span.text for size in node.sizes)}]" if node.sizes else ""
        return f"{array}{node.kind}{ends.bounds}{sizes}"


def _sizes(declared: Declared) -> str:
    return ", ".join(map(str, declared.kind.event))


def value_range(name: str, declared: Declared | None, law: CheckedLaw | None) -> Range:
    """The interval between the bounds in which the law has values; its ends are reached where they are known numbers."""
    if declared is not None and declared.type.form is not None:
        return replace(declared.bounds.range, sources=frozenset({name}))
    if declared is None or law is None:
        bounds = declared.bounds.range if declared is not None else Range()
        return Range(bounds.lower, bounds.upper, sources=frozenset({name}))
    lower = max(declared.lower, law.ends.lower, key=lambda end: end.value)
    upper = min(declared.upper, law.ends.upper, key=lambda end: end.value)
    knows_lower = declared.lower.is_known and law.ends.lower.is_known
    knows_upper = declared.upper.is_known and law.ends.upper.is_known
    return Range(lower.value, upper.value, knows_lower, knows_upper, frozenset({name}))
