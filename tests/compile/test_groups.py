from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qemppl.compile.groups import Group, choose_groups
from qemppl.compile.plan import make_plan
from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.driver import compile_model
from qemppl.families.binomial import Binomial
from qemppl.families.categorical import Categorical
from tests.engine.targets import CPU


def groups(model: str, data: str = "", **values: object) -> list[Group]:
    text = f"data {{ {data} }} model {{ {model} }}"
    return list(choose_groups(compile_model(text=text).bind(values)[0]))


def described(found: list[Group]) -> list[tuple[str, str | None, str, int]]:
    return [(group.name, group.plate, group.family.name, group.dimension) for group in found]


@pytest.mark.parametrize(
    ("latent", "family"),
    [
        ("real z ~ normal(0, 1);", "normal"),
        ("real<lower=0> z ~ normal(0, 1);", "gamma"),
        ("real<upper=3> z ~ normal(0, 1);", "gamma"),
        ("real<lower=0> z ~ cauchy(0, 1);", "lognormal"),
        ("real z ~ lognormal(0, 1);", "lognormal"),
        ("real<lower=-1,upper=1> z ~ normal(0, 1);", "beta"),
        ("real<lower=0> z ~ gamma(2, 1) approx lognormal;", "lognormal"),
        ("real<lower=0> z ~ gamma(2, 1) approx inv_gamma;", "inv_gamma"),
        ("real<lower=0> z ~ gamma(2, 1) approx exponential;", "exponential"),
        ("real<lower=-3.1416, upper=3.1416> z ~ von_mises(0, 1);", "von_mises"),
        ("real<lower=-3.1416, upper=3.1416> z ~ von_mises(0, 1) approx beta;", "beta"),
        ("real<lower=0, upper=6.2832> z ~ uniform(0, 6.2832);", "beta"),
        ("real<lower=0, upper=6.2832> z ~ uniform(0, 6.2832) approx von_mises;", "von_mises"),
        ("vector<lower=-3.1416, upper=3.1416>[3] z ~ von_mises(0, 1);", "von_mises"),
        ("joint { vector<lower=-3.1416, upper=3.1416>[3] z ~ von_mises(0, 1); }", "multi_normal"),
        ("vector[3] z ~ normal(0, 1);", "multi_normal"),
        ("vector[200] z ~ normal(0, 1);", "multi_normal_diag"),
        ("simplex[4] z ~ dirichlet(rep_vector(1, 4));", "dirichlet"),
        ("simplex[2] z ~ dirichlet(rep_vector(1, 2));", "dirichlet"),
        ("simplex[4] z ~ dirichlet(rep_vector(1, 4)) approx multi_normal;", "multi_normal"),
        ("array[2] simplex[4] z ~ dirichlet(rep_vector(1, 4));", "multi_normal"),
        ("ordered[2] z ~ normal(0, 1);", "multi_normal"),
        ("sampled int z ~ bernoulli(0.3);", "bernoulli"),
        ("sampled int z ~ bernoulli(0.3) approx categorical;", "categorical"),
        ("sampled int<lower=4, upper=5> z ~ poisson(3);", "bernoulli"),
        ("sampled int z ~ binomial(5, 0.3);", "categorical"),
        ("sampled int z ~ binomial(5, 0.3) approx binomial;", "binomial"),
        ("sampled int z ~ binomial(1000, 0.3);", "neg_binomial"),
        ("sampled int z ~ binomial(1000, 0.3) approx binomial;", "binomial"),
        ("sampled int<lower=1> z ~ poisson(3);", "neg_binomial"),
        ("sampled int z ~ poisson(3) approx poisson;", "poisson"),
        ("sampled array[3] int z ~ poisson(3);", "neg_binomial"),
    ],
)
def test_family_of_a_group_follows_from_its_support(latent: str, family: str) -> None:
    (group,) = groups(latent)
    assert group.family.name == family


