"""`data` and `transformed data`: types, plates and names; a mistake in a declaration is answered once."""

from __future__ import annotations

import pytest

from qemppl.ir.model import DataRef, DataVariable, ModelIR, ValueType
from tests.lang.programs import check


def model(text: str) -> ModelIR:
    found = check(text)
    assert found.model is not None, found.diagnostics
    return found.model


def said(text: str) -> list[str]:
    """The codes, messages and fixes of what is wrong with a program."""
    return [f"{d.code}: {d.message} / {d.hint}" for d in check(text).diagnostics if d.is_error]


def declared(declaration: str) -> DataVariable:
    return model(f"data {{ dim K = 3; dim P; int n; plate g; {declaration} }} model {{ }}").data[-1]


# Types.


@pytest.mark.parametrize(
    ("declaration", "kind", "event", "form"),
    [
        ("real y[g];", "real", (), None),
        ("int<lower=0> y[g];", "int", (), None),
        ("vector<upper=0>[P] y[g];", "real", ("P",), None),
        ("vector[n] y;", "real", ("n",), None),
        ("simplex[K] y[g];", "real", ("K",), "simplex"),
        ("ordered[K] y;", "real", ("K",), "ordered"),
        ("positive_ordered[2] y;", "real", (2,), "positive_ordered"),
        ("matrix<lower=0>[K, P] y[g];", "real", ("K", "P"), None),
        ("cholesky_factor_corr[K] y;", "real", ("K", "K"), "cholesky_factor_corr"),
        ("array[K] int<lower=0> y[g];", "int", ("K",), None),
        ("array[2, K] simplex[P] y;", "real", (2, "K", "P"), "simplex"),
        ("array[n] matrix[2, 3] y;", "real", ("n", 2, 3), None),
    ],
)
def test_types(declaration: str, kind: str, event: tuple[int | str, ...], form: str | None) -> None:
    variable = declared(declaration)
    assert (variable.type.kind, variable.type.event, variable.form) == (kind, event, form)


@pytest.mark.parametrize(
    ("declaration", "complaint"),
    [
        ("matrix[K] y;", "QEM416: a matrix has two sizes / write `matrix[K, ...]`"),
        ("matrix[K, 2, 3] y;", "QEM416: a matrix has two sizes / write `matrix[n, m]`"),
        ("vector[2, K] y;", "QEM416: a vector has one size / for several of them, write `array[2] vector[K]`"),
        ("ordered[2, K] y;", "QEM416: `ordered` has one size / for several of them, write `array[2] ordered[K]`"),
        (
            "corr_matrix[K] y;",
            "QEM427: a correlation matrix is declared by its Cholesky factor / declare `matrix[K, K] y`",
        ),
        (
            "simplex<lower=0>[K] y;",
            "QEM426: `simplex` takes no bounds: the components of a simplex lie between 0 and 1",
        ),
        ("ordered<lower=0>[K] y;", "QEM426: `ordered` takes no bounds"),
        (
            "array[g] real y;",
            "QEM416: `g` is a plate and no size: `y` has one value for each of its members / write `real y[g];`",
        ),
        ("array[0] real y;", "QEM416: a size is a whole number of at least 1"),
        ("array[K + 1] real y;", "QEM416: a size is a number, or the name of a dim or of a single int of the data"),
        ("real<offset=1> y;", "QEM415: `offset` changes the scale on which Stan samples, and is not needed here"),
        ("real<min=1> y;", "QEM415: `min` is no bound: there are `lower` and `upper` / write `lower=1`"),
        ("real<uper=1> y;", "QEM415: `uper` is no bound: there are `lower` and `upper` / did you mean `upper`?"),
        ("int<lower=0.5> y;", "QEM415: a bound of an int is a whole number, and this is 0.5 / write `lower=1`"),
        ("int<upper=2.5> y;", "QEM415: a bound of an int is a whole number, and this is 2.5 / write `upper=2`"),
        (
            "real<lower=1, upper=0> y;",
            "QEM406: the lower bound is not below the upper bound / swap them: `lower=0, upper=1`",
        ),
        ("vector[2] v; real<lower=v> y;", "QEM415: a bound is a single number, and `v` is `vector[2]`"),
    ],
)
def test_wrong_types(declaration: str, complaint: str) -> None:
    (found,) = said(f"data {{ dim K; plate g; {declaration} }} model {{ }}")
    assert found.startswith(complaint)


