"""Checks the parts of `type name ~ law(...)` that latents of `model` and draws of `generated quantities` share."""

from __future__ import annotations

from dataclasses import dataclass

from qemppl.lang.check.declarations import Declarations
from qemppl.lang.check.law_fit import Declared, LawFit, value_range
from qemppl.lang.check.law_shapes import Outcome
from qemppl.lang.check.laws import CheckedLaw, LawChecker
from qemppl.lang.check.reducers import Site
from qemppl.lang.check.scope import BlockName, Role, Scope, Symbol
from qemppl.lang.syntax import ast


@dataclass
class TypedLaws:
    """The checker of declared types and their laws."""

    scope: Scope
    declarations: Declarations
    laws: LawChecker

    def __post_init__(self) -> None:
        self.fit = LawFit(self.scope, self.laws.misfits)
        self._declared: dict[int, Declared | None] = {}

    def declared(self, statement: ast.Latent, plate: str | None, block: BlockName) -> Declared | None:
        """The type and the bounds; None if one of them is wrong, which is reported once."""
        if id(statement) in self._declared:
            return self._declared[id(statement)]
        kind = self.declarations.type(statement.type, statement.name, plate, block=block)
        bounds = self.declarations.bounds(statement.type, plate)
        found = None
        if kind is not None and bounds is not None:
            found = Declared(statement.type, statement.name, kind, bounds)
        self._declared[id(statement)] = found
        return found

    def law(self, node: ast.Law, statement: ast.Latent, declared: Declared | None, site: Site) -> CheckedLaw | None:
        """The law of the declared values; that of the first step may be another than `statement.law`."""
        self._refuse_restrictions(node, statement, declared)
        self._refuse_itself(node, statement.name)
        name = statement.name
        if declared is None:
            return self.laws.check(node, site, Outcome(name.text, name.span))
        kind = declared.type
        law = self.laws.check(node, site, Outcome(name.text, name.span, kind.type, kind.form, kind.array_axes))
        known = self.laws.named(node)
        if known is None and kind.type.event:
            self.laws.misfits.add(name.text)  # the right law may ask for another form
        if known is None or name.text in self.laws.misfits:
            return law
        return law if self.fit.serves(declared, known, node, is_first=node is statement.initial) else None

    def _refuse_itself(self, node: ast.Law, name: ast.Name) -> None:
        """A law that uses the name that it is given to, other than with `prev`."""
        stack = [argument.value for argument in node.arguments]
        while stack:
            part = stack.pop()
            if isinstance(part, ast.Variable) and part.name == name.text and name.text not in self.scope.symbols:
                message = f"the law of `{name.text}` depends on `{name.text}` itself"
                hint = f"for the value at the step before, write `prev({name.text})` inside `chain step {{ ... }}`"
                self.scope.report.error("QEM238", message, part.span, hint=hint)
                self.scope.forgiven.add(name.text)
                return
            if not (isinstance(part, ast.Apply) and part.function.text == "prev"):
                stack.extend(ast.children(part))

    def declaring(self, statement: ast.Latent, declared: Declared | None, plate: str | None) -> Symbol:
        """The name as far as its declaration tells, for `prev` of it in its own law."""
        name = statement.name
        if declared is None:
            return Symbol(name.text, "latent", name.span, None, plate)
        kind, values = declared.type, declared.bounds.range
        return Symbol(name.text, "latent", name.span, kind.type, plate, values, kind.form, kind.array_axes)

    def symbol(
        self, statement: ast.Latent, role: Role, declared: Declared | None, law: CheckedLaw | None, plate: str | None
    ) -> Symbol:
        """The name with its values; nothing more is said about one whose declaration does not fit its law."""
        name = statement.name
        if declared is None or name.text in self.laws.misfits:
            return Symbol(name.text, role, name.span, None, plate)
        kind, values = declared.type, value_range(name.text, declared, law)
        return Symbol(name.text, role, name.span, kind.type, plate, values, kind.form, kind.array_axes)

    def _refuse_restrictions(self, node: ast.Law, statement: ast.Latent, declared: Declared | None) -> None:
        """`T[ , ]` and censoring restrict observations."""
        report, name = self.scope.report, statement.name.text
        if node.truncation is not None:
            ends = (("lower", node.truncation.lower), ("upper", node.truncation.upper))
            bounds = ", ".join(f"{side}={end.span.text}" for side, end in ends if end is not None)
            kind = f"{statement.type.kind}<{bounds}>" if bounds else statement.type.kind
            message = f"`T[ , ]` truncates an observation; `{name}` is truncated by the bounds of its declaration"
            takes_bounds = statement.type.kind in {"real", "int", "vector"} and not statement.type.bounds
            law = f"{node.name.text}({', '.join(argument.span.text for argument in node.arguments)})"
            hint = f"write `{kind} {name} ~ {law};`" if takes_bounds and bounds else "leave it out"
            self.scope.mention(*(end for _, end in ends if end is not None))
            report.error("QEM449", message, node.truncation.span, hint=hint)
        if node.censoring is not None:
            self.scope.mention(node.censoring.flag)
            message = f"`{node.censoring.side}_censored` belongs to an observation, and `{name}` is not observed"
            report.error("QEM450", message, node.censoring.span, hint="leave it out")
