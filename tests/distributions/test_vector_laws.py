from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats as st
import torch
from numpy.polynomial.legendre import leggauss

from qemppl.distributions.base import Grouping
from qemppl.distributions.registry import LAWS
from tests.laws.vector_cases import ALL, CASES, CORRELATION, CUTS, FACTOR, SHARES, WITH_AXES

FIRST = [(name, case.arguments[0]) for name, case in CASES.items()]
FAR = 5.5
"""Standard errors: one comparison fails by chance once in 26 million, the few hundred of this file once in a hundred thousand."""


def tensor(x, dtype=torch.float64):
    return torch.as_tensor(np.asarray(x, dtype=float), dtype=dtype)


def tensors(arguments, dtype=torch.float64):
    return [tensor(a, dtype) for a in arguments]


def values(name, dtype=torch.float64):
    return tensor(np.stack(CASES[name].values), dtype)


def shares_where_needed(law, arguments):
    """Arguments that were rescaled, those of form simplex with sum 1 again."""
    pairs = zip(arguments, law.arguments, strict=True)
    return [value / value.sum(-1, keepdim=True) if a.form == "simplex" else value for value, a in pairs]


def draws(name, arguments, count, seed=7):
    law = LAWS[name]
    args = [t.expand(count, *t.shape) for t in tensors(arguments)]
    like = [torch.zeros(count, 3, 3, dtype=torch.float64)] if law.needs_shape else []
    draw = law.sample(torch.Generator().manual_seed(seed), *args, *like)
    assert torch.equal(draw, law.sample(torch.Generator().manual_seed(seed), *args, *like))
    return draw


def assert_expectation(samples, expected):
    """The mean over the first axis is `expected`, within FAR standard errors."""
    error = samples.std(0) / math.sqrt(len(samples))
    assert ((samples.mean(0) - tensor(expected)).abs() <= FAR * error + 1e-15).all()


def test_the_cases_name_every_law_with_axes():
    assert set(CASES) == set(WITH_AXES)


@pytest.mark.parametrize(("name", "arguments"), ALL)
def test_log_prob_agrees_with_an_independent_density(name, arguments):
    with np.errstate(divide="ignore"):
        expected = [CASES[name].density(x, *arguments) for x in CASES[name].values]
    got = LAWS[name].log_prob(values(name), *tensors(arguments))
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("name", "arguments"), FIRST)
def test_outside_the_support_the_density_is_zero(name, arguments):
    for x in CASES[name].outside:
        assert LAWS[name].log_prob(tensor(x), *tensors(arguments)) == -math.inf


@pytest.mark.parametrize(("name", "arguments"), FIRST)
def test_log_prob_broadcasts_differentiates_and_leaves_its_inputs_alone(name, arguments):
    """Members, and particles of three groups: as everywhere in the engine, sizes of 1 stand for what a value does not depend on."""
    law, rng = LAWS[name], np.random.default_rng(0)
    x = values(name)[:2]
    x = x.reshape(2, 1, 1, 1, *x.shape[1:])
    batches = ((1, 3, 1, 4), (2, 1, 5, 1))
    args = [
        t * tensor(rng.uniform(0.9, 1, batch)).reshape(*batch, *(1,) * t.dim())
        for t, batch in zip(tensors(arguments), batches, strict=False)
    ]
    args = shares_where_needed(law, args)
    before = [t.clone() for t in (x, *args)]
    got = law.log_prob(x, *args)
    batch = torch.broadcast_shapes((2, 1, 1, 1), *batches[: len(args)])
    assert got.shape == batch
    for place in itertools.product(*map(range, batch)):
        own = [
            a[tuple(i if n > 1 else 0 for i, n in zip(place, shape, strict=True))]
            for a, shape in zip(args, batches, strict=False)
        ]
        torch.testing.assert_close(got[place], law.log_prob(x[place[0], 0, 0, 0], *own), rtol=1e-11, atol=1e-11)
    assert all(torch.equal(a, b) for a, b in zip(before, (x, *args), strict=True))
    free = [a.clone().requires_grad_() for a in args]
    with_gradient = law.log_prob(x, *free)
    torch.testing.assert_close(with_gradient.detach(), got)
    assert all(g.isfinite().all() for g in torch.autograd.grad(with_gradient.sum(), free))


