"""What expressions mean: types, shapes, forms and plates; and what is said of those that mean nothing."""

from __future__ import annotations

import pytest

from qemppl.diagnostics.source import Source
from qemppl.ir.functions import FUNCTIONS
from qemppl.ir.model import Call, DataRef, Definition, Lag, ModelIR, PlateReduce, Previous, ValueType, walk
from qemppl.ir.show import show_expression
from qemppl.lang.check.calls import signature_text
from qemppl.lang.check.data_block import DataBlock
from qemppl.lang.check.declarations import Declarations
from qemppl.lang.check.expressions import Expressions
from qemppl.lang.check.report import Reporter
from qemppl.lang.check.scope import Scope, Value
from qemppl.lang.syntax import ast
from qemppl.lang.syntax.parse import parse
from tests.lang.programs import check

DATA = """data { dim K = 3; dim P; int n; real r; vector[K] v; vector<lower=0>[P] x; matrix[K, P] m; matrix[P, K] w;
  array[2] vector[K] a; array[K] int c; array[2] simplex[K] p; simplex[K] q; ordered[K] o; matrix[K, K] s;
  positive_ordered[K] u; cholesky_factor_corr[K] L; array[2, K] real t; } """


def evaluated(expression: str) -> Value:
    """The value of an expression of the data above."""
    text = f"{DATA} transformed data {{ real z = {expression}; }} model {{ }}"
    data, transformed, _ = parse(Source("m.qem", text)).program.blocks
    assert isinstance(data, ast.DataBlock)
    assert isinstance(transformed, ast.TransformedDataBlock)
    scope = Scope(Reporter())
    expressions = Expressions(scope, {})
    DataBlock(scope, Declarations(scope, expressions)).check(data)
    (definition,) = transformed.body
    assert isinstance(definition, ast.Definition)
    value = expressions.check(definition.value, None, block="transformed data")
    assert value is not None, scope.report.diagnostics
    assert not scope.report.diagnostics
    return value


def complaint(text: str) -> str:
    """The code, the message and the fix of the one thing that is wrong with a program."""
    (diagnostic,) = [d for d in check(text).diagnostics if d.is_error]
    return f"{diagnostic.code}: {diagnostic.message} / {diagnostic.hint}"


def model(text: str) -> ModelIR:
    found = check(text)
    assert found.model is not None, found.diagnostics
    return found.model


@pytest.mark.parametrize(
    ("expression", "phrase"),
    [
        ("n + 1", "`int`"),
        ("n / 2", "`real`"),
        ("n % 2", "`int`"),
        ("n ^ 2", "`real`"),
        ("square(n) * abs(n)", "`int`"),
        ("n > 1 ? n : 1", "`int`"),
        ("n > 1 ? n : 1.0", "`real`"),
        ("v + r", "`vector[K]`"),
        ("2 * v", "`vector[K]`"),
        ("v .* v ./ 3", "`vector[K]`"),
        ("v'", "`vector[K]` (transposed)"),
        ("v' * v", "`real`"),
        ("m * x", "`vector[K]`"),
        ("v' * m", "`vector[P]` (transposed)"),
        ("m * w", "`matrix[K, K]`"),
        ("m'", "`matrix[P, K]`"),
        ("m' + w", "`matrix[P, K]`"),
        ("2 * m - 1", "`matrix[K, P]`"),
        ("quad_form_diag(s, v)", "`matrix[K, K]`"),
        ("diag_pre_multiply(v, m)", "`matrix[K, P]`"),
        ("m[1]", "`vector[P]` (transposed)"),
        ("m[1] * x", "`real`"),
        ("m[1, 2]", "`real`"),
        ("a[2]", "`vector[K]`"),
        ("a[2, n]", "`real`"),
        ("a + 1", "`array[2] vector[K]`"),
        ("t[1]", "`array[K] real`"),
        ("c", "`array[K] int`"),
        ("sum(c)", "`int`"),
        ("mean(c)", "`real`"),
        ("c[n]", "`int`"),
        ("v[c[n]]", "`real`"),
        ("c * v[1]", "`array[K] real`"),
        ("v + c", "`vector[K]`"),
        ("p[1]", "`vector[K]`"),
        ("rep_vector(n, P)", "`vector[P]`"),
        ("rep_vector(r, n)", "`vector[n]`"),
        ("rep_vector(r, 3) + v", "`vector[3]`"),
        ("rep_vector(r, K) + rep_vector(r, 3)", "`vector[K]`"),
        ("cumulative_sum(softmax(v))", "`vector[K]`"),
        ("log_sum_exp(v)", "`real`"),
    ],
)
def test_types(expression: str, phrase: str) -> None:
    assert evaluated(expression).phrase == phrase


