"""Checks latents: type, bounds, law and posterior family against each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from qemppl.ir.model import RandomVariable
from qemppl.lang.check.declarations import Declarations, DeclaredBounds
from qemppl.lang.check.laws import CheckedLaw, LawChecker
from qemppl.lang.check.ranges import Range
from qemppl.lang.check.scope import Scope, Symbol
from qemppl.lang.syntax import ast
from qemppl.numerics.supports import Support

_VECTOR_FAMILIES = "multi_"
"""What the names of the families of whole vectors start with."""


@dataclass
class LatentChecker:
    """The checker of `type name ~ law(...) approx family;`."""

    scope: Scope
    declarations: Declarations
    laws: LawChecker
    families: Mapping[str, Support]

    def check(self, statement: ast.Latent, plate: str | None, *, is_joint: bool) -> RandomVariable | None:
        """The latent that a statement declares, and its name entered; None if something is wrong."""
        name = statement.name
        kind = self.declarations.type(statement.type, plate)
        declared = self.declarations.bounds(statement.type, plate)
        law = self.laws.check(statement.law, plate, kind)
        values = _latent_range(name.text, declared, law)
        family = self._family(statement, values, is_joint)
        is_right = self._serves_kind(statement) and self._fits_law(statement, declared, law)
        existing = self.scope.symbols.get(name.text)
        if existing is not None and existing.role == "data":
            self.scope.used.add(name.text)
            hint = f"observe it without a type: `{name.text} ~ ...;`"
            message = f"`{name.text}` is data: a typed `~` declares a latent"
            self.scope.report.error("QEM208", message, name.span, labels=(existing.label,), hint=hint)
            return None
        known = kind if statement.type.kind != "int" else None
        if not self.scope.declare(Symbol(name.text, "latent", name.span, known, plate, values)):
            return None
        if kind is None or declared is None or law is None or not is_right:
            return None
        return RandomVariable(
            name.text, plate, law.law.name, law.arguments, kind, False, statement.span, declared.bounds, family
        )

    def _serves_kind(self, statement: ast.Latent) -> bool:
        if statement.type.kind != "int":
            return True
        hint = "declare a continuous latent, such as a probability or a rate"
        message = "discrete latents are not supported yet in this version"
        self.scope.report.error("QEM417", message, statement.type.span, hint=hint)
        return False

    def _fits_law(self, statement: ast.Latent, declared: DeclaredBounds | None, law: CheckedLaw | None) -> bool:
        """Whether the law has values between the bounds; warns where the declaration is wider than the law."""
        if law is None or declared is None or statement.type.kind == "int":
            return False
        report, name, support = self.scope.report, statement.name.text, law.law.support
        span = statement.law.span
        if support.integer:
            message = f"`{name}` is real, and `{law.law.name}` is a law of whole numbers"
            report.error("QEM408", message, statement.law.name.span)
            return False
        lower, upper = declared.range.lower, declared.range.upper
        if max(lower, law.range.lower) >= min(upper, law.range.upper):
            message = f"`{law.law.name}` has no values between the bounds of `{name}`"
            report.error("QEM405", message, span, notes=(f"its values lie in {interval_text(law.range)}",))
            return False
        is_cut = lower > law.range.lower or upper < law.range.upper
        if is_cut and not law.law.has_cdf and not law.law.improper:
            message = f"`{law.law.name}` has no cdf, so it cannot be truncated to the bounds of `{name}`"
            report.error("QEM423", message, span)
            return False
        if (lower < law.range.lower) or (upper > law.range.upper):
            hint = f"declare `{bounded_type(statement.type, law.range)} {name}`"
            values = interval_text(law.range)
            report.warning(
                "QEM420", f"`{name}` is declared wider than its law, whose values lie in {values}", span, hint=hint
            )
        return True

    def _family(self, statement: ast.Latent, values: Range, is_joint: bool) -> str | None:
        """The name after `approx`, if it names a family that fits the latent."""
        family = statement.family
        if family is None:
            return None
        report, support = self.scope.report, self.families.get(family.text)
        if support is None:
            known = f"families: {', '.join(sorted(self.families))}"
            hint = report.did_you_mean(family.text, self.families)
            report.error(
                "QEM412", f"there is no posterior family `{family.text}`", family.span, notes=(known,), hint=hint
            )
            return None
        misfit = self._misfit(statement, family.text, support, values, is_joint)
        if misfit is not None:
            report.error(
                "QEM413",
                misfit,
                family.span,
                notes=(f"a value of `{family.text}` is {support.phrase}, up to shift and scale",),
            )
        return family.text

    @staticmethod
    def _misfit(statement: ast.Latent, family: str, support: Support, values: Range, is_joint: bool) -> str | None:
        """Why a family does not fit a latent; None if it does. A vector, or a `joint` block, is normal on the unbounded scale."""
        name = statement.name.text
        is_many = is_joint or statement.type.kind == "vector"
        if family.startswith(_VECTOR_FAMILIES):
            return None if is_many else f"`{family}` is a family of vectors, and `{name}` is a scalar"
        if is_many:
            return f"`{family}` is a family of single numbers, and `{name}` is {'in a `joint` block' if is_joint else 'a vector'}"
        bounded_ends = math.isfinite(values.lower) + math.isfinite(values.upper)
        family_ends = math.isfinite(support.lower) + math.isfinite(support.upper)
        if bounded_ends == family_ends:
            return None
        return f"`{family}` does not fit `{name}`, whose values lie in {interval_text(values)}"


def _latent_range(name: str, declared: DeclaredBounds | None, law: CheckedLaw | None) -> Range:
    """The interval between the bounds in which the law has values; its ends are reached where they are known numbers."""
    bounds = declared.range if declared is not None else Range()
    values = law.range if law is not None else Range()
    is_known = declared is not None and law is not None
    return Range(
        max(bounds.lower, values.lower),
        min(bounds.upper, values.upper),
        is_known and bounds.reaches_lower,
        is_known and bounds.reaches_upper,
        frozenset({name}),
    )


def interval_text(values: Range) -> str:
    """An interval as `[0, inf)`."""
    left = "(-inf" if math.isinf(values.lower) else f"[{values.lower:g}"
    right = "inf)" if math.isinf(values.upper) else f"{values.upper:g}]"
    return f"{left}, {right}"


def bounded_type(declared: ast.Type, values: Range) -> str:
    """The type with the bounds of an interval."""
    ends = [("lower", values.lower), ("upper", values.upper)]
    bounds = ", ".join(f"{name}={end:g}" for name, end in ends if math.isfinite(end))
    sizes = f"[{declared.sizes[0].span.text}]" if declared.sizes else ""
    return f"{declared.kind}<{bounds}>{sizes}"
