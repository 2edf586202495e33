"""Warnings of what is right but rarely meant; computed only when asked for, on a model without errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from qemppl.distributions.base import Law
from qemppl.ir.model import Call, Constant, Expr, Gather, Lag, LatentRef, ModelIR, RandomVariable, children, walk
from qemppl.lang.check.dependence import informed, names_in
from qemppl.lang.check.discrete import MOST_STATES
from qemppl.lang.check.ranges import ANYTHING, Range, constant, range_of_call
from qemppl.lang.check.scope import Scope

_WIDEST = {"normal": 1e3, "student_t": 1e3, "logistic": 1e3, "laplace": 1e3, "cauchy": 1e2, "lognormal": 10.0}
"""Scales from which on a prior says next to nothing, by law; a cauchy reaches a hundred times further than it says."""
_WIDEST_INTERVAL = 1e3
_VAGUE_SHAPE = 0.1
_LOGISTIC = frozenset({"bernoulli_logit", "binomial_logit", "categorical_logit", "ordered_logistic"})


@dataclass
class Pedantic:
    """The rules; `scope` knows the range of every name."""

    scope: Scope
    model: ModelIR
    laws: Mapping[str, Law]

    def warn(self) -> None:
        """Report what is found, statement by statement."""
        reached = informed(self.model)
        used = names_in(e for statement in self.model.statements for e in statement.expressions)
        dangling = used - reached
        for latent in self.model.latents:
            self._wide(latent)
            self._vague(latent)
            self._flat(latent)
            self._uniform_scale(latent)
            self._truncated(latent)
            self._ordered(latent)
            self._countable(latent)
            self._uninformed(latent, dangling)
        for statement in (*self.model.transformed, *self.model.statements, *self.model.generated):
            for expression in statement.expressions:
                self._arithmetic(expression)

    # Priors.

    def _wide(self, latent: RandomVariable) -> None:
        names = [argument.name for argument in self.laws[latent.law].arguments]
        ranges = dict(zip(names, map(self._range, latent.arguments), strict=True))
        scale = ranges.get("sigma", ANYTHING)
        width = math.inf
        if latent.law in _WIDEST and scale.is_constant and scale.lower >= _WIDEST[latent.law]:
            width = scale.lower
        elif latent.law == "uniform":
            lower, upper = ranges.values()
            if lower.is_constant and upper.is_constant and upper.lower - lower.lower >= _WIDEST_INTERVAL:
                width = upper.lower - lower.lower
        if math.isfinite(width):
            message = f"the prior of `{latent.name}` is very wide ({width:g}): nearly all of it lies far from any plausible value"
            hint = "take a scale of the size that you expect, or rescale the data and take `normal(0, 2)`"
            self._report("QEM470", message, latent, hint)

    def _vague(self, latent: RandomVariable) -> None:
        if latent.law not in {"gamma", "inv_gamma"}:
            return
        shape = self._range(latent.arguments[0])
        if shape.is_constant and shape.lower < _VAGUE_SHAPE:
            message = f"`{latent.law}` with a shape of {shape.lower:g} is not vague: it decides about values near 0 and far away"
            hint = "for a standard deviation, write `real<lower=0> s ~ normal(0, 1);` with the scale that you expect"
            self._report("QEM471", message, latent, hint)

    def _flat(self, latent: RandomVariable) -> None:
        if not self.laws[latent.law].improper:
            return
        logistic = next((o for o in self.model.observations if o.law in _LOGISTIC), None)
        if logistic is not None:
            message = f"`{latent.name}` has a flat prior in a logistic model: where the data separate, its posterior is not proper"
            self._report("QEM472", message, latent, "write `normal(0, 2.5)`")
        else:
            message = f"`{latent.name}` has an improper prior: the evidence of the model is not defined"
            self._report("QEM473", message, latent, "take a wide law, such as `normal(0, 10)`, to compare models")

    def _uniform_scale(self, latent: RandomVariable) -> None:
        if latent.law != "uniform" or not self._is_scale(latent.name):
            return
        message = f"`{latent.name}` is a scale with a uniform prior, whose upper end cuts the posterior off"
        self._report(
            "QEM474", message, latent, f"write `real<lower=0> {latent.name} ~ normal(0, ...)`, or `exponential`"
        )

    def _is_scale(self, name: str) -> bool:
        """Whether a latent is itself the scale of a law."""
        for variable in (*self.model.latents, *self.model.observations):
            for declared, value in zip(self.laws[variable.law].arguments, variable.arguments, strict=True):
                if declared.name == "sigma" and isinstance(value, LatentRef) and value.name == name:
                    return True
        return False

    def _truncated(self, latent: RandomVariable) -> None:
        """A truncated law with latent arguments: its normaliser, dropped by a plain Stan program, counts."""
        bounds, law = latent.bounds, self.laws[latent.law]
        cuts_lower = bounds.lower is not None and self._range(bounds.lower).lower > law.support.lower
        cuts_upper = bounds.upper is not None and self._range(bounds.upper).upper < law.support.upper
        is_cut = (cuts_lower or cuts_upper) and latent.type.kind == "real" and not law.improper and law.period is None
        if not is_cut or law.least is not None or not names_in(latent.arguments):
            return
        message = f"`{latent.name}` is truncated with latent arguments: the law is normalised here, unlike in Stan without `T[ , ]`"
        self._report("QEM475", message, latent, None)

    def _ordered(self, latent: RandomVariable) -> None:
        is_ordered = latent.form in {"ordered", "positive_ordered"}
        own = [argument for argument in latent.arguments if argument.type.event]
        if is_ordered and names_in(own):
            message = f"each component of `{latent.name}` has a law of its own, with latent arguments: their order is not normalised"
            self._report("QEM476", message, latent, "give all components the same law")

    def _countable(self, latent: RandomVariable) -> None:
        values = self.scope.symbols[latent.name].range
        if latent.sampled and not latent.type.event and values.upper - values.lower < MOST_STATES:
            count = values.upper - values.lower + 1
            message = f"`{latent.name}` has {count:g} values only, and summing over them is exact"
            self._report("QEM477", message, latent, "leave `sampled` out")

    def _uninformed(self, latent: RandomVariable, dangling: set[str]) -> None:
        name = latent.name
        if name in dangling:
            message = f"no observation depends on `{name}`, not even through other names: its posterior is its prior"
            self._report("QEM478", message, latent, "use it in the law of an observation, or remove it")

    # Arithmetic.

    def _arithmetic(self, expression: Expr) -> None:
        for node in walk(expression):
            if not isinstance(node, Call):
                continue
            if node.function == "divide" and all(part.type.kind == "int" for part in node.arguments):
                message = f"`{_text(node)}` is real division, also of whole numbers; Stan rounds towards 0"
                hint = "write it with a decimal point if you compare with Stan: `1.0 / 2`"
                self.scope.report.warning("QEM479", message, node.span, hint=hint)
            elif node.function in {"power", "pow"} and self._may_be_undefined(*node.arguments):
                message = f"`{_text(node)}` is not a number where `{_text(node.arguments[0])}` is negative"
                self.scope.report.warning(
                    "QEM480", message, node.span, hint="bound the base below by 0, or take a whole exponent"
                )

    def _may_be_undefined(self, base: Expr, exponent: Expr) -> bool:
        values, power = self._range(base), self._range(exponent)
        is_whole = exponent.type.kind == "int" or (power.is_constant and power.lower == math.floor(power.lower))
        return not is_whole and values.lower < 0 and (values.reaches_lower or values.upper < 0)

    # Parts.

    def _range(self, expression: Expr) -> Range:
        """The values of an expression. Iterative: parents come after their parts."""
        found: dict[int, Range] = {}
        for node in reversed([*walk(expression)]):
            found[id(node)] = self._combine(node, [found[id(part)] for part in children(node)])
        return found[id(expression)]

    def _combine(self, node: Expr, parts: list[Range]) -> Range:
        match node:
            case Constant():
                return constant(node.value)
            case Call():
                return range_of_call(node.function, parts)
            case Gather() | Lag():
                return parts[0]
            case _:
                symbol = self.scope.symbols.get(getattr(node, "name", ""))
                return symbol.range if symbol is not None else ANYTHING

    def _report(self, code: str, message: str, latent: RandomVariable, hint: str | None) -> None:
        span = self.scope.symbols[latent.name].span
        self.scope.report.warning(code, message, span, hint=hint)


def _text(expression: Expr) -> str:
    text = " ".join(expression.span.text.split())
    return text if len(text) <= 40 else "this"