@pytest.mark.parametrize(
    ("expression", "form"),
    [
        ("q", "simplex"),
        ("(q)", "simplex"),
        ("p[n]", "simplex"),
        ("softmax(v)", "simplex"),
        ("n > 1 ? q : softmax(v)", "simplex"),
        ("n > 1 ? q : v", None),
        ("q + 0", None),
        ("rep_vector(0.25, 4)", None),
        ("q .* q", None),
        ("o", "ordered"),
        ("o + r", "ordered"),
        ("r + 2 * o", "ordered"),
        ("o / 3 - r", "ordered"),
        ("r - o", None),
        ("-2 * o", None),
        ("o * r", None),
        ("exp(o)", "positive_ordered"),
        ("u + 1", "positive_ordered"),
        ("u - 1", "ordered"),
        ("cumulative_sum(exp(v) + 1)", "positive_ordered"),
        ("cumulative_sum(v)", None),
        ("L", "cholesky_factor_corr"),
        ("L[1]", None),
        ("2 * L", "cholesky_factor"),
        ("diag_pre_multiply(exp(v), L)", "cholesky_factor"),
        ("diag_pre_multiply(v, s)", None),
        ("L * L'", "covariance"),
        ("quad_form_diag(L * L', v)", "covariance"),
        ("L * s'", None),
    ],
)
def test_forms(expression: str, form: str | None) -> None:
    assert evaluated(expression).form == form


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("a[n, 2]", "a[n][2]"),
        ("v' * m", "matrix_vector(transpose(m), v)"),
        ("rep_vector(r, n)", "rep_vector(r, n)"),
        ("x' * x", "dot_product(x, x)"),
        ("m' * v", "matrix_vector(transpose(m), v)"),
    ],
)
def test_translations(expression: str, shown: str) -> None:
    assert show_expression(evaluated(expression).expr) == shown


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (
            "sum(v * v)",
            "QEM421: two vectors cannot be multiplied with `*` / write `dot_product(v, v)` for the sum of the products, or `v .* v",
        ),
        ("sum(m * v)", "QEM402: the sizes of the arguments of `*` differ: `matrix[K, P]` and `vector[K]` / None"),
        ("sum(v * m)", "QEM421: the vector on the left of a matrix is a row / write `v' * m`"),
        ("sum(m * x')", "QEM421: the vector on the right of a matrix is a column / write `m * x`"),
        ("sum(v * v')", "QEM421: a column times a row is a matrix, which only data have here"),
        ("sum(a * v)", "QEM421: `*` takes numbers, vectors and matrices, and this is `array[2] vector[K]`"),
        ("sum(1 / v)", "QEM421: a vector cannot be divided by with `/` / write `1 ./ v` for each element"),
        ("sum(v + x)", "QEM402: the sizes of the arguments of `+` differ: `vector[K]` and `vector[P]`"),
        ("sum(v + v')", "QEM402: the sizes of the arguments of `+` differ: `vector[K]` and `vector[K]` (transposed)"),
        ("r'", "QEM402: `'` transposes a vector or a matrix, and this is a scalar / remove `'`"),
        ("sum(m)", "QEM402: the argument of `sum` must be a vector, and this is `matrix[K, P]`"),
        ("softmax(r)", "QEM402: the argument of `softmax` must be a vector, and this is `real`"),
        ("sum(quad_form_diag(m, v))", "QEM402: an argument of `quad_form_diag` is square, and this is `matrix[K, P]`"),
        (
            "dot_product(v, x)",
            "QEM402: the sizes of the arguments of `dot_product` differ: `vector[K]` and `vector[P]`",
        ),
        ("min(r, 1)", "QEM401: `min` takes 1 argument, not 2 / write `fmin(r, 1)`"),
        ("max(r, 1, n)", "QEM401: `max` takes 1 argument, not 3 / write `fmax(fmax(r, 1), n)`"),
        ("sum(rep_vector(1, r))", "QEM416: `n` of `rep_vector` is a size"),
        ("sum(rep_vector(1, n + 1))", "QEM416: `n` of `rep_vector` is a size"),
        ("v[0]", "QEM410: this index is out of range"),
        ("v[4]", "QEM410: this index is out of range"),
        ("m[1, 2, 3]", "QEM411: `m` is `matrix[K, P]` and takes 2 indices, not 3"),
        ("r[1]", "QEM411: `r` is a single number and has no components / write `r`, or make it a vector"),
        ("v[n / 2]", "QEM409: an index is a single int, and this is `real` / `/` is real division"),
        ("v[1.0]", "QEM409: an index is a single int, and this is `real` / write a whole number"),
        ("sum(v[c])", "QEM409: an index is a single int, and this is `array[K] int` / pick one"),
        ("fabs(r - 1)", "QEM213: there is no function `fabs` / write `abs(r - 1)`"),
        ("multiply_log(r + 1, n)", "QEM213: there is no function `multiply_log` / write `(r + 1) * log(n)`"),
        ("log10(r + 1)", "QEM213: there is no function `log10` / write `log(r + 1) / log(10)`"),
        ("size(v)", "QEM213: there is no function `size` / sizes have names"),
        ("normal_lpdf(r, 0, 1)", "QEM213: there is no function `normal_lpdf` / state the law: `r ~ normal(0, 1);`"),
        (
            "poisson_rng(3)",
            "QEM213: there is no function `poisson_rng`: a draw has its law after `~` / write `int<lower=0> z ~",
        ),
        ("sqr(r)", "QEM213: there is no function `sqr` / did you mean `sqrt`?"),
        ("nrmal(r, 1)", "QEM213: there is no function `nrmal` / did you mean `normal`?"),
        ("prev(r)", "QEM316: `prev` belongs to the statements of a chain in `model`"),
        ("lag(r, 1)", "QEM318: `lag` takes data of a chain, and `r` is the same for all steps"),
        ("1 < r < 2", "QEM115: comparisons cannot be chained / write `1 < r && r < 2`"),
    ],
)
def test_mistakes_are_answered_once(expression: str, said: str) -> None:
    assert complaint(f"{DATA} transformed data {{ real z = {expression}; }} model {{ }}").startswith(said)