@pytest.mark.parametrize(("name", "arguments"), FIRST)
def test_float32_stays_float32(name, arguments):
    law, args = LAWS[name], tensors(arguments, torch.float32)
    got = law.log_prob(values(name, torch.float32), *args)
    assert got.dtype == torch.float32
    expected = law.log_prob(values(name), *tensors(arguments))
    torch.testing.assert_close(got.double(), expected, rtol=1e-4, atol=1e-4)
    if law.samples:
        like = [torch.zeros(3, 3, 3, dtype=torch.float32)] if law.needs_shape else []
        draw = law.sample(torch.Generator().manual_seed(0), *(a.expand(3, *a.shape) for a in args), *like)
        assert draw.dtype == torch.float32


@pytest.mark.parametrize(("name", "arguments"), [case for case in FIRST if LAWS[case[0]].has_summary])
def test_summary_equals_the_sum_of_rows(name, arguments):
    law = LAWS[name]
    x = values(name).repeat_interleave(7, 0)
    index = torch.tensor(np.random.default_rng(3).integers(0, 4, len(x)))  # group 4 is empty
    groups = Grouping(index, 5)
    scale = tensor([0.9, 1.0, 1.1])
    args = [t * scale.reshape(3, *(1,) * t.dim()) for t in tensors(arguments)]
    args = shares_where_needed(law, args)
    statistics = law.summarise(x, (), groups)
    got = law.log_prob_summary(tuple(s[:, None] for s in statistics), *args)
    expected = groups.sum(law.log_prob(x[:, None], *args))
    assert got.shape == (5, 3)
    torch.testing.assert_close(got, expected, rtol=1e-11, atol=1e-11)
    for outside in CASES[name].outside:
        statistics = law.summarise(
            torch.cat((x, tensor(outside)[None])), (), Grouping(torch.cat((index, index[:1])), 5)
        )
        got = law.log_prob_summary(tuple(s[:, None] for s in statistics), *args)
        assert (got[index[0]] == -math.inf).all()
        assert got[4].tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["categorical", "categorical_logit", "ordered_logistic"])
def test_rows_that_are_not_grouped_stay_rows(name):
    law, x, args = LAWS[name], values(name), tensors(CASES[name].arguments[0])
    statistics = law.summarise(x, (), Grouping(torch.arange(len(x)), len(x)))
    assert [s.shape for s in statistics] == [x.shape]
    torch.testing.assert_close(law.log_prob_summary(statistics, *args), law.log_prob(x, *args), rtol=0, atol=0)


# Densities that sum to 1.


@pytest.mark.parametrize(("name", "arguments"), [case for case in ALL if LAWS[case[0]].categories])
def test_probabilities_of_the_categories_sum_to_one(name, arguments):
    by_name = dict(zip((a.name for a in LAWS[name].arguments), arguments, strict=True))
    argument, offset = LAWS[name].categories
    x = torch.arange(1.0, len(by_name[argument]) + offset + 1, dtype=torch.float64)
    total = LAWS[name].log_prob(x, *tensors(arguments)).exp().sum()
    assert float(total) == pytest.approx(1, abs=1e-14)


def test_multinomial_probabilities_sum_to_one():
    counts = [x for x in itertools.product(range(8), repeat=3) if sum(x) == 7]
    total = LAWS["multinomial"].log_prob(tensor(counts), tensor(SHARES)).exp().sum()
    assert float(total) == pytest.approx(1, abs=1e-13)


@pytest.mark.parametrize("eta", [1.0, 2.5])
def test_lkj_integrates_to_one(eta):
    law = LAWS["lkj_corr_cholesky"]
    nodes, weights = leggauss(60)
    # x = sin(t) makes the density, a power of cos(t), smooth at both ends
    t, w = np.pi / 2 * nodes, np.pi / 2 * weights
    r, w = np.sin(t), w * np.cos(t)
    two = np.stack([np.stack([np.ones(60), np.zeros(60)], -1), np.stack([r, np.cos(t)], -1)], -2)
    assert float((law.log_prob(tensor(two), tensor(eta)).exp() * tensor(w)).sum()) == pytest.approx(1, abs=1e-9)
    # the last row of three: (a, b sqrt(1 - a^2), rest), so that a and b fill a square
    first, a, b = (v.ravel() for v in np.meshgrid(r, r, r, indexing="ij"))
    left = np.sqrt(1 - a**2)
    zero, one = np.zeros_like(a), np.ones_like(a)
    rows = ((one, zero, zero), (first, np.sqrt(1 - first**2), zero), (a, b * left, left * np.sqrt(1 - b**2)))
    three = np.stack([np.stack(row, -1) for row in rows], -2)
    weight = np.einsum("i,j,k->ijk", w, w, w).ravel() * left
    assert float((law.log_prob(tensor(three), tensor(eta)).exp() * tensor(weight)).sum()) == pytest.approx(1, abs=1e-9)


