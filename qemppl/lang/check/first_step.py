"""Checks `init`: the law of the first step of a chain, which has no step before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qemppl.lang.check.law_fit import Declared
from qemppl.lang.check.laws import CheckedLaw
from qemppl.lang.check.reducers import Site
from qemppl.lang.check.scope import Scope
from qemppl.lang.check.typed_laws import TypedLaws
from qemppl.lang.syntax import ast


@dataclass
class FirstSteps:
    """The checker of the law after `init`."""

    scope: Scope
    typed: TypedLaws

    def check(self, statement: ast.Latent, declared: Declared | None, plate: str | None) -> CheckedLaw | None:
        """The law of the first step, which a latent has if and only if its law reaches back with `prev`."""
        initial, reaching = statement.initial, next(previous_calls(statement.law), None)
        is_chain = plate is not None and self.scope.plates[plate].is_chain
        if initial is None:
            if reaching is not None and is_chain:
                self._lacks_init(statement, reaching, str(plate))
            return None
        if not self._may_have_init(statement, initial, reaching, plate if is_chain else None):
            self.scope.mention(*(argument.value for argument in initial.arguments))
            return None
        return self.typed.law(initial, statement, declared, Site(plate, "model"))

    def _lacks_init(self, statement: ast.Latent, reaching: ast.Apply, chain: str) -> None:
        law = statement.law.name.text
        self.scope.report.error(
            "QEM331",
            f"the first step of `{chain}` has none before it: `{statement.name.text}` needs a law for it",
            reaching.span,
            hint=f"add it behind the law: `~ {law}(...) init {law}(...);`",
        )

    def _may_have_init(
        self, statement: ast.Latent, initial: ast.Law, reaching: ast.Apply | None, chain: str | None
    ) -> bool:
        report, name = self.scope.report, statement.name.text
        if chain is None and reaching is not None:
            return False  # where `prev` stands is reported already
        if chain is None:
            message = (
                f"`init` is the law of the first step of a chain, and `{name}` is not declared directly inside one"
            )
            report.error("QEM332", message, initial.span, hint="leave `init` out")
            return False
        if reaching is None:
            message = f"`{name}` does not depend on the step before, so all its steps have one law"
            hint = f"leave `init` out, or use `prev({name})` in the law"
            report.error("QEM332", message, initial.span, hint=hint)
            return False
        back = next(previous_calls(initial), None)
        if back is None:
            return True
        message = "`init` is the law of the first step, which has none before it"
        report.error("QEM333", message, back.span, hint="give it a law without `prev`")
        return False


def reached_before(block: ast.PlateBlock) -> Iterator[ast.Latent]:
    """The latents of a chain that `prev` reaches in statements before their own: at the step before, they all have a value."""
    reached: set[str] = set()
    for statement in ast.leaves(block.body):
        if not isinstance(statement, ast.Latent):
            continue
        if statement.name.text in reached and _stands_in(block, statement):
            yield statement
        names = (part for call in previous_calls(statement.law) for part in call.arguments)
        reached |= {part.name for part in names if isinstance(part, ast.Variable)}


def _stands_in(block: ast.PlateBlock | ast.JointBlock, statement: ast.Latent) -> bool:
    """Whether it stands in a block itself, and not in a plate inside of that."""
    return any(
        part is statement or (isinstance(part, ast.JointBlock) and _stands_in(part, statement)) for part in block.body
    )


def previous_calls(law: ast.Law) -> Iterator[ast.Apply]:
    """The uses of `prev` in the arguments of a law."""
    stack = [argument.value for argument in reversed(law.arguments)]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Apply) and node.function.text == "prev":
            yield node
        stack.extend(reversed(ast.children(node)))
