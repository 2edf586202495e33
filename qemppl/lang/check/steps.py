"""Checks what reaches along a chain: `prev(x)` for its latents, `lag(y, k)` for its data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qemppl.ir.model import Lag, Previous
from qemppl.lang.check.reducers import Site
from qemppl.lang.check.scope import ROLE_PHRASES, Scope, Symbol, Value
from qemppl.lang.syntax import ast


def further_back(name: str) -> str:
    """How to say what a latent was before the step before."""
    state = f"real {name}1 ~ normal(prev({name}), 1e-3) init ...;"
    return f"`prev` reaches one step back; keep what `{name}` was in a state of its own: `{state}`"


@dataclass
class Steps:
    """The checker of `prev(x)` and `lag(y, k)`."""

    scope: Scope

    # prev.

    def previous(self, node: ast.Apply, site: Site) -> Value | None:
        """The value of a latent of a chain at the step before."""
        name = self._latent_name(node)
        chain = self._chain(site.plate)
        if site.block != "model" or chain is None:
            self.scope.mention(*node.arguments)
            self._outside_chain(node, name, site)
            return None
        if name is None:
            self.scope.mention(*node.arguments)
            return None
        declaring = site.declaring
        is_own = declaring is not None and declaring.name == name.name
        symbol = declaring if is_own else self._find(name)
        if symbol is None or symbol.type is None or not self._steps_along(node, name, symbol, site):
            return None
        values = replace(symbol.range, sources=symbol.range.sources | {symbol.name})
        return Value(
            Previous(symbol.name, symbol.type, node.span), values, form=symbol.form, array_axes=symbol.array_axes
        )

    def _find(self, name: ast.Variable) -> Symbol | None:
        """A latent may be declared after a statement that reaches back to it."""
        ahead = None if name.name in self.scope.symbols else self.scope.ahead.get(name.name)
        if ahead is None:
            return self.scope.find(name.name, name.span)
        self.scope.used.add(name.name)
        return ahead

    def _latent_name(self, node: ast.Apply) -> ast.Variable | None:
        """The one name in the brackets; reports anything else."""
        arguments = node.arguments
        if len(arguments) == 1 and isinstance(arguments[0], ast.Variable):
            return arguments[0]
        report = self.scope.report
        hint: str | None = None
        if len(arguments) == 1:
            inner = arguments[0]
            hint = "apply `prev` to each latent in it: `prev(x) + 1` for `prev(x + 1)`"
            if isinstance(inner, ast.Apply) and inner.function.text == "prev" and inner.arguments:
                hint = further_back(inner.arguments[0].span.text)
            report.error("QEM317", "`prev` takes the name of a latent", arguments[0].span, hint=hint)
            return None
        if len(arguments) == 2 and isinstance(arguments[0], ast.Variable):
            name = arguments[0].name
            symbol = self.scope.symbols.get(name)
            is_data = symbol is not None and symbol.role == "data"
            hint = f"write `lag({name}, {arguments[1].span.text})`" if is_data else further_back(name)
        message = f"`prev` takes 1 argument, not {len(arguments)}"
        report.error("QEM401", message, node.span, notes=("signature: `prev(x)`",), hint=hint)
        return None

    def _chain(self, plate: str | None) -> str | None:
        """The innermost chain at or around a plate."""
        return next((p for p in reversed(self.scope.path(plate)) if self.scope.plates[p].is_chain), None)

    def _outside_chain(self, node: ast.Apply, name: ast.Variable | None, site: Site) -> None:
        if name is None:
            return
        labels, hint = (
            [],
            "declare a chain in `data`: `chain step;` and write it inside `chain step { ... }` of `model`",
        )
        if site.block == "model" and site.plate is not None:
            labels = [self.scope.symbols[site.plate].label]
            hint = f"if the members of `{site.plate}` follow each other in time, declare and open it as `chain {site.plate}`"
        elif site.block != "model":
            hint = "use it in `model`; for data, write `lag(y, 1)`"
        message = "`prev` belongs to the statements of a chain in `model`"
        self.scope.report.error("QEM316", message, node.span, labels=labels, hint=hint)

    def _steps_along(self, node: ast.Apply, name: ast.Variable, symbol: Symbol, site: Site) -> bool:
        """Whether a name is a latent of a chain that is open here."""
        scope = self.scope
        hint: str | None = None
        if symbol.role == "data":
            hint = f"write `lag({symbol.name}, 1)`"
        elif symbol.role != "latent":
            is_defined = symbol.role == "definition"
            hint = "define it from `prev` of the latents in it" if is_defined else None
        elif not scope.sees(symbol, name.span, site.plate):
            return False
        elif symbol.plate == self._chain(site.plate):
            return True
        else:
            self._not_of_chain(node, symbol, site)
            return False
        message = f"`prev` takes a latent of the chain, and `{symbol.name}` is {ROLE_PHRASES[symbol.role]}"
        scope.report.error("QEM317", message, name.span, labels=(symbol.label,), hint=hint)
        return False

    def _not_of_chain(self, node: ast.Apply, symbol: Symbol, site: Site) -> None:
        chain = self._chain(site.plate)
        if self._chain(symbol.plate) != chain:
            reason, hint = f"has one value for all steps of `{chain}`", f"write `{symbol.name}`"
        else:
            reason = f"belongs to `{symbol.plate}`, whose members are others at each step of `{chain}`"
            hint = f"declare it directly inside `chain {chain} {{ ... }}`"
        message = f"`{symbol.name}` {reason}: it has no value at the step before"
        self.scope.report.error("QEM317", message, node.span, labels=(symbol.label,), hint=hint)

    # lag.

    def lag(self, node: ast.Apply, parts: list[Value]) -> Value | None:
        """Data of a chain some steps before."""
        report, arguments = self.scope.report, node.arguments
        if len(parts) != 2:
            message = f"`lag` takes 2 arguments, not {len(parts)}"
            hint = f"write `lag({arguments[0].span.text}, 1)`" if len(parts) == 1 else None
            report.error("QEM401", message, node.span, notes=("signature: `lag(data, steps)`",), hint=hint)
            return None
        value, plate = parts[0], parts[0].type.plate
        text = arguments[0].span.text
        if value.depends_on_latents:
            hint = (
                f"write `prev({text})`"
                if isinstance(arguments[0], ast.Variable)
                else "write `prev` of the latents in it"
            )
            report.error("QEM318", "`lag` takes data, and this depends on latents", arguments[0].span, hint=hint)
            return None
        if plate is None or not self.scope.plates[plate].is_chain:
            self._no_chain_data(arguments[0], plate)
            return None
        steps = arguments[1]
        if not (isinstance(steps, ast.Number) and steps.integer and 1 <= steps.value < 2**31):
            message = "`lag` reaches a whole number of steps back, at least 1"
            report.error("QEM318", message, steps.span, hint=f"write a number: `lag({text}, 1)`")
            return None
        expr = Lag(value.expr, int(steps.value), plate, value.type, node.span)
        return Value(expr, value.range, value.is_row, value.form, value.array_axes)

    def _no_chain_data(self, argument: ast.Expression, plate: str | None) -> None:
        """`lag` of something that has no values at steps."""
        chain, hint = self._chain(plate), None
        if plate is None:
            where = "is the same for all steps"
        elif chain is None:
            where = f"lives on the plate `{plate}`"
            hint = f"if its members follow each other in time, declare `chain {plate};`"
        else:
            where = f"lives on `{plate}`, whose members are others at each step of `{chain}`"
        message = f"`lag` takes data of a chain, and `{argument.span.text}` {where}"
        self.scope.report.error("QEM318", message, argument.span, hint=hint)