def test_as_published_latents_stand_alone_and_coordinates_of_vectors_are_independent() -> None:
    text = """model {
      vector[3] v ~ normal(0, 1); vector[3] w ~ normal(0, 1) approx multi_normal; real z ~ normal(0, 1);
      joint { real a ~ normal(0, 1); real b ~ normal(a, 1); }
    }"""
    found = choose_groups(compile_model(text=text).bind({})[0], separate=True)
    assert {group.name: group.family.name for group in found} == {
        "v": "multi_normal_diag",
        "w": "multi_normal",
        "z": "normal",
        "a+b": "multi_normal",
    }


def test_global_latents_share_a_group_and_so_do_those_of_a_plate() -> None:
    found = groups(
        "real m ~ normal(0, 1); real<lower=0> s ~ normal(0, 1); "
        "plate g { real a ~ normal(m, s); real b ~ normal(0, s); y ~ normal(a + b, 1); }",
        "plate g; real y[g];",
        y=[1.0] * 9,
    )
    assert described(found) == [("m+s", None, "multi_normal", 2), ("a+b", "g", "multi_normal", 2)]


def test_a_univariate_family_after_approx_stands_alone() -> None:
    found = groups("real m ~ normal(0, 1); real<lower=0> s ~ normal(0, 1) approx gamma;")
    assert described(found) == [("m", None, "normal", 1), ("s", None, "gamma", 1)]


def test_the_angles_of_a_plate_share_an_index_of_their_own() -> None:
    found = groups(
        "real<lower=-3.1416, upper=3.1416> a ~ von_mises(0, 1); real m ~ normal(0, 1);"
        "vector<lower=0, upper=6.2832>[2] b ~ von_mises(0, 1); real s ~ normal(m, 1);"
        "plate g { real<lower=-3.1416, upper=3.1416> c ~ von_mises(a, 1); y ~ von_mises(b[1] + c + m + s, 1); }",
        "plate g; real y[g];",
        y=[1.0] * 9,
    )
    assert described(found) == [
        ("m+s", None, "multi_normal", 2),
        ("a+b", None, "von_mises", 3),
        ("c", "g", "von_mises", 1),
    ]


def test_a_simplex_shares_its_index_unless_it_is_alone_on_its_plate() -> None:
    found = groups(
        "simplex[3] base ~ dirichlet(rep_vector(1, 3)); real<lower=0> c ~ gamma(2, 1);"
        "plate g { simplex[3] share ~ dirichlet(c * base); votes ~ multinomial(share); }",
        "plate g; array[3] int<lower=0> votes[g];",
        votes=[[1, 2, 3]] * 9,
    )
    assert described(found) == [("base+c", None, "multi_normal", 3), ("share", "g", "dirichlet", 2)]
    found = groups("simplex[3] p ~ dirichlet(rep_vector(1, 3)) approx dirichlet; real m ~ normal(0, 1);")
    assert described(found) == [("m", None, "normal", 1), ("p", None, "dirichlet", 2)]


def test_a_sampled_latent_stands_alone_and_counts_its_values_from_the_least_of_each_member() -> None:
    found = groups(
        "real m ~ normal(0, 1); plate g { real a ~ normal(m, 1); "
        "sampled int<lower=low, upper=low + 2> k ~ poisson(3); y ~ normal(a + k, 1); }",
        "plate g; real y[g]; int<lower=0> low[g];",
        y=[1.0] * 9,
        low=[0, 1, 2, 3, 4, 5, 6, 7, 8],
    )
    assert described(found) == [("m", None, "normal", 1), ("a", "g", "normal", 1), ("k", "g", "categorical", 1)]
    family = found[-1].family
    assert isinstance(family, Categorical)
    assert family.states == 3


def test_a_binomial_family_has_an_end_of_each_member() -> None:
    (found,) = groups(
        "plate g { sampled array[2] int<lower=low> k ~ binomial(n, 0.3) approx binomial; y ~ normal(k[1], 1); }",
        "plate g; real y[g]; int<lower=0> low[g]; array[2] int<lower=0> n[g];",
        y=[1.0] * 2,
        low=[1, 2],
        n=[[1, 2], [3, 2000]],
    )
    assert isinstance(found.family, Binomial)
    assert found.family.highest.tolist() == [[0, 1], [1, 1998]]


