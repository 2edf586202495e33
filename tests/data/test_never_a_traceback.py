"""Whatever the values are, binding succeeds or explains itself."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qemppl.data.bind import bind
from qemppl.data.raw import raw_from_mapping
from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.ir.model import ModelIR
from tests.data.binding import (
    call,
    constant,
    dim,
    gather,
    integer,
    lag,
    latent,
    model,
    observe,
    over,
    plate,
    real,
    ref,
    transformed,
)

leaf = st.one_of(
    st.integers(-1, 4),
    st.sampled_from([0.5, 2.0, float("nan"), float("inf"), None, True, "", "a", "b", 2**70, 10**400]),
)
value = st.recursive(
    leaf, lambda inner: st.one_of(st.lists(inner, max_size=4), st.lists(st.integers(1, 3), max_size=4))
)

NESTED = model(
    plate("a", size="J"),
    plate("b", "a", by="i"),
    plate("c", "b"),
    dim("P"),
    integer("J"),
    real("x", "b", "P", lower=constant(0)),
    integer("k", "c", missing=True, upper=ref("J", kind="int")),
    integer("n", "b"),
    observe("k", "c", "poisson_log", gather(latent("v", event=("P",)), ref("n", "b", "int"))),
)
FLAT = model(
    plate("a"),
    plate("b", "a", by="i"),
    plate("c", "a"),
    real("x", "b"),
    integer("n", "c"),
    integer("k", "c", upper=call("add", ref("n", "c"), constant(1), on="c")),
    observe("x", "b", "normal", gather(latent("v", event=(2,)), ref("i", "b", "int")), constant(1)),
    observe("k", "c", "binomial_logit", ref("n", "c"), latent("z")),
)


COMPUTED = model(
    plate("a"),
    plate("b", "a", by="i"),
    plate("c", "a"),
    dim("P"),
    replace(real("x", "b", "P"), form="simplex"),
    real("k", "c", missing=True),
    integer("n", "c"),
    transformed("m", over("sd", ref("n", "c"), "c", "a")),
    transformed("z", call("log", lag(ref("n", "c"), 1, "c"), on="c")),
    transformed("g", gather(ref("x", "b", event=("P",)), ref("i", "b", "int"))),
    observe("x", "b", "normal", latent("v", event=("P",)), constant(1), event=("P",)),
    observe("k", "c", "normal", call("divide", latent("v"), ref("m", "a"), on="a"), ref("n", "c")),
    observe("z", "c", "poisson_log", latent("v")),
)


@pytest.mark.parametrize("ir", [NESTED, FLAT, COMPUTED], ids=["nested", "flat", "computed"])
@given(values=st.dictionaries(st.sampled_from("abcixknPJ"), value))
def test_any_values(ir: ModelIR, values: dict[str, object]) -> None:
    try:
        bound = bind(ir, raw_from_mapping(values)).model
    except DiagnosticsError as failure:
        said = failure.diagnostics
    else:
        assert bound.members.keys() == {"a", "b", "c"}
        return
    assert any(d.is_error for d in said)
    assert len({(d.code, d.message, d.where) for d in said}) == len(said)


def test_binding_does_not_import_torch() -> None:
    code = "import sys, qemppl.data.bind, qemppl.data.read; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