@pytest.mark.parametrize(
    ("declaration", "complaint"),
    [
        ("matrix[2, 3] a ~ normal(0, 1);", "QEM427: a matrix is declared in `data` or `transformed data` only"),
        ("matrix[2, 3] a = m;", "QEM427: a matrix is declared in `data` or `transformed data` only"),
        ("simplex[2] a = v;", "QEM428: `a` is declared `simplex[2]`, and nothing says that its value is one"),
        ("int a = 1 / 2;", "QEM419: `a` is int, and its value is real / declare `real a`: `/` is real division"),
        ("vector[2] a = 1;", "QEM402: `a` is `vector[2]`, and its value is `int` / write `rep_vector(1, 2)`"),
        ("vector[2] a = v';", "QEM402: `a` is `vector[2]`, and its value is `vector[2]` (transposed) / write `v`"),
        ("real a = v;", "QEM402: `a` is `real`, and its value is `vector[2]` / declare `vector[2] a`"),
        (
            "real<lower=0> a = 1;",
            "QEM424: a deterministic name has no bounds / write `real a`: its value follows from its pa",
        ),
    ],
)
def test_wrong_types_of_the_model(declaration: str, complaint: str) -> None:
    (found,) = said(f"data {{ vector[2] v; matrix[2, 3] m; }} model {{ {declaration} }}")
    assert found.startswith(complaint)


def test_a_definition_keeps_the_form_of_its_value() -> None:
    text = "model { vector[2] v ~ normal(0, 1); simplex[2] p = softmax(v); vector[2] q = p; simplex[2] r = q; }"
    assert said(text) == []


# Plates.


def test_chains_are_ordered_plates() -> None:
    ir = model("data { plate store; chain week in store by s; real y[week]; } model { }")
    assert [(p.name, p.parent, p.index, p.is_chain) for p in ir.plates] == [
        ("store", None, None, False),
        ("week", "store", "s", True),
    ]


@pytest.mark.parametrize(
    ("data", "complaints"),
    [
        ("plate h in g; plate g; real y[h];", ["QEM202: `g` is used before it is declared / move `plate g;` above"]),
        ("plate i in h by k; plate h in g; plate g; real y[i];", ["QEM202: `h`", "QEM202: `g`"]),
        ("plate a in b; plate b in a; real y[a];", ["QEM303: the plates `a` and `b` are nested in each other"]),
        ("plate a in a by k; real y[a];", ["QEM303: the plate `a` cannot be nested in itself / write `plate a;`"]),
        ("plate g; plate h in gg by k; real y[h];", ["QEM301: there is no plate `gg` / did you mean `g`?"]),
        ("plate g; plate f; plate h in g, f by k; real y[h];", ["QEM304: `h` has two parents, `g` and `f`"]),
        ("plate g by k; real y[g];", ["QEM310: `by` needs the plate that it points to"]),
        ("plate g[2, 3]; real y[g];", ["QEM416: a plate has one size / nest one plate in another"]),
        (
            "plate g; plate h in g; real y[g, h];",
            ["QEM312: a name lives on one plate; the plates around it are implied"],
        ),
        (
            "plate g; plate h in g; real y[h, g];",
            ["QEM312: a name lives on one plate; the plates around it are implied"],
        ),
        ("plate g; plate h; real y[g, h];", ["QEM312: the plates `g` and `h` cross: neither is inside the other"]),
        (
            "int N; real y[N];",
            ["QEM312: `N` is not a plate: the brackets after a name hold the plate that it lives on"],
        ),
        ("int N; int M; real y[N, M];", ["QEM312: `N, M` are no plates"]),
        ("real y[N];", ["QEM312: `N` is not a plate"]),
        ("real y[3];", ["QEM312: `3` is not a plate"]),
        ("plate g; real y[gg];", ["QEM301: there is no plate `gg` / did you mean `g`?"]),
        ("real y[g]; plate g;", ["QEM202: `g` is used before it is declared / move its declaration above"]),
        ("plate g; real y[g + 1];", ["QEM312: `g + 1` is not a plate"]),
    ],
)
def test_wrong_plates_have_no_followers(data: str, complaints: list[str]) -> None:
    found = said(f"data {{ {data} real x; }} model {{ real mu ~ normal(0, 1); x ~ normal(mu, 1); }}")
    assert len(found) == len(complaints), found
    assert all(a.startswith(b) for a, b in zip(found, complaints, strict=True)), found


