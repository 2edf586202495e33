"""Expressions evaluated on data, and on draws, against loops over members."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qemppl.data.backend import NUMPY
from qemppl.data.bound import BoundModel
from qemppl.data.evaluate import Array, Evaluator
from qemppl.ir.functions import FUNCTIONS, PLATE_REDUCTIONS
from qemppl.ir.model import Definition, Gather, ValueType
from tests.data.binding import bound, call, constant, dim, lag, latent, model, over, plate, real, ref, span

TREE = model(
    plate("a"),
    plate("b", "a", by="ia"),
    plate("c", "b", by="ib"),
    dim("P", 3),
    dim("Q", 2),
    real("u", "a"),
    real("v", "b"),
    real("w", "c"),
    real("x", "c", "P"),
    real("m", "b", "P", "Q"),
    real("r", None, "P"),
)
"""Three plates with an empty member on each level, members out of order."""
RNG = np.random.default_rng(1)
IA, IB = [3, 1, 1, 3], [4, 1, 4, 2, 1, 4]
VALUES = {
    "ia": IA,
    "ib": IB,
    "u": RNG.normal(size=3),
    "v": RNG.normal(size=4),
    "w": RNG.normal(size=6),
    "x": RNG.normal(size=(6, 3)),
    "m": RNG.normal(size=(4, 3, 2)),
    "r": RNG.normal(size=3),
}
DRAWS = 5


@pytest.fixture(scope="module")
def tree() -> BoundModel:
    return bound(TREE, **VALUES)


def parents(tree: BoundModel, plate: str) -> list[int]:
    found = tree.members[plate].parent
    assert found is not None
    return found.tolist()


def evaluated(evaluator: Evaluator[Array], expr: object) -> Array:
    value = evaluator.evaluate(expr)  # type: ignore[arg-type]
    assert value is not None
    return value


def test_values_of_outer_plates_are_seen_from_inner_ones(tree: BoundModel) -> None:
    total = call("add", call("add", ref("u", "a"), ref("v", "b"), on="b"), ref("w", "c"), on="c")
    value = evaluated(Evaluator(tree), total)
    u, v, w = (tree.arrays[name] for name in "uvw")
    of_b, of_a = parents(tree, "c"), parents(tree, "b")
    np.testing.assert_allclose(value, [u[of_a[of_b[i]]] + v[of_b[i]] + w[i] for i in range(6)])


def test_a_number_scales_a_vector_and_a_matrix(tree: BoundModel) -> None:
    v, x, m = (tree.arrays[name] for name in "vxm")
    scaled = call("multiply", ref("v", "b"), ref("x", "c", event=("P",)), on="c", event=("P",))
    np.testing.assert_allclose(evaluated(Evaluator(tree), scaled), v[parents(tree, "c"), None] * x)
    scaled = call("multiply", ref("v", "b"), ref("m", "b", event=("P", "Q")), on="b", event=("P", "Q"))
    np.testing.assert_allclose(evaluated(Evaluator(tree), scaled), v[:, None, None] * m)


def test_functions_of_vectors_and_matrices_align_members_only(tree: BoundModel) -> None:
    x, m, r = (tree.arrays[name] for name in "xmr")
    dot = call("dot_product", ref("x", "c", event=("P",)), ref("r", event=("P",)), on="c")
    np.testing.assert_allclose(evaluated(Evaluator(tree), dot), x @ r)
    flipped = call("transpose", ref("m", "b", event=("P", "Q")), on="b", event=("Q", "P"))
    product = call("matrix_vector", flipped, ref("x", "c", event=("P",)), on="c", event=("Q",))
    expected = [m[b].T @ x[i] for i, b in enumerate(parents(tree, "c"))]
    np.testing.assert_allclose(evaluated(Evaluator(tree), product), expected)


def test_size_of_a_result_is_a_number(tree: BoundModel) -> None:
    repeated = call("rep_vector", ref("v", "b"), ref("P", kind="int"), on="b", event=("P",))
    np.testing.assert_array_equal(evaluated(Evaluator(tree), repeated), np.repeat(tree.arrays["v"][:, None], 3, 1))


def test_components_are_gathered_on_any_axis(tree: BoundModel) -> None:
    m, x = tree.arrays["m"], tree.arrays["x"]
    index = call("add", constant(1), call("greater", ref("w", "c"), constant(0), on="c"), on="c")
    row = Gather(ref("m", "b", event=("P", "Q")), index, ValueType("real", ("Q",), "c"), span("m[i]"))
    twice = Gather(row, constant(2), ValueType("real", (), "c"), span("m[i][2]"))
    picked = 1 + (tree.arrays["w"] > 0)
    of_b = parents(tree, "c")
    np.testing.assert_array_equal(
        evaluated(Evaluator(tree), row), [m[b, i - 1] for b, i in zip(of_b, picked, strict=True)]
    )
    np.testing.assert_array_equal(
        evaluated(Evaluator(tree), twice), [m[b, i - 1, 1] for b, i in zip(of_b, picked, strict=True)]
    )
    own = Gather(ref("x", "c", event=("P",)), constant(3), ValueType("real", (), "c"), span("x[3]"))
    np.testing.assert_array_equal(evaluated(Evaluator(tree), own), x[:, 2])
    outside = Gather(ref("r", event=("P",)), constant(4), ValueType("real"), span("r[4]"))
    assert np.isnan(evaluated(Evaluator(tree), outside))


@pytest.mark.parametrize("function", PLATE_REDUCTIONS)
@pytest.mark.parametrize(("name", "on"), [("w", "c"), ("v", "b"), ("u", "a")])
@pytest.mark.parametrize("group", ["b", "a", None])
def test_members_are_reduced(tree: BoundModel, function: str, name: str, on: str, group: str | None) -> None:
    """A value of an outer plate counts once for each member of the plate that is reduced."""
    expr = over(function, ref(name, on), "c", group)
    of_b = np.array(parents(tree, "c"))
    of_a = np.array(parents(tree, "b"))[of_b]
    values = tree.arrays[name][{"c": np.arange(6), "b": of_b, "a": of_a}[on]]
    groups = {"b": of_b, "a": of_a, None: np.zeros(6, int)}[group]
    reduce = {"sum": np.sum, "mean": np.mean, "min": np.min, "max": np.max, "sd": lambda x: np.std(x, ddof=1)}[function]
    expected = []
    for member in range(tree.count(group)):
        below = values[groups == member]
        least = 2 if function == "sd" else 1
        expected.append(reduce(below) if len(below) >= least else 0.0 if function == "sum" else np.nan)
    value = evaluated(Evaluator(tree), expr)
    np.testing.assert_allclose(value, np.array(expected) if group else expected[0], atol=1e-12)


def test_vectors_are_reduced_by_component(tree: BoundModel) -> None:
    expr = over("mean", ref("x", "c", event=("P",)), "c")
    np.testing.assert_allclose(evaluated(Evaluator(tree), expr), tree.arrays["x"].mean(0))


def test_lag_stays_within_the_chain_of_each_parent() -> None:
    ir = model(plate("store"), plate("week", "store"), real("y", "week"))
    chains = bound(ir, y=[[1, 2, 3], [], [4], [5, 6]])

    def lagged(steps: int) -> Array:
        return evaluated(Evaluator(chains), lag(ref("y", "week"), steps, "week"))

    np.testing.assert_array_equal(lagged(1), [np.nan, 1, 2, np.nan, np.nan, 5])
    np.testing.assert_array_equal(lagged(2), [np.nan, np.nan, 1, np.nan, np.nan, np.nan])
    single = bound(model(plate("t"), real("y", "t")), y=[1, 2])
    value = evaluated(Evaluator(single), lag(ref("y", "t"), 5, "t"))
    assert np.isnan(value).all()


def test_draws_stand_in_front(tree: BoundModel) -> None:
    """Latents with a leading axis: every draw gives what its own values give."""
    rng = np.random.default_rng(2)
    draws = {"mu": rng.normal(size=DRAWS), "b_b": rng.normal(size=(DRAWS, 4)), "beta": rng.normal(size=(DRAWS, 3))}
    z = rng.integers(1, 4, (DRAWS, 6)).astype(float)
    dot = call("dot_product", ref("x", "c", event=("P",)), latent("beta", event=("P",)), on="c")
    linear = call("add", latent("b_b", "b"), dot, on="c")
    chosen = Gather(latent("beta", event=("P",)), latent("z", "c"), ValueType("real", (), "c"), span("beta[z]"))
    total = call("add", call("add", linear, chosen, on="c"), latent("mu"), on="c")
    largest = over("max", total, "c", "a")
    both = Evaluator(tree, {**draws, "z": z}, NUMPY)
    for expr in (total, largest):
        together = evaluated(both, expr)
        for draw in range(DRAWS):
            one = Evaluator(tree, {name: values[draw] for name, values in {**draws, "z": z}.items()}, NUMPY)
            np.testing.assert_allclose(together[draw], evaluated(one, expr))
    of_b = parents(tree, "c")
    expected = (
        draws["mu"][0]
        + draws["b_b"][0][of_b]
        + tree.arrays["x"] @ draws["beta"][0]
        + draws["beta"][0][z[0].astype(int) - 1]
    )
    np.testing.assert_allclose(evaluated(both, total)[0], expected)


def test_what_depends_on_an_unknown_latent_is_not_known(tree: BoundModel) -> None:
    assert Evaluator(tree).evaluate(call("add", latent("mu"), ref("w", "c"), on="c")) is None


def test_definitions_are_computed_in_order_and_given_ones_read() -> None:
    first = Definition("d", None, call("multiply", ref("x"), constant(2)), span("d"))
    second = Definition("e", None, call("add", latent("d"), constant(1)), span("e"))
    doubled = bound(model(real("x"), first, second), x=3)
    assert evaluated(Evaluator(doubled), latent("e")) == 7
    values: dict[str, Array] = {}
    evaluator = Evaluator(doubled, values, NUMPY)
    values["d"] = np.array([10.0, 20.0])
    np.testing.assert_array_equal(evaluated(evaluator, latent("d")), [10, 20])
    np.testing.assert_array_equal(evaluated(evaluator, latent("e")), [11, 21])


def test_vectors_without_components() -> None:
    empty = bound(model(dim("P", 0), plate("i", size=2)))
    evaluator = Evaluator(empty, {"v": np.zeros(0)}, NUMPY)
    vector = latent("v", event=("P",))
    assert evaluated(evaluator, call("sum", vector)) == 0
    assert evaluated(evaluator, call("dot_product", vector, vector)) == 0
    assert np.isnan(evaluated(evaluator, call("max", vector)))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_has_the_shape_of_its_signature(name: str, tree: BoundModel) -> None:
    function = FUNCTIONS[name]
    sizes = dict(zip(sorted(set("".join(function.axes))), (3, 2, 4), strict=False))
    arguments = [
        latent(parameter, "c", tuple(sizes[letter] for letter in axes))
        for parameter, axes in zip(function.parameters, function.axes, strict=True)
    ]
    values = {a.name: RNG.uniform(0.2, 0.8, (DRAWS, 6, *a.type.event)) for a in arguments}  # type: ignore[misc]
    if function.is_sized:
        event: tuple[int, ...] = (7,)
        expr = call(name, *arguments[:-1], constant(7), on="c", event=event)
    else:
        event = tuple(sizes[letter] for letter in function.result)
        expr = call(name, *arguments, on="c", event=event)
    value = evaluated(Evaluator(tree, values, NUMPY), expr)
    assert value.shape == (DRAWS, 6, *event)
    assert value.dtype == np.float64
    for draw, member in itertools.product(range(DRAWS), range(6)):
        own = [values[a.name][draw, member] for a in arguments[: len(arguments) - function.is_sized]]
        np.testing.assert_allclose(value[draw, member], function.compute(*own, *([7] if function.is_sized else [])))


@given(lengths=st.lists(st.integers(0, 4), max_size=5), function=st.sampled_from(PLATE_REDUCTIONS))
def test_segments_of_any_length(lengths: list[int], function: str) -> None:
    x = np.arange(2.0 * sum(lengths)).reshape(2, -1) % 7
    value = NUMPY.plate_reduce(function, x, np.array(lengths, np.int64), -1)
    assert value.shape == (2, len(lengths))
    ends = np.cumsum(lengths)
    for i, (end, length) in enumerate(zip(ends, lengths, strict=True)):
        part = x[:, end - length : end]
        if function == "sum":
            np.testing.assert_allclose(value[:, i], part.sum(-1))
        elif length > (function == "sd"):
            options = {"ddof": 1} if function == "sd" else {}
            reduce = {"mean": np.mean, "min": np.min, "max": np.max, "sd": np.std}[function]
            np.testing.assert_allclose(value[:, i], reduce(part, axis=-1, **options), atol=1e-12)
        else:
            assert np.isnan(value[:, i]).all()