# Draws.


@pytest.mark.parametrize("alpha", [[2.0, 0.7, 5.0], [0.01, 0.02, 0.03], [1e5, 1.0, 1e5]])
def test_dirichlet_draws_have_its_moments(alpha):
    x = draws("dirichlet", (alpha,), 40_000)
    assert (x > 0).all()
    torch.testing.assert_close(x.sum(-1), torch.ones(len(x), dtype=x.dtype), rtol=0, atol=1e-15)
    total = sum(alpha)
    assert_expectation(x, np.array(alpha) / total)
    second = (np.outer(alpha, alpha) + np.diag(alpha)) / (total * (total + 1))
    assert_expectation(x[:, :, None] * x[:, None, :], second)


@pytest.mark.parametrize("name", ["multi_normal", "multi_normal_cholesky"])
def test_multi_normal_draws_have_its_moments(name):
    mu, matrix = CASES[name].arguments[0]
    offset = draws(name, (mu, matrix), 40_000) - tensor(mu)
    assert_expectation(offset, np.zeros(3))
    assert_expectation(offset[:, :, None] * offset[:, None, :], FACTOR @ FACTOR.T)


@pytest.mark.parametrize("eta", [1.0, 4.0, 0.02])
def test_lkj_draws_are_its_correlations(eta):
    """A correlation r of n variables has (r + 1) / 2 of law beta(a, a), a = eta - 1 + n / 2; rows have the stated beta laws."""
    L = draws("lkj_corr_cholesky", (eta,), 40_000)
    assert LAWS["lkj_corr_cholesky"].log_prob(L, tensor(eta)).isfinite().all()
    R = L @ L.mT
    below = torch.stack([R[:, 1, 0], R[:, 2, 0], R[:, 2, 1]], -1)
    assert_expectation(below, np.zeros(3))
    assert_expectation(below.square(), np.full(3, 1 / (2 * eta + 2)))
    b = np.array([eta + 1 / 2, eta])
    assert_expectation(torch.stack([L[:, 1, 1], L[:, 2, 2]], -1).square(), b / (b + np.array([0.5, 1.0])))


@pytest.mark.parametrize(("name", "arguments"), [case for case in FIRST if LAWS[case[0]].categories])
def test_categories_are_drawn_with_their_probabilities(name, arguments):
    categories = values(name)
    drawn = draws(name, arguments, 40_000)
    expected = LAWS[name].log_prob(categories, *tensors(arguments)).exp()
    assert_expectation((drawn[:, None] == categories).double(), expected)


def test_a_category_of_probability_zero_is_never_drawn():
    assert set(draws("categorical", ([0.0, 0.3, 0.0, 0.7],), 5_000).tolist()) == {2, 4}


def test_what_cannot_be_drawn_says_so():
    assert {name for name, law in LAWS.items() if not law.samples} == {"flat", "multinomial"}
    with pytest.raises(AssertionError, match="total"):
        LAWS["multinomial"].sample(torch.Generator(), tensor(SHARES))


def test_laws_whose_arguments_do_not_tell_the_shape_of_a_value():
    assert {name for name, law in LAWS.items() if law.needs_shape} == {"std_normal", "flat", "lkj_corr_cholesky"}


# Corners.


def test_the_boundary_of_the_simplex():
    x = tensor([0.0, 0.4, 0.6])
    alphas = tensor([[1.0, 2.0, 3.0], [1.5, 2.0, 3.0], [0.5, 2.0, 3.0]])
    got = LAWS["dirichlet"].log_prob(x, alphas)
    # (x2 + x3) given x1 = 0 is beta(2, 3), and the density at 0 of a first component of law beta(1, 5) is 5
    assert float(got[0]) == pytest.approx(math.log(5) + st.beta.logpdf(0.4, 2, 3), rel=1e-13)
    assert got[1:].tolist() == [-math.inf, math.inf]
    assert LAWS["dirichlet"].log_prob(tensor([0.0, 0.0, 1.0]), tensor([0.5, 2.0, 1.0])) == -math.inf