@pytest.mark.parametrize(
    ("declaration", "fix"),
    [
        ("int N; real y[N];", "declare `plate obs[N];` and write `real y[obs];`, or write `vector[N] y;`"),
        ("real<lower=0> y[N];", "declare `plate N;`, or write `vector<lower=0>[N] y;`"),
        ("int y[N];", "declare `plate N;`, or write `array[N] int y;`"),
        ("vector[2] y[3];", "declare a plate, or write `array[3] vector[2] y;`"),
        ("real y[N, M];", "write `matrix[N, M] y;`, or nest plates: `plate row; plate cell in row;` and `y[cell]`"),
        ("int y[2, 3];", "write `array[2, 3] int y;`"),
        ("plate g; plate h in g; int y[h, g];", "write only the innermost plate: `y[h]`"),
    ],
)
def test_sizes_after_a_name_are_rewritten(declaration: str, fix: str) -> None:
    (found,) = said(f"data {{ {declaration} }} model {{ }}")
    assert found.split(" / ")[1].startswith(fix)


def test_swapped_plates_in_the_brackets_mean_the_innermost() -> None:
    text = "data { plate g; plate h in g; real y[h, g]; } model { plate g { plate h { y ~ normal(0, 1); } } }"
    assert [line[:6] for line in said(text)] == ["QEM312"]


def test_very_many_plates_in_reverse_order() -> None:
    plates = "".join(f"plate g{i} in g{i + 1}; " for i in range(2_000))
    found = said(f"data {{ {plates} plate g2000; }} model {{ }}")
    assert len(found) == 2_000
    assert all(line.startswith("QEM202") for line in found)


# Missing values.


def test_missing_data_are_observed() -> None:
    ir = model(
        "data { plate g; missing int k[g]; missing vector[2] v[g]; } model { plate g { k ~ poisson(3); v ~ normal(0, 1); } }"
    )
    assert [v.missing for v in ir.data] == [True, True]


@pytest.mark.parametrize(
    ("data", "use", "complaint"),
    [
        ("missing real x[g];", "y ~ normal(x, 1);", "QEM218: values of `x` may be missing, so it is only observed"),
        ("missing int c[g];", "y ~ normal(v[c], 1);", "QEM218: values of `c` may be missing"),
        (
            "missing simplex[2] p[g];",
            "y ~ normal(p[1], 1);",
            "QEM425: `missing` stands before numbers and vectors, and `p`",
        ),
        (
            "missing matrix[2, 2] p[g];",
            "y ~ normal(p[1, 1], 1);",
            "QEM425: `missing` stands before numbers and vectors",
        ),
        ("plate h in g by k; missing int k[h];", "y ~ normal(0, 1);", "QEM425: `k` is the index of the plate `h`"),
    ],
)
def test_where_values_may_not_be_missing(data: str, use: str, complaint: str) -> None:
    (found,) = said(f"data {{ plate g; real y[g]; vector[2] v; {data} }} model {{ plate g {{ {use} }} }}")
    assert found.startswith(complaint)