def test_signatures_are_written_as_declarations() -> None:
    assert signature_text(FUNCTIONS["exp"]) == "exp(x)"
    assert signature_text(FUNCTIONS["rep_vector"]) == "rep_vector(real x, int n) -> vector[n]"
    written = "quad_form_diag(matrix[n, n] a, vector[n] d) -> matrix[n, n]"
    assert signature_text(FUNCTIONS["quad_form_diag"]) == written


# Members of plates.

PLATES = "data { plate g; plate h in g; plate o; real y[h]; real x[g]; real w[o]; int k[h]; vector[2] v[h]; }"


@pytest.mark.parametrize(
    ("inside", "expression", "kind"),
    [
        ("", "mean(y over h)", ValueType("real")),
        ("", "sum(k over h)", ValueType("int")),
        ("", "mean(k over h)", ValueType("real")),
        ("", "sum(1 over h)", ValueType("int")),
        ("plate g", "mean(y over h)", ValueType("real", (), "g")),
        ("plate g", "max(x over g)", ValueType("real")),
        ("plate g", "mean(w over o)", ValueType("real")),
        ("plate g plate h", "sd(y over h)", ValueType("real", (), "g")),
        ("plate g plate h", "mean(x over g)", ValueType("real")),
        ("plate o", "mean(y over h)", ValueType("real")),
        ("", "mean(mean(y over h) over g)", ValueType("real")),
        ("plate g", "sum(y - x over h)", ValueType("real", (), "g")),
    ],
)
def test_a_reduced_plate_leaves_its_parent(inside: str, expression: str, kind: ValueType) -> None:
    opened = inside.replace("plate", "{ plate").split("{", 1)[-1] + " {" if inside else ""
    text = f"{PLATES} transformed data {{ {opened} real z = {expression}; {'}' * opened.count('{')} }} model {{ }}"
    (definition,) = model(text).transformed
    assert isinstance(definition.value, PlateReduce)
    assert definition.value.type == kind


