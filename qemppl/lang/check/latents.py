"""Checks latents: type, bounds, law, first step of a chain and posterior family against each other."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from qemppl.ir.model import InitialLaw, RandomVariable
from qemppl.lang.check.discrete import DiscreteLatents
from qemppl.lang.check.first_step import FirstSteps
from qemppl.lang.check.law_fit import Declared
from qemppl.lang.check.laws import CheckedLaw
from qemppl.lang.check.posterior_families import PosteriorFamilies
from qemppl.lang.check.reducers import Site
from qemppl.lang.check.rewriting import law_text
from qemppl.lang.check.scope import Scope
from qemppl.lang.check.typed_laws import TypedLaws
from qemppl.lang.syntax import ast
from qemppl.numerics.supports import Support


@dataclass
class LatentChecker:
    """The checker of `sampled type name ~ law(...) init law(...) approx family;`."""

    scope: Scope
    typed: TypedLaws
    families: Mapping[str, Support]
    vector_families: Container[str]

    def __post_init__(self) -> None:
        self._families = PosteriorFamilies(self.scope.report, self.families, self.vector_families)
        self._discrete = DiscreteLatents(self.scope)
        self._steps = FirstSteps(self.scope, self.typed)

    def foresee(self, statement: ast.Latent, plate: str) -> None:
        """Makes a latent of a chain known to `prev` in statements before its own."""
        declared = self.typed.declared(statement, plate, "model")
        self.scope.ahead[statement.name.text] = self.typed.declaring(statement, declared, plate)

    def check(self, statement: ast.Latent, plate: str | None, *, is_joint: bool) -> RandomVariable | None:
        """The latent that a statement declares, and its name entered; None if something is wrong."""
        name = statement.name
        declared = self.typed.declared(statement, plate, "model")
        site = Site(plate, "model", self.typed.declaring(statement, declared, plate))
        law = self.typed.law(statement.law, statement, declared, site)
        initial = self._steps.check(statement, declared, plate)
        is_enumerated = statement.type.kind == "int" and not statement.is_sampled
        is_right = declared is not None and self._fits(declared, law, initial, is_enumerated)
        if declared is not None:
            fitting = law if is_right else None
            is_right = self._discrete.check(statement, declared, fitting, is_joint=is_joint) and is_right
        if not is_enumerated:
            self._families.check(statement, declared, law, is_joint=is_joint)
        existing = self.scope.symbols.get(name.text)
        if existing is not None and existing.role == "data":
            self.scope.used.add(name.text)
            hint = f"observe it without a type: `{name.text} ~ {law_text(statement.law)};`"
            message = f"`{name.text}` is data: a typed `~` declares a latent"
            self.scope.report.error("QEM208", message, name.span, labels=(existing.label,), hint=hint)
            return None
        if not self.scope.declare(self.typed.symbol(statement, "latent", declared, law, plate)):
            return None
        if declared is None or law is None or not is_right:
            return None
        return RandomVariable(
            name.text,
            plate,
            law.law.name,
            law.arguments,
            declared.kind,
            False,
            statement.span,
            declared.bounds.bounds,
            declared.type.form,
            family=statement.family.text if statement.family is not None else None,
            sampled=statement.is_sampled,
            initial=InitialLaw(initial.law.name, initial.arguments) if initial is not None else None,
        )

    def _fits(
        self, declared: Declared, law: CheckedLaw | None, initial: CheckedLaw | None, is_enumerated: bool
    ) -> bool:
        """Whether the law, and that of the first step, fit the declaration; reports both."""
        found = [self.typed.fit.check(declared, each, is_enumerated=is_enumerated) for each in (law, initial) if each]
        return all(found)