# transformed data.


def test_transformed_names_are_data_of_the_plate_of_their_value() -> None:
    data = "data { plate g; real y[g]; } transformed data { real m = mean(y over g); plate g { real z = m; real c = y - z; } }"
    ir = model(f"{data} model {{ plate g {{ c ~ normal(z, 1); }} }}")
    assert [(d.name, d.plate, d.type.plate) for d in ir.transformed] == [
        ("m", None, None),
        ("z", "g", None),
        ("c", "g", "g"),
    ]
    (observation,) = ir.observations
    assert (observation.name, observation.plate, observation.type.plate) == ("c", "g", "g")
    assert observation.arguments[0] == DataRef("z", ValueType("real"), observation.arguments[0].span)
    (found,) = said(f"{data} model {{ plate g {{ z ~ normal(0, 1); c ~ normal(0, 1); }} }}")
    assert found.startswith("QEM307: `z` has one value only, but is observed inside")


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        (
            "real a ~ normal(0, 1);",
            "QEM219: `transformed data` has no latents: it is computed from the data alone / move `real a",
        ),
        (
            "y ~ normal(0, 1);",
            "QEM219: data are observed in `model`: `transformed data` only computes / move `y ~ ...;`",
        ),
        ("joint { real a ~ normal(0, 1); }", "QEM219: a `joint` block holds latents, and `transformed data` has none"),
        ("real a;", "QEM220: `a` has no value / give it one where it is declared: `real a = ...;`"),
        ("real a; a = 3;", "QEM220: `a` gets its value where it is declared, not later / write `real a = 3;`"),
        ("a = 3 * n;", "QEM201: `a` is not declared / write `real a = 3 * n;`"),
        ("n = 4;", "QEM205: `n` is data and cannot be assigned"),
        ("real n = 4;", "QEM205: `n` is data and cannot be assigned"),
        ("real a = 3; a = 4;", "QEM204: `a` has its value already and cannot be assigned"),
        ("real a = 3; real a = 4;", "QEM203: `a` is declared twice"),
        (
            "real a = tau;",
            "QEM217: `tau` belongs to a later block, and this one depends on data only / compute it in `model`",
        ),
        ("real a = b; real b = 1;", "QEM202: `b` is used before it is declared"),
        ("real<lower=0> a = n;", "QEM424: a deterministic name has no bounds / write `real a`"),
        ("plate g { real a[g] = y; }", "QEM311: `a` takes no brackets here"),
        ("plate h { real a = n; }", "QEM301: there is no plate `h`"),
        ("chain g { real a = y; }", "QEM319: `g` is a plate, and is opened as a chain"),
        ("simplex[2] a = v;", "QEM428: `a` is declared `simplex[2]`"),
        ("int a = n / 2;", "QEM419: `a` is int, and its value is real"),
    ],
)
def test_what_has_no_place_in_transformed_data(statement: str, complaint: str) -> None:
    text = "data {{ plate g; real y[g]; int n; vector[2] v; }} transformed data {{ {} }} model {{ real tau ~ normal(n, 1); }}"
    found = said(text.format(statement))
    assert len(found) == 1, found
    assert found[0].startswith(complaint)


def test_data_do_not_depend_on_latents() -> None:
    (found,) = said("data { real<lower=mu> y; } model { real mu ~ normal(0, 1); y ~ normal(mu, 1); }")
    assert found.startswith("QEM217: `mu` belongs to a later block")


def test_a_transformed_int_is_no_size() -> None:
    (found,) = said("data { int n; } transformed data { int m = n + 1; vector[m] v = rep_vector(0, n); } model { }")
    assert found.startswith("QEM416: `m` is no size")