def test_impossible_counts_and_categories():
    theta = tensor([0.0, 0.25, 0.75])
    assert LAWS["multinomial"].log_prob(tensor([[0, 1, 0], [1, 0, 0]]), theta).tolist() == [math.log(0.25), -math.inf]
    assert LAWS["categorical"].log_prob(tensor([1, 2]), theta).tolist() == [-math.inf, math.log(0.25)]


def test_ordered_logistic_keeps_relative_accuracy_in_both_tails_and_in_narrow_categories():
    law, c = LAWS["ordered_logistic"], tensor([-1.0, -1.0 + 1e-9, 1.0])
    got = law.log_prob(tensor([[1], [4]]), tensor([50, -50]), c)
    far = [-math.exp(-49), -51.0]
    np.testing.assert_allclose(got, [far[::-1], far], rtol=1e-13)
    width = float(c[1] - c[0])
    expected = (
        math.log(width) + 2 * math.log(1 / (1 + math.exp(-1.0))) - 1.0
    )  # the density at 1 below eta, times the width
    assert float(law.log_prob(tensor(2), tensor(0), c)) == pytest.approx(expected, rel=1e-8)
    assert law.log_prob(tensor(2), tensor(0), tensor([0.5, 0.5])) == -math.inf


def test_values_far_from_zero_keep_their_digits():
    mu = tensor(1e8 + np.arange(4.0)[:, None] * [1e-3, 2e-3])  # (particle, n)
    x = mu[:, None] + 1e-3  # (particle, 1, n)
    L = tensor(np.array([[1e-3, 0], [5e-4, 2e-3]]))
    got = LAWS["multi_normal_cholesky"].log_prob(x, mu, L)
    offset = (x - mu).numpy()  # the differences are exact
    np.testing.assert_allclose(got, st.multivariate_normal.logpdf(offset, np.zeros(2), (L @ L.mT).numpy()), rtol=1e-11)


def test_an_indefinite_covariance_has_density_zero_and_a_singular_one_has_draws():
    Sigma = tensor([[[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.5], [0.5, 1.0]]])
    got = LAWS["multi_normal"].log_prob(tensor([0.0, 0.0]), tensor([0.0, 0.0]), Sigma)
    assert got.isfinite().tolist() == [False, True]
    assert got[0] == -math.inf
    x = draws("multi_normal", ([0.0, 0.0], [[1.0, 1.0], [1.0, 1.0]]), 100)
    torch.testing.assert_close(x[:, 0], x[:, 1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e-320, 1e-200, 1e200])
def test_a_scale_that_underflowed_gives_no_nan(scale):
    L = tensor(scale * FACTOR)
    for x in (tensor([0.0, 0.0, 0.0]), tensor([1.0, 2.0, -3.0])):
        assert not LAWS["multi_normal_cholesky"].log_prob(x, torch.zeros_like(x), L).isnan()
        assert not LAWS["multi_normal"].log_prob(x, torch.zeros_like(x), L @ L.mT).isnan()


def test_only_the_lower_triangle_of_a_factor_counts():
    x, mu, L = tensor([1.0, 0.0, 2.0]), torch.zeros(3, dtype=torch.float64), tensor(FACTOR)
    law = LAWS["multi_normal_cholesky"]
    assert law.log_prob(x, mu, L) == law.log_prob(x, mu, L + torch.ones_like(L).triu(1))


def test_an_lkj_factor_of_size_one_is_certain():
    one = torch.ones(1, 1, dtype=torch.float64)
    assert float(LAWS["lkj_corr_cholesky"].log_prob(one, tensor(3.0))) == pytest.approx(0, abs=1e-15)
    assert torch.equal(LAWS["lkj_corr_cholesky"].sample(torch.Generator(), tensor(3.0), one), one)


def test_the_lkj_law_is_that_of_the_determinant():
    """Its log density is linear in eta, with the log determinant of the correlation matrix for a slope."""
    law, other = LAWS["lkj_corr_cholesky"], np.eye(3)
    slope = [
        float(law.log_prob(tensor(L), tensor(3.0)) - law.log_prob(tensor(L), tensor(2.0))) for L in (CORRELATION, other)
    ]
    assert slope[0] - slope[1] == pytest.approx(np.linalg.slogdet(CORRELATION @ CORRELATION.T)[1], rel=1e-12)


def test_cutpoints_of_one_size_are_shared_by_categories():
    x = tensor([1, 2, 3, 4])
    many = LAWS["ordered_logistic"].log_prob(
        x, tensor(np.zeros((5, 1))), tensor(np.stack([CUTS, CUTS + 1])[:, None, None])
    )
    assert many.shape == (2, 5, 4)
