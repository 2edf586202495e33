"""Checks the posterior family named after `approx`."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass

from qemppl.lang.check.law_ends import LawEnds
from qemppl.lang.check.law_fit import Declared
from qemppl.lang.check.law_forms import PHRASES
from qemppl.lang.check.laws import CheckedLaw
from qemppl.lang.check.not_yet import LATER_FAMILIES
from qemppl.lang.check.report import Reporter
from qemppl.lang.syntax import ast
from qemppl.numerics.supports import BOOLEAN, CIRCLE, Support

_FORMS = {"dirichlet": "simplex"}
"""Families of vectors whose components satisfy something together; of one such vector, alone."""


@dataclass
class PosteriorFamilies:
    """The checker of `approx`. supports: of each family. of_vectors: the families of several numbers together."""

    report: Reporter
    supports: Mapping[str, Support]
    of_vectors: Container[str]

    def check(
        self, statement: ast.Latent, declared: Declared | None, law: CheckedLaw | None, *, is_joint: bool
    ) -> str | None:
        """The name after `approx`, if it names a family; reports one that does not fit the latent."""
        family = statement.family
        if family is None:
            return None
        support = self.supports.get(family.text)
        if support is None and family.text in LATER_FAMILIES:
            self.report.unsupported(f"the posterior family `{family.text}` is", family.span)
            return None
        if support is None:
            notes = (f"families: {', '.join(sorted(self.supports))}",)
            hint = self.report.did_you_mean(family.text, [*self.supports, *LATER_FAMILIES])
            message = f"there is no posterior family `{family.text}`"
            self.report.error("QEM412", message, family.span, notes=notes, hint=hint)
            return None
        if declared is None or law is None:
            return family.text
        misfit = self._misfit(statement, declared, law, is_joint)
        if misfit is not None:
            note = f"a value of `{family.text}` is {_phrase(family.text, support)}"
            self.report.error("QEM413", misfit, family.span, notes=(note,))
        return family.text

    def _misfit(self, statement: ast.Latent, declared: Declared, law: CheckedLaw, is_joint: bool) -> str | None:
        """Why a family does not fit; None if it does. A vector, or a `joint` block, is normal on the unbounded scale."""
        assert statement.family is not None
        name, family = statement.name.text, statement.family.text
        support = self.supports[family]
        if support.integer != (declared.kind.kind == "int"):
            wanted, given = ("whole", "real") if support.integer else ("real", "whole")
            return f"`{family}` is a family of {wanted} numbers, and `{name}` takes {given} ones"
        is_angle = (
            support is CIRCLE and declared.type.form is None and not is_joint
        )  # angles of a vector have one family each
        if not (support.integer or is_angle) and (is_joint or declared.kind.event or family in self.of_vectors):
            return self._vector_misfit(name, family, declared, is_joint)
        ends = LawEnds(
            law.ends.lower if declared.lower.is_infinite else declared.lower,
            law.ends.upper if declared.upper.is_infinite else declared.upper,
        )
        bounded = (not ends.lower.is_infinite) + (not ends.upper.is_infinite)
        is_right = bounded == math.isfinite(support.lower) + math.isfinite(support.upper)
        if is_right and (support != BOOLEAN or _is_pair(ends)) and (support != CIRCLE or ends.go_round(math.tau)):
            return None
        return f"`{family}` does not fit `{name}`, whose values lie in {ends.text}"

    def _vector_misfit(self, name: str, family: str, declared: Declared, is_joint: bool) -> str | None:
        """`_misfit` where several numbers, or a family of several, are concerned."""
        rank = len(declared.kind.event)
        if family in _FORMS:
            if declared.type.form == _FORMS[family] and rank == 1 and not is_joint:
                return None
            what = "in a `joint` block" if is_joint else f"declared {declared.type.phrase}"
            return f"`{family}` is a family of one {_FORMS[family]} by itself, and `{name}` is {what}"
        if family in self.of_vectors:
            return None if is_joint or rank else f"`{family}` is a family of vectors, and `{name}` is a scalar"
        what = "in a `joint` block" if is_joint else "a vector" if rank == 1 else "a matrix"
        return f"`{family}` is a family of single numbers, and `{name}` is {what}"


def _is_pair(ends: LawEnds) -> bool:
    """Whether there are two whole numbers between the ends."""
    return ends.lower.is_known and ends.upper.is_known and ends.upper.value - ends.lower.value == 1


def _phrase(family: str, support: Support) -> str:
    if family in _FORMS:
        return PHRASES[_FORMS[family]]
    if support == CIRCLE:
        return f"{support.phrase}, between bounds {math.tau:.6g} apart"
    return f"{support.phrase}, up to shift{'' if support.integer else ' and scale'}"
