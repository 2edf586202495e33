"""Random programs that mean something: names are drawn from what is in scope, with the right types, plates and supports.

Most of them reach the IR; a program may instead be given mistakes, each with a low probability wherever something is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from qemppl.distributions.base import Argument, Law

UNARY = ("sin", "cos", "tanh", "square", "abs", "floor", "ceil", "inv_logit", "Phi", "log1p_exp", "exp", "expm1")
POSITIVE_UNARY = ("log", "log1p", "sqrt", "inv", "lgamma", "-", "+")
OF_VECTOR = ("sum", "mean", "sd", "min", "max", "log_sum_exp")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
BOUNDS = {"positive": "<lower=0>", "count": "<lower=0>", "unit": "<lower=0, upper=1>", "bool": "<lower=0, upper=1>"}
SERVES = {"positive": {"positive"}, "unit": {"unit"}, "count": {"count", "bool", "index"}, "bool": {"bool"}}
"""The sets of values that an expression of a narrower set may take its names from; any other set takes all."""
DEEPEST = 3


@dataclass(frozen=True)
class Name:
    """A declared name. values: the set that its components lie in. axes: how many of `event` are an array's."""

    text: str
    role: str
    plate: str | None
    base: str = "real"
    event: tuple[str, ...] = ()
    axes: int = 0
    values: str = "real"
    form: str | None = None
    missing: bool = False
    bounds: str | None = None

    @property
    def type(self) -> str:
        """As it is declared."""
        bounds = BOUNDS.get(self.values, "") if self.form is None else ""
        if self.bounds is not None:
            bounds = self.bounds
        elif self.values == "index":
            bounds = f"<lower=1, upper={self.form}>"
        outer, own = self.event[: self.axes], self.event[self.axes :]
        array = f"array[{', '.join(outer)}] " if outer else ""
        if not own:
            return f"{array}{self.base}{bounds}"
        kind = ("vector", "matrix")[len(own) - 1]
        if self.form is not None and self.form != "covariance":
            kind, own = self.form, own[:1]
        return f"{array}{kind}{bounds}[{', '.join(own)}]"


@dataclass
class Place:
    """Where an expression stands. previous: the latents that `prev` may name. reduces: whether plates may be brought outward."""

    plate: str | None = None
    takes_latents: bool = False
    reduces: bool = False
    previous: tuple[Name, ...] = ()