def test_a_reduced_vector_stays_a_vector_and_a_mean_of_simplexes_a_simplex() -> None:
    text = "data { plate g; vector[2] v[g]; simplex[2] p[g]; } transformed data "
    ir = model(text + "{ vector[2] a = mean(v over g); simplex[2] b = mean(p over g); } model { }")
    assert [definition.type.event for definition in ir.transformed] == [(2,), (2,)]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("real z = mean(y over hh);", "QEM301: there is no plate `hh` / did you mean `h`?"),
        ("real z = mean(y over k);", "QEM301: `k` is data, not a plate"),
        ("real z = average(y over h);", "QEM314: `average` is no function / write `mean`"),
        ("real z = softmax(y over h);", "QEM314: `softmax` does not take the members of a plate"),
        ("real z = mean(y over g);", "QEM305: `y` has one value for each member of `h`, and cannot be used outside"),
        (
            "real z = sd(y);",
            "QEM305: `y` has one value for each member of `h`, and cannot be used outside of that plate",
        ),
        ("real z = mean(w over h);", "QEM306: `w` belongs to the plate `o`, which is not around the plate `h`"),
        (
            "plate g { real z = mean(x); }",
            "QEM402: the argument of `mean` must be a vector, and this is `real` / for the m",
        ),
        ("real z = sum(g);", "QEM214: `g` is a plate, not a value"),
    ],
)
def test_wrong_reductions(statement: str, said: str) -> None:
    assert complaint(f"{PLATES} transformed data {{ {statement} }} model {{ }}").startswith(said)


def test_the_fix_of_a_member_outside_of_its_plate_is_the_reduction_that_was_meant() -> None:
    said = complaint(f"{PLATES} transformed data {{ real z = sd(y); }} model {{ }}")
    assert said.endswith("/ write `sd(y over h)`, or use it inside `plate h { ... }`")


def test_members_are_not_taken_together_in_model() -> None:
    said = complaint("data { plate g; real y[g]; } model { plate g { y ~ normal(mean(y over g), 1); } }")
    assert said == (
        "QEM315: `mean(y over g)` depends on data only: it is computed in `transformed data`"
        " / define it there, `real y_mean = mean(y over g);`, and write `y_mean`"
    )
    text = "data { plate g; real y[g]; } model { plate g { real a ~ normal(0, 1); y ~ normal(a, sd(a over g)); } }"
    assert complaint(text).startswith(
        "QEM315: `sd(a over g)` depends on latents: it is computed in `generated quantities`, not in `model` / move it there"
    )


def test_a_column_that_points_to_members_of_another_plate_nests_the_plates() -> None:
    text = (
        "data { plate county; plate house; int c[house]; real y[house]; }"
        "model { plate county { real a ~ normal(0, 1); } plate house { y ~ normal(a[c], 1); } }"
    )
    assert "declare `plate house in county by c;`" in complaint(text)


