"""The mean coordinates of every posterior family: there and back at any concentration, and back from the edge of their domain."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as hs

from qemppl.families.base import ExponentialFamily
from qemppl.families.categorical import RARE
from qemppl.families.negative_binomial import LEAST_MEAN
from qemppl.families.registry import FAMILY_NAMES
from tests.laws.family_cases import FACTOR, HIGHEST, NAMES, STATES, concentrations, family_and_standard, make, particles

EPS = torch.finfo(torch.float64).eps
TINY, MAX = torch.finfo(torch.float64).tiny, torch.finfo(torch.float64).max
POSITIVE_PAIR = hs.lists(concentrations, min_size=2, max_size=2)
ANY = hs.tuples(concentrations, hs.sampled_from([-1.0, 1.0])).map(math.prod)


def probabilities(sizes):
    """Rows that sum to 1, of components in the proportions given."""
    return [size / sum(sizes) for size in sizes]


def several(draws, count):
    return hs.lists(draws, min_size=count, max_size=count)


MEMBERS = {
    "normal": hs.tuples(ANY, concentrations).map(list),
    "lognormal": hs.tuples(ANY, concentrations).map(list),
    "gamma": POSITIVE_PAIR,
    "inv_gamma": POSITIVE_PAIR,
    "exponential": several(concentrations, 1),
    "beta": POSITIVE_PAIR,
    "von_mises": hs.tuples(several(hs.floats(-math.pi, math.pi), 2), POSITIVE_PAIR).map(lambda p: p[0] + p[1]),
    "multi_normal": hs.tuples(several(ANY, 3), several(concentrations, 3)).map(
        lambda p: p[0] + (torch.tensor(p[1], dtype=torch.float64)[:, None] * FACTOR.abs()).flatten().tolist()
    ),
    "multi_normal_diag": hs.tuples(several(ANY, 3), several(concentrations, 3)).map(lambda p: p[0] + p[1]),
    "dirichlet": several(concentrations, 4),
    "bernoulli": several(concentrations, 2).map(probabilities),
    "categorical": several(several(concentrations, STATES).map(probabilities), 2).map(lambda rows: rows[0] + rows[1]),
    "binomial": several(hs.floats(-8, 0).map(lambda e: 10.0**e), 2).map(lambda p: [*p, 0.0, 0.0]),
    "neg_binomial": several(concentrations, 4),
    "poisson": concentrations.map(lambda mean: [mean, mean / math.sqrt(EPS)]),
}
"""Standard parameters of one member, of any size."""


def lost(name, standard):
    """The relative error of standard parameters that rounding the mean coordinates makes, (member, 1): eps times how much steeper the
    former are."""
    match name:
        case "gamma" | "inv_gamma":  # log E x - E log x, about 1 / (2 shape), is a difference of logs
            shape, rate = standard.chunk(2, -1)
            size = (shape / rate).log().abs() + 1 / shape + 1
            return 20 * EPS * shape * size.clamp_min(1)
        case "beta":
            return 100 * EPS * standard.amin(-1, keepdim=True)
        case "dirichlet":
            return 100 * EPS * standard.sum(-1, keepdim=True)
        case "von_mises":  # 1 - V is about kappa / 2
            return 8 * EPS / standard[:, 2:].amin(-1, keepdim=True)
        case "neg_binomial":  # the variance is mean (1 + mean / phi)
            mean, phi = standard.chunk(2, -1)
            return 8 * EPS * (1 + phi / mean).amax(-1, keepdim=True)
    return torch.zeros_like(standard[:, :1])


def check_close(got, expected, relative):
    """relative: (member, 1)."""
    assert got.isfinite().all()
    error = (got - expected).abs() / expected.abs().clamp_min(TINY)
    assert (error <= relative).all(), (got, expected, error)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=100, deadline=None)
@given(data=hs.data())
def test_the_moment_match_of_members_of_any_size(name, data):
    """Plates of members of very different sizes: standard -> mean -> standard -> mean, and each member as it is alone."""
    family = make(name)
    standard = torch.tensor(data.draw(hs.lists(MEMBERS[name], min_size=1, max_size=5)), dtype=torch.float64)
    mean = family.standard_to_mean(standard)
    bound = 1e-11 + lost(name, standard)
    found = family.mean_to_standard(mean)
    check_close(found, standard, bound)
    again = family.standard_to_mean(found)
    torch.testing.assert_close(again, mean, rtol=1e-11, atol=1e-14 if "gamma" in name else 0)  # E log x may be 0
    for member in range(len(standard)):
        check_close(family.mean_to_standard(mean[[member]]), found[[member]], bound[[member]])


def is_safe(name, standard):
    """Whether all of a member is far enough from the edge of the domain, as the projection states it."""
    room = torch.ones(())
    match name:
        case "beta" | "dirichlet":
            mean = make(name).standard_to_mean(standard)
            room = -torch.expm1(mean.logsumexp(-1)) / (33 * mean.shape[-1] * EPS)
        case "bernoulli" | "categorical":
            room = standard / RARE
        case "binomial":
            highest = torch.tensor(HIGHEST["binomial"])
            mean = highest * standard[:, :2]
            room = torch.minimum(mean, highest - mean) / LEAST_MEAN
        case "neg_binomial":
            mean, phi = standard.chunk(2, -1)
            room = torch.minimum(mean / LEAST_MEAN, mean / phi / (2 * math.sqrt(EPS)))
        case "poisson":
            room = standard[:, 0] / LEAST_MEAN
        case "normal" | "lognormal" | "multi_normal_diag":
            loc, scale = standard.chunk(2, -1)
            room = scale / (20 * EPS * loc.abs())
        case "multi_normal":
            loc, scale = standard[:, :3], standard[:, 3:].unflatten(-1, (3, 3)).norm(dim=-1)
            room = scale / (20 * EPS * loc.abs())
    return bool((room >= 1).all())


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=100, deadline=None)
@given(data=hs.data())
def test_a_mean_inside_the_domain_is_left_exactly_as_it_is(name, data):
    family = make(name)
    standard = torch.tensor([data.draw(MEMBERS[name])], dtype=torch.float64)
    mean = family.standard_to_mean(standard)
    if is_safe(name, standard):
        assert torch.equal(family.project_mean(mean), mean)


@pytest.mark.parametrize("name", NAMES)
def test_members_for_tests_are_inside_the_domain(name):
    family, standard = family_and_standard(name)
    mean = family.standard_to_mean(standard)
    torch.testing.assert_close(family.project_mean(mean), mean, rtol=0, atol=0)


def point(x):
    """E log x = log E x."""
    return [math.log(x), x]


def logs(*shares):
    """Logs of shares, of 0 that of the least number."""
    return [math.log(max(share, TINY)) for share in shares]


RANK_1 = [1.0, 2, 3, 2, 4, 6, 3, 6, 9]
EDGES = {
    "normal": [
        [0.0, 0.0],
        [3.0, 0.0],
        [1e300, 0.0],
        [-1e-300, 0.0],
        [0.0, 5e-324],
        [1e8, 1e-40],
        [0.0, MAX],
        [-MAX, math.inf],
    ],
    "gamma": [
        point(1e-300),
        point(1.0),
        point(1e300),
        [1e-9, 1.0],
        [-744.0, 5e-324],
        [709.0, math.inf],
        [0.0, 1.0 + EPS],
    ],
    "exponential": [[0.0], [5e-324], [MAX], [math.inf]],
    "beta": [
        logs(0.3, 0.7),
        logs(0, 1),
        logs(1, 0),
        [0.0, -40.0],
        [-1e-17, -36.7],
        [-math.inf, 0.0],
        [math.log(0.3) + 1e-9, math.log(0.7)],
    ],
    "von_mises": [
        [0.3, 1.0, 0.0, 0.0],
        [math.pi, -math.pi, 0.0, 5e-324],
        [0.0, 0.0, 1.0, 1.0],
        [1.0, 2.0, 1 + 4 * EPS, 1e-31],
    ],
    "multi_normal": [
        [1.0, 2, 3, *RANK_1],
        [1.0, 2, 3, *[0.0] * 9],
        [1e300, 0, 0, *[0.0] * 9],
        [1.0, 2, 3, 1, 0, 0, 0, 0, 0, 0, 0, 1e-30],
        [0.0, 0, 0, *[1e300 * v for v in RANK_1]],
        [0.0, 0, 0, *[1e-300 * v for v in RANK_1]],
    ],
    "dirichlet": [
        logs(1, 0, 0, 0),
        logs(0.5, 0.5, 0, 0),
        logs(0.1, 0.2, 0.3, 0.4),
        logs(0, 0, 0, 1),
        logs(0.1 + 1e-9, 0.2, 0.3, 0.4),
        [-math.inf] * 3 + [0.0],
    ],
    "bernoulli": [[0.0, 1.0], [1.0, 0.0], [1e-300, 1.0]],
    "categorical": [[1.0, 0, 0, 0, 0, 1], [0.5, 0.5, 0, 0, 0.3, 0.7], [1e-300, 0, 1, 1 / 3, 1 / 3, 1 / 3]],
    "binomial": [[0.0, 0.0], [40.0, 7.0], [40 - 1e-12, 5e-324]],
    "neg_binomial": [
        [0.0, 0.0, 0.0, 0.0],
        [5.0, 300.0, 5.0, 300.0],
        [5.0, 300.0, 5.0 - 1e-9, 300.0 - 1e-9],
        [1e-300, 1e14, 1e-300, 1e14],
        [5e-324, 1e300, 0.0, MAX],
        [1.0, math.inf, math.inf, math.inf],
    ],
    "poisson": [[0.0], [1e-300], [MAX], [math.inf]],
}
EDGES["lognormal"] = [[0.0, 0.0], [3.0, 0.0], [700.0, 0.0], [-700.0, 5e-324], [0.0, 1e5]]
EDGES["multi_normal_diag"] = [[m, 1.0, m, v, 1.0, v] for m, v in EDGES["normal"]]
EDGES["inv_gamma"] = [[-log, mean] for log, mean in EDGES["gamma"]]
NEAR = {
    "binomial": LEAST_MEAN,
    "neg_binomial": LEAST_MEAN,
    "poisson": LEAST_MEAN,
    "bernoulli": RARE,
    "categorical": RARE,
}
"""How far a probability, or a count that may be 0, is moved."""
FAR = 1e150
"""What is larger is brought back to where squares and reciprocals are numbers. The log of a share may be larger."""


@pytest.mark.parametrize(("name", "mean"), [(name, mean) for name in NAMES for mean in EDGES[name]])
def test_every_edge_of_the_domain_is_brought_inside(name, mean):
    family, support = make(name), FAMILY_NAMES[name]
    mean = torch.tensor([mean], dtype=torch.float64)
    inside = family.project_mean(mean)
    assert inside.isfinite().all()
    is_ordinary = mean.abs() < FAR
    if name in ("beta", "dirichlet") or is_ordinary.all():
        allowed = NEAR.get(name, 0.0) + 1e-7 * mean.abs().clamp_min(1)
        assert ((inside - mean).abs() <= allowed)[is_ordinary].all(), (inside, mean)
    torch.testing.assert_close(family.project_mean(inside), inside, rtol=1e-12, atol=1e-14)
    standard = family.mean_to_standard(inside)
    assert standard.isfinite().all()
    wide = family.widen(standard, 1.2)
    assert wide.isfinite().all()
    if isinstance(family, ExponentialFamily) and name != "von_mises":
        torch.testing.assert_close(family.standard_to_mean(standard), inside, rtol=1e-9, atol=1e-12)
    for member in (standard, wide):
        _, x = particles(family, member, count=64)
        assert x.isfinite().all()
        assert (x >= support.lower).all()
        assert (x <= support.upper).all()
        assert family.log_prob(member, x).isfinite().all()
        assert family.log_prob(standard, x).isfinite().all()
        if support.integer:
            assert torch.equal(x, x.floor())
        elif support.lower == 0:
            assert (x > 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [1e-300, 1e-8, 1.0, 1e8])
def test_all_weight_on_one_particle(name, scale):
    """At any size of values: the projected mean belongs to a member with usable particles, near that one."""
    family, support = make(name), FAMILY_NAMES[name]
    value = scale
    if support.integer:
        value = min(float(round(scale)), 1.0 if support.upper < math.inf else scale)
    elif support.upper < math.inf:
        value = support.upper - 2 ** (-53) if scale == 1e8 else min(scale, 0.5)
    x = torch.full((1, 5, family.dimension), value, dtype=torch.float64)
    weight = torch.tensor([[0.0, 1, 0, 0, 0]], dtype=torch.float64)
    standard = family.mean_to_standard(family.project_mean(family.moments(x, weight)))
    assert standard.isfinite().all()
    _, drawn = particles(family, standard, count=20)
    assert family.log_prob(standard, drawn).isfinite().all()
    if support.integer:
        everything = torch.arange(2, dtype=torch.float64)[:, None].expand(1, -1, family.dimension)
        assert family.log_prob(standard, everything).isfinite().all()
    elif name not in ("exponential", "beta", "dirichlet"):  # wide by nature; beta at an end of its interval
        turn = (drawn - value + math.pi).remainder(math.tau) - math.pi if name == "von_mises" else drawn - value
        assert (turn.abs() <= 1e-5 * abs(value) + 1e-12).all()
