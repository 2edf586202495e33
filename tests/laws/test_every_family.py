"""What every posterior family must satisfy, at ordinary and at extreme members."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats as st
import torch
from hypothesis import given, settings
from hypothesis import strategies as hs

from qemppl.families.base import ExponentialFamily
from qemppl.families.registry import FAMILY_NAMES, make_family
from qemppl.numerics.quasi import uniforms

FACTOR = torch.tensor([[1.5, 0, 0], [0.4, 0.3, 0], [-2.0, 0.1, 0.7]], dtype=torch.float64)
DIMENSION = {"multi_normal": 3, "multi_normal_diag": 3, "dirichlet": 3, "categorical": 2, "neg_binomial": 2}
STATES = 3
PHI = 2.0**26
"""A Poisson law of mean 1, as a negative binomial one."""
STANDARD = {
    "normal": [[0.0, 1.0], [-3.0, 0.02], [40.0, 7.0]],
    "lognormal": [[0.0, 1.0], [-3.0, 0.02], [4.0, 0.7]],
    "gamma": [[2.0, 3.0], [0.3, 0.01], [500.0, 20.0]],
    "inv_gamma": [[4.5, 3.0], [0.8, 0.01], [500.0, 20.0]],
    "beta": [[2.0, 3.0], [0.4, 0.6], [300.0, 5.0]],
    "multi_normal": [[1.0, -2.0, 3.0, *FACTOR.flatten().tolist()], [0.0, 0, 0, *(2 * torch.eye(3)).flatten().tolist()]],
    "multi_normal_diag": [[1.0, -2.0, 3.0, 0.1, 2.0, 1.0], [0.0, 0, 0, 5.0, 6.0, 7.0]],
    "dirichlet": [[2.0, 3.0, 0.5, 4.0], [0.4, 0.6, 1.0, 30.0], [300.0, 5.0, 0.1, 20.0]],
    "bernoulli": [[0.3, 0.7], [0.95, 0.05], [0.4, 0.6]],
    "categorical": [[0.2, 0.3, 0.5, 0.9, 0.06, 0.04], [0.5, 0.25, 0.25, 0.1, 0.1, 0.8]],
    "neg_binomial": [[3.0, 0.2, 2.0, 40.0], [200.0, 1.0, 0.7, 1e3]],
    "poisson": [[3.0, 3 * PHI], [0.2, 0.2 * PHI], [500.0, 500 * PHI]],
}
SCIPY = {
    "normal": st.norm,
    "lognormal": lambda m, s: st.lognorm(s, scale=math.exp(m)),
    "gamma": lambda a, b: st.gamma(a, scale=1 / b),
    "inv_gamma": lambda a, b: st.invgamma(a, scale=b),
    "beta": st.beta,
}
NAMES = list(FAMILY_NAMES)
DISCRETE = [name for name in NAMES if FAMILY_NAMES[name].integer]


def make(name):
    return make_family(name, DIMENSION.get(name, 1), STATES)


EXPONENTIAL = [name for name in NAMES if isinstance(make(name), ExponentialFamily)]


def family_and_standard(name):
    return make(name), torch.tensor(STANDARD[name], dtype=torch.float64)


def natural_of(family, standard):
    """Natural parameters, of probabilities those whose exponentials sum to 1."""
    natural = family.standard_to_natural(standard)
    if FAMILY_NAMES[family.name].integer:
        natural = natural.unflatten(-1, (family.dimension, -1)).log_softmax(-1).flatten(-2)
    return natural


def scipy_laws(family, parameters):
    """The law of every coordinate."""
    blocks = np.array(parameters).reshape(-1, family.dimension)
    match family.name:
        case "neg_binomial":
            return [st.nbinom(phi, phi / (mean + phi)) for mean, phi in blocks.T]
        case "poisson":
            return [st.poisson(mean) for mean, _ in blocks.T]
    rows = np.array(parameters).reshape(family.dimension, -1)
    return [st.rv_discrete(values=(np.arange(len(p)), p)) for p in rows]


def particles(family, standard, count=200, seed=0):
    u = uniforms(torch.Generator().manual_seed(seed), len(standard), count, family.dimension, torch.float64)
    return u, family.quantile(standard, u)


@pytest.mark.parametrize("name", EXPONENTIAL)
def test_the_gradient_of_the_log_normaliser_is_the_mean_of_the_statistics(name):
    family, standard = family_and_standard(name)
    natural = family.standard_to_natural(standard).requires_grad_()
    (gradient,) = torch.autograd.grad(family.log_normalizer(natural).sum(), natural)
    expected = family.expected_statistics(family.standard_to_mean(standard))
    torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_coordinates_round_trip(name):
    family, standard = family_and_standard(name)
    close = {"rtol": 1e-9, "atol": 1e-10}
    if isinstance(family, ExponentialFamily):
        torch.testing.assert_close(family.natural_to_standard(family.standard_to_natural(standard)), standard, **close)
    torch.testing.assert_close(family.mean_to_standard(family.standard_to_mean(standard)), standard, **close)
    mean = family.standard_to_mean(standard)
    torch.testing.assert_close(family.project_mean(mean), mean, rtol=0, atol=0)


@pytest.mark.parametrize("name", SCIPY)
def test_density_and_quantiles_agree_with_scipy(name):
    family, standard = family_and_standard(name)
    u, x = particles(family, standard)
    got = family.log_prob(standard, x)
    for member, parameters in enumerate(standard.tolist()):
        reference = SCIPY[name](*parameters)
        values = x[member, :, 0].numpy()
        np.testing.assert_allclose(got[member], reference.logpdf(values), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(reference.cdf(values), u[member, :, 0], rtol=1e-9)
        np.testing.assert_allclose(values, reference.ppf(u[member, :, 0].numpy()), rtol=1e-9)


@pytest.mark.parametrize("name", ["multi_normal", "multi_normal_diag"])
def test_vector_densities_agree_with_scipy_and_particles_have_their_moments(name):
    family, standard = family_and_standard(name)
    _, x = particles(family, standard, count=4096)
    got, mean = family.log_prob(standard, x), family.standard_to_mean(standard)
    weight = torch.full(x.shape[:2], 1 / 4096, dtype=torch.float64)
    # quasi-random particles: the error of a mean is far below one of 4096 plain draws
    torch.testing.assert_close(family.moments(x, weight), mean, rtol=0.02, atol=0.05)
    for member, parameters in enumerate(mean):
        spread = parameters[3:].reshape(3, 3) if name == "multi_normal" else torch.diag(parameters[3:])
        reference = st.multivariate_normal(parameters[:3].numpy(), spread.numpy())
        np.testing.assert_allclose(got[member], reference.logpdf(x[member].numpy()), rtol=1e-10, atol=1e-10)


def test_dirichlet_density_and_particles_agree_with_scipy():
    family, standard = family_and_standard("dirichlet")
    _, u = particles(family, standard, count=4096)
    log_x = family.sufficient_statistics(u)
    torch.testing.assert_close(log_x.logsumexp(-1), torch.zeros(u.shape[:2], dtype=u.dtype), rtol=0, atol=1e-12)
    got = family.log_prob(standard, u) - log_x.sum(-1)  # the Jacobian of the chart
    for member, alpha in enumerate(standard.tolist()):
        x = log_x[member].exp().clamp_min(1e-300)
        x = x / x.sum(-1, keepdim=True)
        np.testing.assert_allclose(got[member], st.dirichlet(alpha).logpdf(x.T.numpy()), rtol=1e-8, atol=1e-8)
        for share, shape in enumerate(alpha):
            law = st.beta(shape, sum(alpha) - shape)
            # quasi-random particles: the error is far below the 1 / sqrt(4096) of plain draws
            heights = law.cdf(x[:, share].sort().values.numpy())
            np.testing.assert_allclose(heights, (np.arange(4096) + 0.5) / 4096, atol=0.01)


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_density_and_quantiles_agree_with_scipy(name):
    family, standard = family_and_standard(name)
    u, x = particles(family, standard)
    got = family.log_prob(standard, x)
    rounding = 1e-7 if name == "poisson" else 1e-11
    for member, parameters in enumerate(standard.tolist()):
        laws = scipy_laws(family, parameters)
        values, points = x[member].numpy(), u[member].numpy()
        expected = sum(law.logpmf(values[:, k]) for k, law in enumerate(laws))
        np.testing.assert_allclose(got[member], expected, rtol=10 * rounding, atol=10 * rounding)
        for k, law in enumerate(laws):
            assert (law.cdf(values[:, k]) >= points[:, k] - rounding).all()
            assert (law.cdf(values[:, k] - 1) < points[:, k] + rounding).all()


@pytest.mark.parametrize("name", DISCRETE)
def test_stratified_particles_have_every_value_as_often_as_its_probability(name):
    """Inverse cdf: of K stratified points, K p give or take 2 fall on a value of probability p. No chance is involved."""
    family, standard = make_family(name, 1, STATES), torch.tensor([[0.2, 0.3, 0.5]], dtype=torch.float64)
    if name != "categorical":
        standard = torch.tensor([STANDARD["bernoulli" if name == "bernoulli" else "poisson"][0]], dtype=torch.float64)
    count = 1000
    _, x = particles(family, standard, count)
    values = torch.arange(int(x.max()) + 1, dtype=torch.float64)
    probability = family.log_prob(standard, values[None, :, None]).exp()[0]
    often = torch.bincount(x.flatten().long()).double()
    assert (often - count * probability).abs().max() < 2


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_probabilities_sum_to_one(name):
    family, standard = family_and_standard(name)
    one = torch.arange(4000 if "binomial" in name or name == "poisson" else int(standard.shape[1] / family.dimension))
    grid = torch.cartesian_prod(*[one[:60]] * family.dimension) if family.dimension > 1 else one[:, None]
    if name == "neg_binomial":  # one coordinate at a time
        family, grid, standard = make_family(name, 1), one[:, None], standard[:, ::2]
    total = family.log_prob(standard, grid.double().expand(len(standard), -1, -1)).exp().sum(1)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", EXPONENTIAL)
def test_the_derived_density_equals_the_overridden_one(name):
    family, standard = family_and_standard(name)
    _, x = particles(family, standard)
    natural = family.standard_to_natural(standard)
    linear = (natural[:, None] * family.sufficient_statistics(x)).sum(-1)
    derived = linear - family.log_normalizer(natural)[:, None] + family.log_base_measure(x)
    torch.testing.assert_close(family.log_prob(standard, x), derived, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("step", [0.3, torch.tensor([[0.0], [1.0], [0.8]])])
def test_blend_averages_raw_moments(name, step):
    family, standard = family_and_standard(name)
    step = step if isinstance(step, float) else step[: len(standard)].double()
    mean = family.standard_to_mean(standard)
    other = mean.flip(0)
    got = family.expected_statistics(family.blend(mean, other, step))
    expected = (1 - step) * family.expected_statistics(mean) + step * family.expected_statistics(other)
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_reordered_coordinates_have_the_moments_of_reordered_particles(name):
    family, standard = family_and_standard(name)
    _, x = particles(family, standard)
    weight = torch.full(x.shape[:2], 1 / x.shape[1], dtype=x.dtype)
    order = torch.arange(family.dimension).roll(0 if name == "dirichlet" else 1)  # splits have no other order
    reordered = family.reorder(family.moments(x, weight), order)
    torch.testing.assert_close(reordered, family.moments(x[..., order], weight))


@pytest.mark.parametrize("name", NAMES)
def test_moments_are_weighted_statistics(name):
    family, standard = family_and_standard(name)
    _, x = particles(family, standard)
    weight = torch.rand(x.shape[:2], generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weight = weight / weight.sum(-1, keepdim=True)
    got = family.expected_statistics(family.moments(x, weight))
    expected = (weight[..., None] * family.sufficient_statistics(x)).sum(1)
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", EXPONENTIAL)
def test_kl_is_zero_at_home_positive_elsewhere_and_the_mean_log_ratio(name):
    family, standard = family_and_standard(name)
    other = standard.roll(1, 0)
    if name == "multi_normal":  # a rolled factor is one too
        assert (family.kl(standard, other) > 0).all()
    torch.testing.assert_close(
        family.kl(standard, standard), torch.zeros(len(standard), dtype=torch.float64), rtol=0, atol=1e-9
    )
    near = family.widen(standard, 1.1)
    got = family.kl(near, standard)
    assert (got > 0).all()
    _, x = particles(family, near, count=2**14)
    estimate = (family.log_prob(near, x) - family.log_prob(standard, x)).mean(-1)
    torch.testing.assert_close(estimate, got, rtol=0.02, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_widening_keeps_the_centre_and_stretches_by_the_factor(name):
    family, standard = family_and_standard(name)
    wide = family.widen(standard, 1.5)
    if name in EXPONENTIAL:
        wide_natural, expected = natural_of(family, wide), natural_of(family, standard) / 2.25
        if name in DISCRETE:
            expected = expected.unflatten(-1, (family.dimension, -1)).log_softmax(-1).flatten(-2)
        torch.testing.assert_close(wide_natural, expected, rtol=1e-9, atol=1e-9)
    else:
        mean, phi = standard.chunk(2, -1)
        wide_mean, wide_phi = wide.chunk(2, -1)
        torch.testing.assert_close(wide_mean, mean, rtol=0, atol=0)
        torch.testing.assert_close(wide_mean + wide_mean**2 / wide_phi, 2.25 * (mean + mean**2 / phi))
    if name in ("normal", "lognormal", "multi_normal", "multi_normal_diag"):
        d = family.dimension
        torch.testing.assert_close(wide[:, :d], standard[:, :d], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(wide[:, d:], 1.5 * standard[:, d:], rtol=1e-12, atol=1e-12)
    if name == "gamma":
        torch.testing.assert_close(wide[:, 0] / wide[:, 1], standard[:, 0] / standard[:, 1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [1e-300, 1e-8, 1.0, 1e8])
def test_projection_rescues_a_mean_on_the_edge(name, scale):
    """All weight on one particle, at any size of values: the projected mean belongs to a member with usable particles."""
    family, support = make(name), FAMILY_NAMES[name]
    value = scale
    if support.integer:
        value = min(float(round(scale)), 1.0 if support.upper < math.inf else scale)
    elif support.upper == 1:
        value = 1 - 2 ** (-53) if scale == 100000000.0 else min(scale, 0.5)
    x = torch.full((1, 5, family.dimension), value, dtype=torch.float64)
    weight = torch.tensor([[0.0, 1, 0, 0, 0]], dtype=torch.float64)
    mean = family.project_mean(family.moments(x, weight))
    standard = family.mean_to_standard(mean)
    assert standard.isfinite().all()
    _, drawn = particles(family, standard, count=20)
    assert drawn.isfinite().all()
    assert family.log_prob(standard, drawn).isfinite().all()
    if support.integer:
        assert (drawn >= 0).all()
        assert torch.equal(drawn, drawn.floor())
        assert (drawn <= support.upper).all()
        everything = torch.arange(2, dtype=torch.float64)[:, None].expand(1, -1, family.dimension)
        assert family.log_prob(standard, everything).isfinite().all()
    elif support.lower == 0:
        assert (drawn > 0).all()
        assert (drawn < support.upper).all()


concentrations = hs.floats(-8, 8).map(lambda e: 10.0**e)


@settings(max_examples=200, deadline=None)
@given(shape=concentrations, rate=concentrations)
def test_gamma_moment_match_at_any_concentration(shape, rate):
    standard = torch.tensor([[shape, rate]], dtype=torch.float64)
    for name in ("gamma", "inv_gamma"):
        family = make_family(name, 1)
        mean = family.standard_to_mean(standard)
        # E log x - log E x, about 1 / (2 shape), is a difference of logs with their rounding
        rounding = 1e-15 * shape * float(mean[:, 0].abs().clamp_min(1).max()) * 20
        torch.testing.assert_close(family.mean_to_standard(mean), standard, rtol=1e-11 + rounding, atol=0)


@settings(max_examples=200, deadline=None)
@given(a=concentrations, b=concentrations)
def test_beta_moment_match_at_any_concentration(a, b):
    family, standard = make_family("beta", 1), torch.tensor([[a, b]], dtype=torch.float64)
    found = family.mean_to_standard(family.standard_to_mean(standard))
    torch.testing.assert_close(found, standard, rtol=1e-11 + 2e-14 * min(a, b), atol=0)


@settings(max_examples=200, deadline=None)
@given(alpha=hs.lists(hs.floats(-4, 8).map(lambda e: 10.0**e), min_size=4, max_size=4))
def test_dirichlet_moment_match_at_any_concentration(alpha):
    family, standard = make("dirichlet"), torch.tensor([alpha], dtype=torch.float64)
    found = family.mean_to_standard(family.standard_to_mean(standard))
    torch.testing.assert_close(found, standard, rtol=1e-11 + 2e-14 * sum(alpha), atol=0)


@settings(max_examples=100, deadline=None)
@given(
    mean=hs.floats(-2, 8).map(lambda e: 10.0**e),
    phi=hs.floats(-3, 8).map(lambda e: 10.0**e),
    u=hs.floats(1e-9, 1 - 1e-9),
)
def test_count_quantiles_at_any_concentration(mean, phi, u):
    family, standard = make_family("neg_binomial", 1), torch.tensor([[mean, phi]], dtype=torch.float64)
    x = float(family.quantile(standard, torch.tensor([[[u]]], dtype=torch.float64)))
    law = st.nbinom(phi, phi / (mean + phi))
    rounding = 1e-9  # of scipy's cdf at large counts
    assert x == math.floor(x) >= 0
    assert law.cdf(x) >= u - rounding
    assert x == 0 or law.cdf(x - 1) <= u + rounding


@settings(max_examples=100, deadline=None)
@given(a=concentrations, b=concentrations, u=hs.floats(1e-6, 1 - 1e-6))
def test_quantiles_are_proper_particles_at_any_concentration(a, b, u):
    standard, u = torch.tensor([[a, b]], dtype=torch.float64), torch.tensor([[[u]]], dtype=torch.float64)
    for name in ("gamma", "inv_gamma", "beta"):
        family = make_family(name, 1)
        x = family.quantile(standard, u)
        assert (x > 0).all()
        assert x.isfinite().all()
        assert name != "beta" or (x < 1).all()
        assert family.log_prob(standard, x).isfinite().all()
        higher = family.quantile(standard, (u + 1e-7).clamp_max(1 - 1e-7))
        assert (higher >= x * (1 - 1e-9)).all()
        if 1e-290 < float(x) < 1 - 1e-7:  # closer to 1, the rounding of x alone moves the cdf further
            # the derivative of the cdf by log x or logit x turns rounding of x into error of u
            steep = 1e-14 * float(standard.max()) + 1e-9
            assert float(SCIPY[name](a, b).cdf(float(x))) == pytest.approx(float(u), abs=steep)
