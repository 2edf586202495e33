"""Random programs that mean something: every law, type, block and kind of statement, with names drawn from what is in scope.

Most of them reach the IR; a program may instead be given mistakes, each with a low probability wherever something is chosen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from random import Random

from qemppl.distributions.base import Law
from qemppl.distributions.registry import LAWS
from tests.lang.typed_expressions import Expressions, Name, Place

_NUMBERS = [law for law in LAWS.values() if not law.sizes and not law.support.integer]
_WHOLE = [law for law in LAWS.values() if not law.sizes and law.support.integer]
_VECTORS = [law for law in LAWS.values() if law.sizes and not law.support.integer]
_VALUES = {"positive": "positive", "non_negative": "positive", "unit": "unit"}
_FAMILIES = {"real": ("normal",), "positive": ("gamma", "lognormal", "inv_gamma"), "unit": ("beta",)}
_INDENT = "  "


def typed_program(seed: int, mistakes: float = 0.0) -> str:
    """The text of one program. mistakes: the probability of one wherever something is chosen."""
    return _Programs(Random(seed), mistakes).program()


@dataclass
class _Programs(Expressions):
    """Writes a program block after block; the data block comes last, when it is known what is needed."""

    indices: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, str] = field(default_factory=dict)
    computed: list[Name] = field(default_factory=list)
    observable: list[Name] = field(default_factory=list)
    count: int = 0

    def program(self) -> str:
        self._plates()
        self.names.append(Name("N", "data", None, "int", bounds="<lower=1, upper=6>", values="count"))
        for _ in range(self.random.randrange(2, 8)):
            self.names.append(self._covariate(self.random.choice([None, *self.parents])))
        transformed = self._transformed(None) if self.maybe(0.5) else []
        model = self._model(None)
        generated = self._generated(None) if self.maybe(0.5) else []
        blocks = [("data", self._data()), ("transformed data", transformed)]
        blocks += [("model", model), ("generated quantities", generated)]
        if self.slips():
            blocks.pop(self.random.randrange(4))
        return "".join(self._block(title, lines) for title, lines in blocks if lines or title in {"data", "model"})

    def _block(self, title: str, lines: list[str]) -> str:
        body = "".join(f"{_INDENT}{line}\n" for line in lines)
        return f"{title} {{\n{body}}}\n"

    def _new(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}" if not self.slips() else self.random.choice(self.names).text

    # Data.

    def _plates(self) -> None:
        for i in range(self.random.choice((0, 1, 1, 2, 2, 3, 4))):
            name = f"p{i}"
            parent = self.random.choice([None, *self.parents, *list(self.parents)[-1:]])
            self.parents[name] = parent
            if self.maybe(0.25):
                self.chains.add(name)
            if parent is not None and self.maybe(0.5):
                self.indices[name] = f"{name}_of"
            if self.maybe(0.2):
                self.sizes[name] = self.random.choice(("3", "N", "K"))

    def _covariate(self, plate: str | None) -> Name:
        text, n = self._new("x"), self.random.choice(("K", "P", "2", "N"))
        match self.random.randrange(9):
            case 0:
                return Name(text, "data", plate, event=(n,))
            case 1:
                return Name(
                    text, "data", plate, event=(n, self.random.choice(("2", "K"))), axes=self.random.choice((0, 1))
                )
            case 2:
                return Name(text, "data", plate, "int", values="index", form=self.random.choice(("K", "2")))
            case 3:
                return Name(text, "data", plate, "int", (n,), 1, values="count")
            case 4:
                form = self.random.choice(("simplex", "ordered", "positive_ordered", "cholesky_factor_corr"))
                event = ("K", "K") if form == "cholesky_factor_corr" else ("K",)
                return Name(text, "data", plate, event=event, form=form)
            case 5:
                return Name(text, "data", plate, "int", values=self.random.choice(("count", "bool", "int")))
            case 6 if plate is not None:
                bound = self._bound(plate)
                return Name(text, "data", plate, bounds=f"<lower={bound} - 9, upper={bound} + 9>")
            case _:
                return Name(text, "data", plate, values=self.random.choice(("real", "positive", "unit")))

    def _bound(self, plate: str) -> str:
        """A number of the data that is declared before."""
        return self.name(Place(plate), (), "positive") or "0.5"

    def _data(self) -> list[str]:
        lines = ["dim K = 3;", "dim P;", *(f"{self._plate(plate)};" for plate in self.parents)]
        given = [name for name in self.names if name.role == "data" and name not in self.computed]
        given.sort(key=lambda name: name.text != "N")
        lines[2:2] = [self._declared(name) for name in given[:1]]
        return lines + [self._declared(name) for name in given[1:]]

    def _plate(self, plate: str) -> str:
        parent, index, size = self.parents[plate], self.indices.get(plate), self.sizes.get(plate)
        text = f"{'chain' if plate in self.chains else 'plate'} {plate}" + (f"[{size}]" if size else "")
        return text + (f" in {parent}" if parent else "") + (f" by {index}" if index else "")

    def _declared(self, name: Name) -> str:
        plate = f"[{name.plate}]" if name.plate is not None else ""
        return f"{'missing ' if name.missing else ''}{name.type} {name.text}{plate};"

    # Blocks.

    def _opened(self, plate: str, lines: list[str]) -> list[str]:
        word = "chain" if (plate in self.chains) != self.slips() else "plate"
        return [f"{word} {plate} {{", *(_INDENT + line for line in lines), "}"]

    def _inside(self, plate: str | None) -> list[str]:
        inner = [name for name, parent in self.parents.items() if parent == plate]
        if self.slips():
            inner.append(self.random.choice([*self.parents, "nowhere"]))
        return [name for name in inner if name in self.parents]

    def _transformed(self, plate: str | None) -> list[str]:
        place = Place(plate, reduces=True)
        lines = []
        for _ in range(self.random.randrange(3)):
            lines.append(self._outcome_of_data(place) or self._definition(place, "data"))
        for inner in self._inside(plate):
            lines += self._opened(inner, self._transformed(inner))
        return lines

    def _model(self, plate: str | None) -> list[str]:
        lines: list[str] = []
        for _ in range(self.random.randrange(1, 4)):
            match self.random.randrange(6):
                case 0:
                    lines.append(self._definition(Place(plate, takes_latents=True), "definition"))
                case 1:
                    parts = [self._latent(plate, is_joint=True) for _ in range(self.random.randrange(1, 4))]
                    lines += ["joint {", *(_INDENT + part for part in parts), "}"]
                case _:
                    lines.append(self._latent(plate))
        if self.maybe(0.7):
            lines.append(self._observation(plate))
        for inner in self._inside(plate):
            lines += self._opened(inner, self._model(inner))
        if self.maybe(0.1):
            lines.append(self._observation(plate))
        return lines

    def _generated(self, plate: str | None) -> list[str]:
        lines = []
        for _ in range(self.random.randrange(3)):
            place = Place(plate, takes_latents=True, reduces=True)
            lines.append(self._definition(place, "draw") if self.maybe(0.5) else self._draw(place))
        for inner in self._inside(plate):
            lines += self._opened(inner, self._generated(inner))
        return lines

    # Statements.

    def _definition(self, place: Place, role: str) -> str:
        text, n = self._new("d"), self.random.choice(("K", "P", "2"))
        match self.random.randrange(6):
            case 0:
                name, value = Name(text, role, place.plate, event=(n,)), self.vector(place, n)
            case 1:
                name = Name(text, role, place.plate, "int", values="int")
                value = self.number(place, "int")
            case 2:
                form = self.random.choice(("simplex", "positive_ordered"))
                name = Name(text, role, place.plate, event=(n,), form=form)
                value = self.vector(place, n, form=form)
            case 3 if role == "data":
                name = Name(text, role, place.plate, event=("K", "2"))
                value = self.matrix(place, "K", "2", 2)
            case _:
                values = self.random.choice(("real", "positive", "unit"))
                name = Name(text, role, place.plate, values=values, bounds="")
                value = self.number(place, values)
        self.names.append(name)
        if role == "data":
            self.computed.append(name)
        return f"{name.type} {name.text} = {value};"

    def _outcome_of_data(self, place: Place) -> str | None:
        """A number of `transformed data` that lives on this very plate, to be observed; others live where their parts do."""
        columns = [n.text for n in self.visible(place) if n.plate == place.plate and n not in self.computed]
        if not columns or self.maybe(0.5):
            return None
        name, x = Name(self._new("z"), "data", place.plate), self.random.choice(columns)
        self.names.append(name)
        self.computed.append(name)
        self.observable.append(name)
        centre = f"mean({x} over {place.plate})" if place.plate is not None else "1"
        return f"real {name.text} = ({x} - {centre}) / 2;"

    def _latent(self, plate: str | None, *, is_joint: bool = False) -> str:
        law, name, sampled = self._random_name("t", "latent", plate, is_joint=is_joint)
        chain = [n for n in self.names if n.role == "latent" and n.plate == plate] if plate in self.chains else []
        steps = (name, *chain) if plate in self.chains and self.maybe(0.7) else ()
        place = Place(plate, takes_latents=True, previous=steps)
        text = self._law_of(name, law, place)
        if steps and "prev(" not in text and law.name in {"normal", "cauchy", "logistic"} and not name.event:
            text = f"{law.name}(0.5 * prev({name.text}), 1)"
        if "prev(" in text:
            text += f" init {self._law_of(name, law, replace(place, previous=()))}"
        self.names.append(name)
        return f"{sampled}{name.type} {name.text} ~ {text}{self._family(name, law, is_joint)};"

    def _family(self, name: Name, law: Law, is_joint: bool) -> str:
        if name.base == "int" or not self.maybe(0.15):
            return ""
        if name.event or is_joint:
            is_simplex = name.form == "simplex" and not is_joint
            families = ("dirichlet",) if is_simplex else ("multi_normal", "multi_normal_diag")
            return f" approx {self.random.choice(families)}"
        if name.bounds is not None and not self.slips():
            return ""
        return f" approx {self.random.choice(_FAMILIES[name.values])}"

    def _draw(self, place: Place) -> str:
        law, name, _ = self._random_name("g", "draw", place.plate, is_joint=True)
        if law.improper and not self.slips():
            law = LAWS["normal"]
        text = self._law_of(name, law, place)
        self.names.append(name)
        return f"{name.type} {name.text} ~ {text};"

    def _law_of(self, name: Name, law: Law, place: Place) -> str:
        """A law for a name: one of categories has as many as the name's declaration."""
        return self.law(law, place, name.event, name.form if name.values == "index" else None)

    def _random_name(self, stem: str, role: str, plate: str | None, *, is_joint: bool) -> tuple[Law, Name, str]:
        """A law, a name that it suits, and `sampled ` if the name is to be so."""
        text, n = self._new(stem), self.random.choice(("K", "2", "P"))
        if self.maybe(0.25) and (not is_joint or role == "draw"):
            return self._whole(Name(text, role, plate, "int"), n)
        if self.maybe(0.2):
            law = self.random.choice(_VECTORS)
            event = (n,) * len(law.sizes)
            outer = ("2",) if self.maybe(0.2) else ()
            values = "unit" if law.name == "dirichlet" else "real"
            return (
                law,
                Name(text, role, plate, event=(*outer, *event), axes=len(outer), values=values, form=law.form),
                "",
            )
        law = self.random.choice(_NUMBERS)
        name = Name(text, role, plate, values=_VALUES.get(law.support.name, "real"))
        if law.name == "von_mises":
            return law, replace(name, bounds=f"<lower={-math.pi!r}, upper={math.pi!r}>"), ""
        if law.name == "uniform":
            return law, replace(name, bounds="<lower=-2, upper=7.5>"), ""
        name = self._shaped(name, n)
        if name.values == "real" and name.form is None and self.maybe(0.3):
            bounds = self.random.choice(("<lower=-1.5>", "<upper=2>", "<lower=-2, upper=0.5 + 1>", "<lower=0>"))
            name = replace(name, bounds=bounds, values="positive" if bounds == "<lower=0>" else "real")
        return law, name, ""

    def _shaped(self, name: Name, n: str) -> Name:
        """Perhaps several numbers: a vector, an array, an ordered vector."""
        match self.random.randrange(10):
            case 0:
                return replace(name, event=(n,))
            case 1:
                return replace(name, event=(n,), axes=1)
            case 2:
                return replace(name, event=("2", n), axes=1)
            case 3 if name.values == "real":
                form = self.random.choice(("ordered", "positive_ordered"))
                return replace(name, event=(n,), form=form)
            case _:
                return name

    def _whole(self, name: Name, n: str) -> tuple[Law, Name, str]:
        law = self.random.choice(_WHOLE)
        if law.name in {"categorical", "categorical_logit"}:
            name = replace(name, values="index", form=n, event=())
        elif law.name in {"bernoulli", "bernoulli_logit"}:
            name = replace(name, values="bool")
        elif law.name in {"discrete_range", "ordered_logistic"}:
            name = replace(name, values="count", bounds="<lower=1, upper=4>")
        else:
            name = replace(name, values="count", bounds="<lower=0, upper=3>" if self.maybe(0.7) else "<lower=0>")
        is_sampled = name.role == "latent" and (name.bounds == "<lower=0>" or self.maybe(0.2))
        if law.name == "hypergeometric":
            name = replace(name, bounds="<lower=0, upper=4>")
        return law, name, "sampled " if is_sampled else ""

    def _observation(self, plate: str | None) -> str:
        place = Place(plate, takes_latents=True)
        law = self.random.choice([law for law in LAWS.values() if not law.improper or self.slips()])
        own = [name for name in self.observable if name.plate == plate]
        if own and not law.sizes and law.support.name == "real":
            name = own[0]
            self.observable.remove(name)
        else:
            name = self._outcome(law, plate)
            self.names.append(name)
        return f"{name.text} ~ {self.law(law, place, name.event)}{self._restriction(law, name, place)};"

    def _outcome(self, law: Law, plate: str | None) -> Name:
        n = self.random.choice(("K", "2", "P"))
        event = (n,) * len(law.sizes)
        if not event and self.maybe(0.2):
            event = (n,)
        base = "int" if law.support.integer else "real"
        values = "count" if base == "int" else _VALUES.get(law.support.name, "real")
        axes = len(event) if base == "int" else 0
        form = "simplex" if law.name == "dirichlet" and self.maybe(0.5) else None
        if law.form == "cholesky_factor_corr":
            form = law.form
        return Name(
            self._new("y"), "data", plate, base, event, axes, values, form, missing=form is None and self.maybe(0.2)
        )

    def _restriction(self, law: Law, name: Name, place: Place) -> str:
        if not law.has_cdf or name.event:
            return " right_censored(1)" if self.slips() else ""
        text = ""
        if self.maybe(0.15):
            ends = (
                ("0", "30")
                if law.support.integer
                else {"positive": ("0.01", "50"), "unit": ("0.01", "0.99")}.get(
                    _VALUES.get(law.support.name, ""), ("-40", "40")
                )
            )
            lower, upper = (end if self.maybe(0.7) else "" for end in ends)
            text += f" T[{lower}, {upper}]" if lower or upper else ""
        if self.maybe(0.15):
            flag = Name(self._new("f"), "data", place.plate, "int", values="bool")
            self.names.append(flag)
            text += f" {self.random.choice(('right', 'left'))}_censored({flag.text})"
        return text
