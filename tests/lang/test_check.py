from __future__ import annotations

from typing import ClassVar

import pytest

from qemppl.distributions.base import Argument, Law
from qemppl.distributions.registry import LAWS
from qemppl.ir.model import Call, DataRef, Definition, Expr, Gather, ModelIR, RandomVariable, ValueType, walk
from qemppl.ir.show import show_expression
from qemppl.lang import frontend
from qemppl.lang.frontend import compile_text, read_source
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import REAL, Support
from tests.lang.programs import CORPUS, check, codes


def model(text: str) -> ModelIR:
    checked = check(text)
    assert checked.model is not None, checked.diagnostics
    return checked.model


def test_radon_is_lowered_onto_its_plates() -> None:
    ir = compile_text(read_source(CORPUS / "good" / "radon.qem")).model
    assert ir is not None
    assert [(p.name, p.parent, p.index) for p in ir.plates] == [
        ("county", None, None),
        ("house", "county", "county_idx"),
    ]
    assert [(v.name, v.plate) for v in ir.latents][-2:] == [("a", "county"), ("b", "county")]
    (observation,) = ir.observations
    assert (observation.name, observation.plate, observation.observed) == ("log_radon", "house", True)
    mean = observation.arguments[0]
    assert isinstance(mean, Call)
    assert (mean.function, mean.type) == ("add", ValueType("real", (), "house"))
    index = next(v for v in ir.data if v.name == "county_idx")
    assert index.is_index
    assert index.type == ValueType("int", (), "house")


def test_an_index_column_may_have_a_declaration_of_its_own() -> None:
    ir = model(
        "data { plate g; plate i in g by k; int<lower=1> k[i]; real y[i]; } model { plate g { plate i { y ~ normal(0, 1); } } }"
    )
    assert [(v.name, v.is_index) for v in ir.data] == [("k", True), ("y", False)]
    assert ir.data[0].bounds.lower is not None


def test_transposed_vector_times_vector_is_a_dot_product() -> None:
    ir = model("data { vector[2] x; real y; } model { vector[2] b ~ normal(0, 1); y ~ normal(x' * b, 1); }")
    mean = ir.observations[0].arguments[0]
    assert isinstance(mean, Call)
    assert (mean.function, mean.type.event) == ("dot_product", ())


def test_a_data_column_gathers_on_its_own_plate() -> None:
    ir = model(
        "data { plate g; int k[g]; real y[g]; } model { vector[3] b ~ normal(0, 1); plate g { y ~ normal(b[k], 1); } }"
    )
    mean = ir.observations[0].arguments[0]
    assert isinstance(mean, Gather)
    assert mean.type == ValueType("real", (), "g")


def test_the_plate_of_an_expression_is_the_deepest_of_its_parts() -> None:
    ir = model(
        "data { plate g; plate h in g; real x[g]; real y[h]; }"
        "model { real a ~ normal(0, 1); plate g { plate h { real u = a + x; real v = a; y ~ normal(u + v, 1); } } }"
    )
    plates = {d.name: (d.plate, d.type.plate) for d in ir.statements if isinstance(d, Definition)}
    assert plates == {"u": ("h", "g"), "v": ("h", None)}


def test_dims_and_single_ints_are_numbers_and_sizes() -> None:
    ir = model(
        "data { dim P; int N; vector[P] x; vector[N] z; real y; } model { y ~ normal(sum(x) / P + sum(z) / N, 1); }"
    )
    names = {e.name for e in _walk(ir.observations[0]) if isinstance(e, DataRef)}
    assert names == {"x", "P", "z", "N"}
    assert [v.type.event for v in ir.data] == [(), ("P",), ("N",), ()]


def _walk(variable: RandomVariable) -> list[Expr]:
    return [node for argument in variable.arguments for node in walk(argument)]


def test_joint_blocks_are_numbered_and_families_kept() -> None:
    ir = model(
        "data { real y; } model { joint { real a ~ normal(0, 1); real b ~ normal(0, 1); } joint { real c ~ normal(0, 1); }"
        "real<lower=0> s ~ gamma(2, 1) approx lognormal; y ~ normal(a + b + c, s); }"
    )
    assert [(v.name, v.block, v.family) for v in ir.latents] == [
        ("a", 0, None),
        ("b", 0, None),
        ("c", 1, None),
        ("s", None, "lognormal"),
    ]


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("-a^2", "negate(power(a, 2))"),
        ("2^a^3", "power(2, power(a, 3))"),
        ("2^-a", "power(2, negate(a))"),
        ("a - a - a", "subtract(subtract(a, a), a)"),
        ("a + a * a", "add(a, multiply(a, a))"),
        ("a < 1 == 1 > a", "equal(less(a, 1), greater(1, a))"),
        ("a || a && a", "or(a, and(a, a))"),
        ("a ? 1 : a ? 2 : 3", "select(a, 1, select(a, 2, 3))"),
        ("!a == a", "equal(not(a), a)"),
        ("-a * a", "multiply(negate(a), a)"),
    ],
)
def test_precedence(expression: str, shown: str) -> None:
    ir = model(f"data {{ real y; }} model {{ real a ~ normal(0, 1); real b = {expression}; y ~ normal(b, 1); }}")
    assert show_expression(ir.definitions[0].value) == shown


def test_a_wrong_part_is_reported_once() -> None:
    assert codes(
        "data { real y; } model { real a = nope + 1; real b = exp(a) * a; real c = nope; y ~ normal(a + b + c, 1); }"
    ) == ["QEM201"]


def test_an_unknown_plate_with_a_near_name_is_read_as_that() -> None:
    assert codes("data { plate school; real y[school]; } model { plate scool { y ~ normal(zz, 1); } }") == [
        "QEM301",
        "QEM201",
    ]


def test_data_without_bounds_may_be_a_scale() -> None:
    assert codes("data { real s; real y; } model { y ~ normal(0, s); }") == []


@pytest.mark.parametrize(
    "scale",
    [
        "exp(a)",
        "square(a)",
        "abs(a) + 1",
        "s * s",
        "s / 2",
        "inv_logit(a)",
        "sqrt(s)",
        "1 - inv_logit(a)",
        "s ^ a",
        "a ^ 2",
        "a > 0 ? s : 1",
    ],
)
def test_positive_expressions_are_scales(scale: str) -> None:
    text = (
        "data {{ real y; }} model {{ real a ~ normal(0, 1); real<lower=0> s ~ exponential(1); y ~ normal(a + s, {}); }}"
    )
    assert codes(text.format(scale)) == []


class _NoCdf(Law):
    name: ClassVar[str] = "no_cdf"
    arguments: ClassVar[tuple[Argument, ...]] = ()
    support: ClassVar[Support] = REAL

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        return x

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        return arguments[0]


def test_a_law_without_cdf_cannot_be_truncated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontend, "LAWS", {**LAWS, "no_cdf": _NoCdf()})
    text = "data {{ real y; }} model {{ real{} a ~ no_cdf(); y ~ normal(a, 1); }}"
    assert codes(text.format("")) == []
    assert codes(text.format("<lower=0>")) == ["QEM423"]
