"""Checks discrete latents: those that are enumerated have finitely many values, and not too many."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qemppl.diagnostics.source import Span
from qemppl.lang.check.law_ends import End
from qemppl.lang.check.law_fit import Declared
from qemppl.lang.check.laws import CheckedLaw
from qemppl.lang.check.rewriting import bounds_text, law_text, one_line
from qemppl.lang.check.scope import Scope
from qemppl.lang.syntax import ast

MOST_STATES = 1000
"""Values of one discrete latent that are worth summing over."""


_LONGEST_LAW = 40


@dataclass
class DiscreteLatents:
    """The checker of `sampled`, and of what an enumerated latent can be."""

    scope: Scope

    def check(self, statement: ast.Latent, declared: Declared, law: CheckedLaw | None, *, is_joint: bool) -> bool:
        """Whether a latent can be summed over, if it is to be; a real one is never."""
        report, name = self.scope.report, statement.name
        if declared.kind.kind == "real":
            if statement.is_sampled:
                message = f"`sampled` belongs to a discrete latent, and `{name.text}` is real: it is sampled anyway"
                report.error("QEM445", message, sampled_keyword(statement), hint="leave `sampled` out")
            return not statement.is_sampled
        has_total = self._has_total(statement, law)
        if statement.is_sampled or not has_total:
            return has_total
        if is_joint:
            message = f"`{name.text}` is enumerated, and shares no particles with the other latents of a `joint` block"
            report.error(
                "QEM446", message, name.span, hint=f"move it out of the block, or write `sampled {_head(statement)}`"
            )
            return False
        if statement.family is not None:
            message = f"`{name.text}` is enumerated: its posterior is exact, and no family approximates it"
            hint = f"leave `approx {statement.family.text}` out"
            report.error("QEM447", message, statement.family.span, hint=hint)
            return False
        if declared.kind.event:
            self._several(statement)
            return False
        return law is None or self._is_finite(statement, declared, law)

    def _has_total(self, statement: ast.Latent, law: CheckedLaw | None) -> bool:
        """Whether the arguments of a law of counts tell their sum, or need not."""
        if law is None or law.law.samples:
            return True
        message = f"`{statement.name.text}` has no total: the arguments of `{law.law.name}` do not say how many counts there are"
        hint = (
            "give each component a law of its own: `poisson`, or `binomial` of what the others leave of a known total"
        )
        self.scope.report.error("QEM457", message, statement.law.name.span, hint=hint)
        return False

    def _several(self, statement: ast.Latent) -> None:
        """`array[n] int z ~ ...`: the members of a plate, one number each."""
        name, declared = statement.name.text, statement.type
        sizes = [one_line(size.span) for size in declared.array]
        plate = next((p for p in self.scope.plates.values() if [str(p.size)] == sizes), None)
        opener = self.scope.opener(plate.name) if plate is not None else "plate name"
        member = f"int{bounds_text(declared)}"
        message = f"`{name}` has several components: a discrete latent that is summed over is one number"
        hint = f"write `{opener} {{ {member} {name} ~ {law_text(statement.law)}; }}`"
        if plate is None:
            hint += f" with a plate of the data, such as `plate name[{', '.join(sizes)}];`" if len(sizes) == 1 else ""
        hint += f", or sample it: `sampled {_head(statement)}`"
        self.scope.report.error("QEM448", message, declared.span, hint=hint)

    def _is_finite(self, statement: ast.Latent, declared: Declared, law: CheckedLaw) -> bool:
        lowers, uppers = (declared.lower, law.ends.lower), (declared.upper, law.ends.upper)
        open_lower, open_upper = (all(map(_is_open, ends)) for ends in (lowers, uppers))
        if open_lower or open_upper:
            self._unbounded(statement, lower="a" if open_lower else None)
            return False
        if not all(end.is_known for end in (*lowers, *uppers)):
            return True  # counted when the data are there
        count = min(end.value for end in uppers) - max(end.value for end in lowers) + 1
        if count <= MOST_STATES:
            return True
        message = f"`{statement.name.text}` has {count:.0f} values; at most {MOST_STATES} can be summed over"
        hint = f"give it closer bounds, or write `sampled {_head(statement)}`"
        self.scope.report.error("QEM444", message, statement.type.span.to(statement.name.span), hint=hint)
        return False

    def _unbounded(self, statement: ast.Latent, lower: str | None) -> None:
        name, law = statement.name.text, " ".join(statement.law.span.text.split())
        law = law if len(law) <= _LONGEST_LAW else f"{statement.law.name.text}(...)"
        message = f"`{name}` is an unbounded int, and its infinitely many values cannot be enumerated"
        ends = f"lower={lower}, upper=b" if lower else "lower=0, upper=b"
        hint = f"bound it: `int<{ends}> {name} ~ {law};`, or sample it: `sampled {_head(statement)}`"
        self.scope.report.error("QEM443", message, statement.type.span.to(statement.name.span), hint=hint)


def _is_open(end: End) -> bool:
    """Whether an end is infinite, or depends on latents, so that nothing bounds it."""
    return end.is_infinite or (not end.is_known and end.text is None and math.isinf(end.value))


def sampled_keyword(statement: ast.Latent) -> Span:
    """The word `sampled`."""
    start = statement.span.start
    return Span(statement.span.source, start, start + len("sampled"))


def _head(statement: ast.Latent) -> str:
    """`int<lower=0> z ~ ...`."""
    return f"{one_line(statement.type.span)} {statement.name.text} ~ ...;"
