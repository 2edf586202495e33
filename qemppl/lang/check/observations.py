"""Checks observations: `y ~ law(...) T[lower, upper] right_censored(flag);`."""

from __future__ import annotations

from dataclasses import dataclass, field

from qemppl.diagnostics.diagnostic import Label
from qemppl.ir.model import RandomVariable
from qemppl.lang.check.law_ends import End, LawEnds
from qemppl.lang.check.law_shapes import Outcome
from qemppl.lang.check.laws import CheckedLaw, LawChecker
from qemppl.lang.check.reducers import Site
from qemppl.lang.check.restrictions import Restrictions
from qemppl.lang.check.scope import ROLE_PHRASES, Scope, Symbol
from qemppl.lang.syntax import ast


@dataclass
class ObservationChecker:
    """The checker of untyped `~`; `observed` gathers where each name got its law."""

    scope: Scope
    laws: LawChecker
    observed: dict[str, ast.Name] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._restrictions = Restrictions(self.scope, self.laws.expressions)

    def check(self, statement: ast.Observation, plate: str | None) -> RandomVariable | None:
        """The observation; None if something is wrong."""
        name = statement.name
        if statement.family is not None:
            message = "`approx` belongs to a latent: an observation has no posterior"
            self.scope.report.error("QEM413", message, statement.family.span, hint="leave it out")
        symbol = self._symbol(name)
        outcome = Outcome(name.text, name.span)
        if symbol is not None:
            outcome = Outcome(name.text, symbol.span, symbol.type, symbol.form, symbol.array_axes)
        inner = symbol.plate if symbol is not None and self.scope.is_within(symbol.plate, plate) else plate
        law = self.laws.check(statement.law, Site(inner), outcome)
        restrictions = self._restrictions.check(statement.law, inner, symbol, law)
        if symbol is None or symbol.type is None:
            return None
        self.observed[name.text] = name
        if symbol.plate != plate:
            if statement.brackets is None:  # which were reported, and say where it belongs
                self._wrong_plate(name, symbol, plate)
            return None
        if not self._fits_kind(statement, symbol, law) or law is None or restrictions is None:
            return None
        if not self._overlaps(statement, symbol, law.ends):
            return None
        bounds, censoring = restrictions
        return RandomVariable(
            name.text,
            symbol.plate,
            law.law.name,
            law.arguments,
            symbol.type,
            True,
            statement.span,
            bounds,
            symbol.form,
            censoring=censoring,
        )

    # The name.

    def _symbol(self, name: ast.Name) -> Symbol | None:
        """The data that `name ~ ...` observes; reports any other meaning of the name."""
        report, scope = self.scope.report, self.scope
        symbol = scope.symbols.get(name.text)
        scope.used.add(name.text)
        if name.text in scope.forgiven and (symbol is None or symbol.type is None):
            return None
        if symbol is None:
            hint = scope.did_you_mean(name.text, (n for n, s in scope.symbols.items() if s.role == "data"))
            rewrite = f"declare it in `data`, or give a latent its type: `real {name.text} ~ ...;`"
            message = f"`{name.text}` has a law but is not declared"
            report.error("QEM206", message, name.span, hint=hint or rewrite)
            scope.forgiven.add(name.text)
            return None
        if symbol.role == "latent" or name.text in self.observed:
            first = self.observed[name.text].span if name.text in self.observed else symbol.span
            labels = (Label(first, "the first `~` is here"),)
            report.error("QEM207", f"`{name.text}` has two laws", name.span, labels=labels, hint="keep one of them")
            return None
        if symbol.role != "data":
            message = f"`{name.text}` is {ROLE_PHRASES[symbol.role]} and cannot have a law: only data are observed"
            hint = None
            if symbol.role == "definition":
                hint = "compute it from data in `transformed data`, or state the law of its parts"
            report.error("QEM215", message, name.span, labels=(symbol.label,), hint=hint)
            return None
        return symbol

    def _wrong_plate(self, name: ast.Name, symbol: Symbol, plate: str | None) -> None:
        scope = self.scope
        own = f"for each member of `{symbol.plate}`" if symbol.plate else "only"
        here = f"inside `{scope.opener(plate)}`" if plate else "outside of that plate"
        where = f"inside `{scope.opener(symbol.plate)} {{ ... }}`" if symbol.plate else "outside of every plate"
        message = f"`{symbol.name}` has one value {own}, but is observed {here}"
        notes: tuple[str, ...] = ()
        if symbol.is_transformed and symbol.plate is None:
            notes = ("its value does not depend on any plate, so it is the same for all members",)
        scope.report.error(
            "QEM307", message, name.span, labels=(symbol.label,), notes=notes, hint=f"observe it {where}"
        )

    # The law.

    def _fits_kind(self, statement: ast.Observation, symbol: Symbol, checked: CheckedLaw | None) -> bool:
        """Whether data are whole numbers where the law has these, whatever its arguments are."""
        law = self.laws.named(statement.law)
        if law is None or symbol.type is None:
            return False
        report, name, span = self.scope.report, symbol.name, statement.law.name.span
        is_int, is_discrete = symbol.type.kind == "int", law.support.integer
        if is_int and not is_discrete:
            message = f"`{name}` is int, and `{law.name}` is a law of real values"
            hint = f"declare `{name}` as real, or take a law of whole numbers"
            report.error("QEM407", message, span, labels=(symbol.label,), hint=hint)
            return False
        if is_discrete and not is_int:
            message = f"`{name}` is real, and `{law.name}` is a law of whole numbers"
            ends = checked.ends if checked is not None else LawEnds(End(law.support.lower), End(law.support.upper))
            array = f"array[{', '.join(map(str, symbol.type.event))}] " if symbol.type.event else ""
            hint = f"declare `{symbol.as_data(f'{array}int{ends.bounds}')}`"
            report.error("QEM408", message, span, labels=(symbol.label,), hint=hint)
            return False
        return True

    def _overlaps(self, statement: ast.Observation, symbol: Symbol, ends: LawEnds) -> bool:
        if symbol.range.upper >= ends.lower.value and symbol.range.lower <= ends.upper.value:
            return True
        message = f"`{symbol.name}` is declared where `{statement.law.name.text}` has no values"
        notes = (f"its values lie in {ends.text}",)
        self.scope.report.error("QEM405", message, statement.law.span, labels=(symbol.label,), notes=notes)
        return False