# Enumerated latents and chains.


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ("z", "QEM410: this index can be 0 / write `mu[z + 1]`"),
        ("z + 3", "QEM410: this index can be 4 / None"),
        ("z + 1", None),
        ("1 - z", "QEM410: this index can be 0"),
    ],
)
def test_every_value_of_an_enumerated_index_is_in_range(index: str, said: str | None) -> None:
    text = (
        "data { plate g; real y[g]; } model { vector[3] mu ~ normal(0, 1);"
        f"plate g {{ int<lower=0, upper=1> z ~ bernoulli(0.5); y ~ normal(mu[{index}], 1); }} }}"
    )
    if said is None:
        model(text)
    else:
        assert complaint(text).startswith(said)


def chain(law: str, rest: str = "") -> str:
    return (
        "data { chain t; plate i in t; real y[t]; real p[i]; real c; } model { real mu ~ normal(c, 1);"
        f"chain t {{ real x ~ {law}; real d = x; {rest} y ~ normal(d + mu, 1); }} }}"
    )


def test_prev_of_a_latent_in_its_own_law() -> None:
    ir = model(chain("normal(prev(x), 1) init normal(0, 1)"))
    law = next(v for v in ir.latents if v.name == "x").arguments[0]
    assert law == Previous("x", ValueType("real", (), "t"), law.span)


def test_lag_of_data() -> None:
    ir = model(chain("normal(lag(y, 2), 1)"))
    law = next(v for v in ir.latents if v.name == "x").arguments[0]
    assert isinstance(law, Lag)
    assert isinstance(law.value, DataRef)
    assert (law.value.name, law.steps, law.chain, law.type.plate) == ("y", 2, "t", "t")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        (
            "prev(mu)",
            "QEM317: `mu` has one value for all steps of `t`: it has no value at the step before / write `mu`",
        ),
        ("prev(y)", "QEM317: `prev` takes a latent of the chain, and `y` is data / write `lag(y, 1)`"),
        ("prev(t)", "QEM317: `prev` takes a latent of the chain, and `t` is a plate"),
        ("prev(x + 1)", "QEM317: `prev` takes the name of a latent / apply"),
        ("prev(x, 1)", "QEM401: `prev` takes 1 argument, not 2"),
        ("prev(zz)", "QEM201: `zz` is not declared"),
        ("lag(y)", "QEM401: `lag` takes 2 arguments, not 1 / write `lag(y, 1)`"),
        ("lag(y, 0)", "QEM318: `lag` reaches a whole number of steps back, at least 1 / write a number: `lag(y, 1)`"),
        ("lag(mu, 1)", "QEM318: `lag` takes data, and this depends on latents / write `prev(mu)`"),
    ],
)
def test_wrong_steps(argument: str, said: str) -> None:
    assert complaint(chain(f"normal(prev(x) + {argument}, 1) init normal(0, 1)")).startswith(said)


def test_members_inside_a_chain_have_no_step_before() -> None:
    said = complaint(chain("normal(0, 1)", "plate i { real q ~ normal(prev(q), 1); p ~ normal(q + x, 1); }"))
    assert said.startswith("QEM317: `q` belongs to `i`, whose members are others at each step of `t`")
    said = complaint(chain("normal(0, 1)", "plate i { p ~ normal(lag(p, 1) + x, 1); }"))
    assert said.startswith("QEM318: `lag` takes data of a chain, and `p` lives on `i`, whose members are others")


def test_prev_outside_of_a_chain_names_the_plate() -> None:
    text = "data { plate g; real y[g]; } model { plate g { real x ~ normal(prev(x), 1); y ~ normal(x, 1); } }"
    assert complaint(text).endswith(
        "/ if the members of `g` follow each other in time, declare and open it as `chain g`"
    )


def test_long_sums_of_every_kind_of_node_are_walked_without_recursion() -> None:
    sums = " + ".join(["mean(y over g) * v[1]"] * 5_000)
    (definition,) = model(
        f"data {{ plate g; real y[g]; vector[2] v; }} transformed data {{ real z = {sums}; }} model {{ }}"
    ).transformed
    assert isinstance(definition, Definition)
    assert sum(isinstance(node, Call) for node in walk(definition.value)) == 9_999