@dataclass
class Expressions:
    """Writes expressions over the names declared so far. mistakes: the probability of each."""

    random: Random
    mistakes: float = 0.0
    names: list[Name] = field(default_factory=list)
    parents: dict[str, str | None] = field(default_factory=dict)
    chains: set[str] = field(default_factory=set)

    # Names.

    def path(self, plate: str | None) -> list[str | None]:
        return [None] if plate is None else [plate, *self.path(self.parents[plate])]

    def slips(self) -> bool:
        return self.random.random() < self.mistakes

    def maybe(self, probability: float) -> bool:
        return self.random.random() < probability

    def visible(self, place: Place, event: tuple[str, ...] | None = (), values: str = "real") -> list[Name]:
        """The names with one value of that shape on a plate; `event` None is any shape."""
        path = self.path(place.plate)
        return [
            name
            for name in self.names
            if name.plate in path
            and (place.takes_latents or name.role == "data")
            and not name.missing
            and (event is None or name.event == event)
            and (values not in SERVES or name.values in SERVES[values])
        ]

    def name(self, place: Place, event: tuple[str, ...], values: str = "real", base: str = "real") -> str | None:
        if self.slips():
            return self.random.choice([*(name.text for name in self.names), *self.parents, "nothing"])
        found = [n for n in self.visible(place, event, values) if base == "real" or n.base == "int"]
        return self.random.choice(found).text if found else None

    def operand(self, text: str) -> str:
        return f"({text})" if " " in text and not (text.endswith(")") and text[0].islower()) else text

    def pair(self, operator: str, a: str, b: str) -> str:
        return f"{self.operand(a)} {operator} {self.operand(b)}"

    # Numbers.

    def number(self, place: Place, values: str = "real", depth: int = DEEPEST) -> str:
        """A single number of a set."""
        if self.slips():
            return self.vector(place, "K", depth=1) if self.maybe(0.5) else self.number(place, depth=1)
        if depth <= 0 or self.maybe(0.3):
            return self.leaf(place, values)
        match values:
            case "positive":
                return self.positive(place, depth - 1)
            case "unit":
                return self.unit(place, depth - 1)
            case "int" | "count" | "bool":
                return self.integer(place, values, depth - 1)
            case _:
                return self.real(place, depth - 1)

    def leaf(self, place: Place, values: str) -> str:
        base = "int" if values in {"int", "count", "bool"} else "real"
        found = self.name(place, (), values, base)
        literals = {
            "unit": ("0.3", ".5"),
            "positive": ("1.5", "2", "1e-1"),
            "bool": "01",
            "count": "0123",
            "int": "012",
        }
        literal = self.random.choice(literals.get(values, ("0", "1", "-0.5", "2.5e-1", "-2")))
        return literal if found is None or self.maybe(0.2) else found

    def real(self, place: Place, depth: int) -> str:
        def sub(values: str = "real") -> str:
            return self.number(place, values, depth)

        match self.random.randrange(14):
            case 0 | 1 | 2:
                return self.pair(self.random.choice("+-*"), sub(), sub())
            case 3:
                return self.pair(self.random.choice("/%"), sub(), sub("positive"))
            case 4:
                return f"{self.random.choice(UNARY)}({sub()})"
            case 5:
                function = self.random.choice(POSITIVE_UNARY)
                return f"{function}({sub('positive')})"
            case 6:
                function = self.random.choice(("logit", "log1m"))
                return f"{function}({sub('unit')})" if self.maybe(0.5) else f"{sub('positive')}^({sub()})"
            case 7:
                function = self.random.choice(("fmin", "fmax", "pow"))
                return f"{function}({sub('positive' if function == 'pow' else 'real')}, {sub()})"
            case 8:
                return f"({sub('bool')} ? {sub()} : {sub()})"
            case 9 | 10:
                return self.of_vector(place, depth)
            case 11:
                return self.reduced(place, depth) if place.reduces and self.parents else sub("unit")
            case 12:
                return self.earlier(place) or sub("int")
            case _:
                return self.component(place, depth)

    def of_vector(self, place: Place, depth: int) -> str:
        n = self.random.choice(("K", "P", "2"))
        v, w = self.vector(place, n, depth=depth), self.vector(place, n, depth=depth - 1)
        match self.random.randrange(4):
            case 0:
                return f"dot_product({v}, {w})"
            case 1:
                return f"({v})' * ({w})"
            case 2:
                m = self.random.choice(("K", "2"))
                return f"({v})' * {self.matrix(place, n, m, depth - 1)} * ({self.vector(place, m, depth=0)})"
            case _:
                return f"{self.random.choice(OF_VECTOR)}({v})"

    def component(self, place: Place, depth: int) -> str:
        """A component of a vector, of a matrix or of an array."""
        found = [name for name in self.visible(place, None) if name.event]
        if not found:
            return f"({self.vector(place, 'K', depth=depth)})[{self.index(place, 'K')}]"
        name = self.random.choice(found)
        indices = [self.index(place, size) for size in name.event]
        return f"{name.text}[{('][' if self.maybe(0.3) else ', ').join(indices)}]"

    def index(self, place: Place, size: str) -> str:
        if self.slips():
            return self.random.choice(("0", "9", "1.5", self.number(place, "int", 1)))
        before = [name for name in place.previous if name.values == "index" and name.form == size]
        if before and self.maybe(0.6):
            return f"prev({self.random.choice(before).text})"
        found = [n for n in self.visible(place) if n.values == "index" and n.form == size]
        if found and self.maybe(0.6):
            return self.random.choice(found).text
        return "1" if size in {"P", "N"} else self.random.choice("12")

    def reduced(self, place: Place, depth: int) -> str:
        over = self.random.choice(list(self.parents))
        inner = self.number(replace(place, plate=over), depth=depth)
        function = self.random.choice(("sum", "mean", "sd", "min", "max", "median" if self.slips() else "sum"))
        return f"{function}({inner} over {over})"

    def earlier(self, place: Place) -> str | None:
        """A value of a step before."""
        previous = [name for name in place.previous if not name.event]
        if previous:
            return f"prev({self.random.choice(previous).text})"
        columns = [n for n in self.visible(replace(place, takes_latents=False)) if n.plate == place.plate]
        columns = [name for name in columns if name.text[0] in "xyz"]
        if place.plate not in self.chains or not columns:
            return "prev(nothing)" if self.slips() else None
        inner = self.random.choice(columns).text
        inner = f"tanh({inner})" if self.maybe(0.3) else inner
        return f"(lag({inner}, 1) > 0 ? 1 : 0.5)" if self.maybe(0.1) else f"lag({inner}, {self.random.choice('12')})"

    def positive(self, place: Place, depth: int) -> str:
        match self.random.randrange(5):
            case 0:
                a, b = (self.number(place, "positive", depth) for _ in range(2))
                return self.pair(self.random.choice("+*"), a, b)
            case 1:
                return f"exp(0.1 * ({self.number(place, depth=depth)}))"
            case 2:
                return f"sqrt({self.number(place, 'positive', depth)})"
            case 3:
                return f"square({self.number(place, depth=depth)}) + 0.1"
            case _:
                return f"log1p_exp({self.number(place, depth=depth)})"

    def unit(self, place: Place, depth: int) -> str:
        match self.random.randrange(4):
            case 0:
                return self.pair("*", self.number(place, "unit", depth), self.number(place, "unit", depth))
            case 1:
                return f"1 - {self.operand(self.number(place, 'unit', depth))}"
            case 2:
                return f"Phi({self.number(place, depth=depth)})"
            case _:
                return f"inv_logit({self.number(place, depth=depth)})"

    def integer(self, place: Place, values: str, depth: int) -> str:
        def sub(values: str = values) -> str:
            return self.number(place, values, depth)

        truth = self.random.choice(
            (
                lambda: self.pair(self.random.choice(COMPARISONS), sub("int"), sub("real")),
                lambda: self.pair(self.random.choice(("&&", "||")), sub("bool"), sub("bool")),
                lambda: f"!({sub('bool')})",
            )
        )
        if values == "bool" or self.maybe(0.2):
            return f"({truth()})"
        match self.random.randrange(4):
            case 0:
                return self.pair(self.random.choice("+*" if values == "count" else "+-*"), sub(), sub())
            case 1:
                return f"({sub('bool')} ? {sub()} : {sub()})"
            case 2:
                arrays = [n for n in self.visible(place, None) if n.base == "int" and len(n.event) == 1]
                name = self.random.choice(arrays).text if arrays and values == "int" else None
                return f"{self.random.choice(('sum', 'min', 'max'))}({name})" if name else sub()
            case _:
                return f"{self.random.choice(('abs', 'square'))}({sub('int')})"

    # Vectors and matrices.

    def vector(self, place: Place, n: str, values: str = "real", form: str | None = None, depth: int = 2) -> str:
        """A vector of n components in a set, or of a form."""
        if self.slips():
            n = self.random.choice("23KP")
        if form is not None:
            return self.formed(place, n, form, depth)
        found = self.name(place, (n,), values)
        if depth <= 0 or self.maybe(0.3):
            return found or f"rep_vector({self.number(place, values, 1)}, {n})"
        if values != "real":
            return f"exp(0.1 * ({self.vector(place, n, depth=depth - 1)}))"
        a, b = self.vector(place, n, depth=depth - 1), self.vector(place, n, depth=depth - 2)
        match self.random.randrange(8):
            case 0 | 1:
                return self.pair(self.random.choice(("+", "-", ".*")), a, b)
            case 2:
                return self.pair("*", self.number(place, depth=depth - 1), a)
            case 3:
                return self.pair(self.random.choice(("/", "./")), a, self.number(place, "positive", depth - 1))
            case 4:
                return f"{self.random.choice(('softmax', 'cumulative_sum', 'tanh', '-', 'inv_logit'))}({a})"
            case 5:
                m = self.random.choice(("K", "2"))
                return f"{self.matrix(place, n, m, depth - 1)} * ({self.vector(place, m, depth=0)})"
            case 6:
                m = self.random.choice(("K", "2"))
                return f"(({self.vector(place, m, depth=0)})' * {self.matrix(place, m, n, depth - 1)})'"
            case _:
                return f"({self.number(place, 'bool', 1)} ? {a} : {b})"

    def formed(self, place: Place, n: str, form: str, depth: int) -> str:
        found = [name.text for name in self.visible(place, (n,)) if name.form == form]
        for name in self.visible(place, None):
            if name.form == form and name.event[-1:] == (n,) and len(name.event) == 2 == name.axes + 1:
                found.append(f"{name.text}[{self.index(place, name.event[0])}]")
        if found and self.maybe(0.6):
            return self.random.choice(found)
        inner = self.vector(place, n, depth=depth - 1)
        if form == "simplex":
            return f"softmax({inner})"
        return f"cumulative_sum(1 + exp(0.1 * ({inner})))"

    def matrix(self, place: Place, n: str, m: str, depth: int) -> str:
        """An n x m matrix, in brackets where it needs some."""
        found = [x.text for x in self.visible(place, (n, m)) if x.axes == 0]
        turned = [x.text for x in self.visible(place, (m, n)) if x.axes == 0]
        if depth > 0 and found and self.maybe(0.4):
            other = self.matrix(place, n, m, depth - 1)
            return self.random.choice(
                (
                    f"({self.random.choice(found)} + {other})",
                    f"({self.number(place, depth=1)} * {other})",
                    f"diag_pre_multiply({self.vector(place, n, depth=0)}, {other})",
                    f"({self.matrix(place, n, 'K', 0)} * {self.matrix(place, 'K', m, 0)})",
                )
            )
        if found or turned:
            return self.random.choice([*found, *(f"{x}'" for x in turned)])
        name = Name(f"m_{n}{m}", "data", None, event=(n, m))
        self.names.append(name)
        return name.text

    def covariance(self, place: Place, n: str, form: str) -> str:
        """A covariance matrix, or a factor of one."""
        factors = [x.text for x in self.visible(place, (n, n)) if x.form == "cholesky_factor_corr"]
        if not factors:
            name = Name(f"c_{n}", "data", None, event=(n, n), form="covariance")
            if form != "covariance":
                name = Name(f"l_{n}", "data", None, event=(n, n), form="cholesky_factor_corr")
            if all(other.text != name.text for other in self.names):
                self.names.append(name)
            return name.text
        factor = self.random.choice(factors)
        if form != "covariance":
            return (
                f"diag_pre_multiply({self.vector(place, n, 'positive', depth=1)}, {factor})"
                if self.maybe(0.5)
                else factor
            )
        covariance = f"{factor} * {factor}'"
        return (
            f"quad_form_diag({covariance}, {self.vector(place, n, 'positive', depth=1)})"
            if self.maybe(0.5)
            else covariance
        )

    # Laws.

    def law(self, law: Law, place: Place, event: tuple[str, ...], categories: str | None = None) -> str:
        """A law whose values have the shape `event`, or are so many categories."""
        own = event[len(event) - len(law.sizes) :]
        n = own[-1] if own else categories or self.random.choice(("K", "2"))
        values = [self.argument(law, argument, place, n, event[: len(event) - len(own)]) for argument in law.arguments]
        if self.slips() and values:
            values.pop()
        elif self.maybe(0.15):
            named = [f"{a.name} = {value}" for a, value in zip(law.arguments, values, strict=True)]
            first = self.random.randrange(len(named) + 1)
            rest = named[first:]
            self.random.shuffle(rest)
            values = [*values[:first], *rest]
        return f"{law.name}({', '.join(values)})"

    def argument(self, law: Law, argument: Argument, place: Place, n: str, batch: tuple[str, ...]) -> str:
        support, depth = argument.support, self.random.randrange(DEEPEST + 1)
        if argument.name in law.data_arguments:
            place = replace(place, takes_latents=False)
        if len(argument.sizes) == 2:
            return self.covariance(place, n, argument.form or "covariance")
        if support.integer or law.name == "uniform":
            fixed = {"l": "1", "u": "4", "N": "4", "a": "5", "b": "6", "alpha": "-2", "beta": "7.5"}
            return fixed.get(argument.name) or self.random.choice(("10", self.name(place, (), "count", "int") or "9"))
        values = {"positive": "positive", "non_negative": "positive", "unit": "unit"}.get(support.name, "real")
        if argument.sizes:
            return self.vector(place, n, values, argument.form, depth)
        if len(batch) == 1 and self.maybe(0.5):
            return (
                self.vector(place, batch[0], values, depth=depth)
                if values != "unit"
                else f"rep_vector(0.4, {batch[0]})"
            )
        return self.number(place, values, depth)