def test_a_sampled_latent_of_a_joint_block_is_not_served() -> None:
    with pytest.raises(DiagnosticsError, match="QEM507"):
        compile_model(text="model { joint { sampled int k ~ poisson(3); real m ~ normal(0, 1); } }").plan({})


def test_few_latents_of_a_small_plate_join_many_global_ones() -> None:
    text = "vector[40] m ~ normal(0, 1); plate g {{ real a ~ normal(m[1], 1); y ~ normal(a, 1); }}"
    small = groups(text.replace("{{", "{").replace("}}", "}"), "plate g; real y[g];", y=[1.0] * 3)
    large = groups(text.replace("{{", "{").replace("}}", "}"), "plate g; real y[g];", y=[1.0] * 30)
    assert described(small) == [("m+a", None, "multi_normal", 43)]
    assert [name for name, *_ in described(large)] == ["m", "a"]


def test_more_draws_than_the_memory_holds_are_refused() -> None:
    text = "data { plate g; real y[g]; } model { plate g { real a ~ normal(0, 1); y ~ normal(a, 1); } }"
    with pytest.raises(DiagnosticsError, match="QEM505"):
        compile_model(text=text).fit({"y": [0.0] * 1000}, seed=1, draws=100_000, memory=2**28)


def test_too_little_memory_is_refused_before_anything_is_allocated() -> None:
    text = "data { plate g; real y[g]; } model { real m ~ normal(0, 1); plate g { real a ~ normal(m, 1); y ~ normal(a, 1); } }"
    bound = compile_model(text=text).bind({"y": [0.0] * 1000})[0]
    with pytest.raises(DiagnosticsError, match="QEM501") as caught:
        make_plan(bound, CPU, particles=20_000)
    (diagnostic,) = caught.value.diagnostics
    assert "20000 x 20000" in diagnostic.notes[0]
    assert diagnostic.span is not None
    assert diagnostic.span.text == "real a ~ normal(m, 1);"


def test_combinations_without_number_are_refused() -> None:
    text = """
    data { plate r; real x[r]; real y[r]; }
    model {
      real a ~ normal(0, 1);
      real b ~ normal(0, 1);
      real c ~ normal(0, 1);
      real d ~ normal(0, 1);
      real e ~ normal(0, 1);
      plate r { y ~ cauchy(a + b * x + c * x^2 + d * x^3 + e * x^4, 1); }
    }
    """
    rows = np.arange(200.0)
    bound = compile_model(text=text).bind({"x": rows, "y": rows})[0]
    with pytest.raises(DiagnosticsError, match="QEM509") as caught:
        make_plan(bound, replace(CPU, memory=1 << 40), particles=64, separate=True)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    assert diagnostic.span.text.startswith("y ~ cauchy")


@pytest.mark.parametrize(
    ("latent", "family", "why"),
    [
        ("vector[3] z ~ normal(0, 1);", "multi_normal", "one joint group, full covariance"),
        ("vector[200] z ~ normal(0, 1);", "multi_normal_diag", "200 dimensions"),
        ("vector[200] z ~ normal(0, 1) approx multi_normal;", "multi_normal", "approx"),
        ("vector[3] z ~ normal(0, 1) approx multi_normal_diag;", "multi_normal_diag", "approx"),
        ("real z ~ normal(0, 1);", "normal", "support"),
    ],
)
def test_the_choice_of_a_family_is_explained_and_can_be_overruled(latent: str, family: str, why: str) -> None:
    (group,) = groups(latent)
    assert group.family.name == family
    assert why in group.why


def test_covariances_of_very_many_members_are_diagonal() -> None:
    text = "plate g { vector[8] a ~ normal(0, 1); y ~ normal(a[1], 1); }"
    few, many = (groups(text, "plate g; real y[g];", y=np.zeros(n))[0] for n in (1000, 300_000))
    assert [group.family.name for group in (few, many)] == ["multi_normal", "multi_normal_diag"]
    assert "300,000" in many.why
