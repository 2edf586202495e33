"""Checks `f(e over plate)`, which brings the values of members outward."""

from __future__ import annotations

from dataclasses import dataclass

from qemppl.ir.functions import CALLABLE, PLATE_REDUCTIONS
from qemppl.ir.model import PlateReduce, ValueType
from qemppl.lang.check.ranges import range_of_call
from qemppl.lang.check.rewriting import one_line
from qemppl.lang.check.scope import BlockName, Outward, Scope, Symbol, Value
from qemppl.lang.syntax import ast

_SYNONYMS = {
    "average": "mean",
    "avg": "mean",
    "total": "sum",
    "std": "sd",
    "stdev": "sd",
    "minimum": "min",
    "maximum": "max",
}
_REDUCERS = ", ".join(f"`{name}`" for name in PLATE_REDUCTIONS)


@dataclass(frozen=True)
class Site:
    """Where an expression stands: its plate, its block, and the latent whose own law it belongs to.

    reducer: the function that is to bring the members of a plate outward here, for hints.
    """

    plate: str | None
    block: BlockName = "model"
    declaring: Symbol | None = None
    reducer: str | None = None

    @property
    def outward(self) -> Outward | None:
        """How a name of an inner plate may be meant here, for hints."""
        if self.reducer is None and not self.reduces:
            return None
        return Outward(self.reducer or "sum", is_here=self.reduces)

    @property
    def reduces(self) -> bool:
        """Whether `f(e over plate)` may stand here."""
        return self.block in {"transformed data", "generated quantities"}


@dataclass
class Reducers:
    """The checker of `sum(value over plate)`."""

    scope: Scope

    def over(self, node: ast.Reduce) -> str | None:
        """The plate on which the reduced value is read; reports one that is unknown."""
        if self.scope.is_plate(node.over):
            return node.over.text
        self.scope.mention(node.value)
        return None

    def reduce(self, node: ast.Reduce, value: Value, site: Site) -> Value | None:
        """The value that the members of a plate have together."""
        over = node.over.text
        if not self._is_reducer(node) or not self._is_allowed(node, value, site):
            return None
        around = self.scope.plates[over].parent
        while around is not None and not self.scope.is_within(site.plate, around):
            around = self.scope.plates[around].parent
        name = node.function.text
        is_int = value.type.kind == "int" and name in {"sum", "min", "max"}
        kind = ValueType("int" if is_int else "real", value.type.event, around)
        form = value.form if name == "mean" else None
        expr = PlateReduce(name, value.expr, over, kind, node.span)
        return Value(expr, range_of_call(name, (value.range,)), value.is_row, form, value.array_axes)

    def _is_reducer(self, node: ast.Reduce) -> bool:
        name, report = node.function, self.scope.report
        if name.text in PLATE_REDUCTIONS:
            return True
        what = "does not take the members of a plate" if name.text in CALLABLE else "is no function"
        near = _SYNONYMS.get(name.text)
        hint = f"write `{near}`" if near else report.did_you_mean(name.text, PLATE_REDUCTIONS)
        message = f"`{name.text}` {what}"
        note = f"the members of a plate become one value with {_REDUCERS}"
        report.error("QEM314", message, name.span, notes=(note,), hint=hint)
        return False

    def _is_allowed(self, node: ast.Reduce, value: Value, site: Site) -> bool:
        if site.reduces:
            return True
        text, plate = one_line(node.span), node.over.text
        notes: tuple[str, ...] = ()
        if value.depends_on_latents:
            message = f"`{text}` depends on latents: it is computed in `generated quantities`, not in `{site.block}`"
            notes += (f"in `model`, the members of `{plate}` are independent given what is declared around them",)
            hint = "move it there; what the members share is an outer latent, such as the mean of their law"
        else:
            name = f"{node.value.name}_{node.function.text}" if isinstance(node.value, ast.Variable) else "x"
            message = f"`{text}` depends on data only: it is computed in `transformed data`"
            hint = f"define it there, `real {name} = {text};`, and write `{name}`"
        self.scope.report.error("QEM315", message, node.span, notes=notes, hint=hint)
        return False
