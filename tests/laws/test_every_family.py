"""What every posterior family must satisfy, at ordinary and at extreme members."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats as st
import torch
from hypothesis import given, settings
from hypothesis import strategies as hs
from scipy import special
from scipy.integrate import quad

from qemppl.families.base import ExponentialFamily
from qemppl.families.registry import FAMILY_NAMES, make_family
from tests.laws.family_cases import (
    DISCRETE,
    EXPONENTIAL,
    NAMES,
    STANDARD,
    STATES,
    concentrations,
    family_and_standard,
    particles,
)

SCIPY = {
    "normal": st.norm,
    "lognormal": lambda m, s: st.lognorm(s, scale=math.exp(m)),
    "gamma": lambda a, b: st.gamma(a, scale=1 / b),
    "inv_gamma": lambda a, b: st.invgamma(a, scale=b),
    "beta": st.beta,
    "exponential": lambda rate: st.expon(scale=1 / rate),
}


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
        case "binomial":
            pairs = zip(family.highest[0], blocks.T, strict=True)
            return [st.binom(n, p) for n, (p, _) in pairs]
        case "poisson":
            return [st.poisson(mean) for mean, _ in blocks.T]
    rows = np.array(parameters).reshape(family.dimension, -1)
    return [st.rv_discrete(values=(np.arange(len(p)), p)) for p in rows]


def moments_by_sum(family, standard):
    """Means and variances of every coordinate of a family on 0 .. n: (member, coordinate), both."""
    values = torch.arange(int(family.highest.max()) + 1, dtype=torch.float64)
    found = []
    for k, n in enumerate(family.highest[0]):
        one = make_family(family.name, 1, np.full((1, 1), n))
        p = one.log_prob(standard[:, k :: family.dimension], values.expand(len(standard), -1)[..., None]).exp()
        found.append((p @ values, (p * (values - (p @ values)[:, None]) ** 2).sum(-1)))
    return torch.stack([mean for mean, _ in found], -1), torch.stack([variance for _, variance in found], -1)


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


@pytest.mark.parametrize("kappa", [1e-8, 0.3, 2.0, 24.9, 25.1, 400.0, 1e8, 1e16])
def test_von_mises_density_and_quantiles_agree_with_the_integral(kappa):
    """The probability between the mode and a particle, by scipy's quadrature; scipy's own cdf is a normal one from kappa = 50 on."""
    family, mu = make_family("von_mises", 1), 3.1
    standard = torch.tensor([[mu, kappa]], dtype=torch.float64)
    u = torch.tensor([1e-9, 1e-3, 0.2, 0.5, 0.6, 0.97, 1 - 1e-6], dtype=torch.float64)
    x = family.quantile(standard, u[None, :, None])
    assert (x.abs() <= math.pi).all()
    if kappa < 1e6:  # beyond it, scipy multiplies the cosine
        np.testing.assert_allclose(
            family.log_prob(standard, x)[0], st.vonmises(kappa, mu).logpdf(x[0, :, 0].numpy()), rtol=1e-9, atol=1e-9
        )
    constant = -math.log(2 * math.pi * special.i0e(kappa))
    scale = max(1.0, math.sqrt(kappa))
    for point, angle in zip(u.tolist(), (x[0, :, 0] - mu).tolist(), strict=True):
        turn = (angle + math.pi) % math.tau - math.pi

        def density(z):
            return math.exp(constant - 2 * kappa * math.sin(0.5 * z / scale) ** 2) / scale

        below = 0.5 + quad(density, 0, turn * scale, epsabs=1e-13, epsrel=1e-12)[0]
        rounding = 4 * math.pi * 2.2e-16 * scale  # of an angle, times the height of the density
        assert below == pytest.approx(point, abs=1e-12 + rounding)


def test_particles_on_a_circle_go_once_round_it_from_opposite_the_mode():
    family, standard = make_family("von_mises", 1), torch.tensor([[2.5, 0.7]], dtype=torch.float64)
    u = torch.linspace(1e-6, 1 - 1e-6, 1001, dtype=torch.float64)
    x = family.quantile(standard, u[None, :, None])[0, :, 0]
    steps = (x.diff() + math.pi) % math.tau - math.pi
    assert (steps > 0).all()
    assert float(steps.sum()) == pytest.approx(math.tau, abs=1e-3)


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
    family = make_family(name, 1, np.full((1, 1), STATES - 1.0))
    one = {"categorical": [0.2, 0.3, 0.5], "bernoulli": [0.3, 0.7], "binomial": [0.3, 0.2]}
    standard = torch.tensor([one.get(name, STANDARD["poisson"][0])], dtype=torch.float64)
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
    factor = 1.2 if name == "binomial" else 1.5  # as far as both probabilities stay inside
    wide = family.widen(standard, factor)
    if name == "binomial":
        variances = [[law.var() for law in scipy_laws(family, parameters)] for parameters in standard.numpy()]
        np.testing.assert_allclose(
            moments_by_sum(family, wide)[0].numpy(), family.standard_to_mean(standard).numpy(), rtol=1e-12
        )
        np.testing.assert_allclose(moments_by_sum(family, wide)[1].numpy(), factor**2 * np.array(variances), rtol=1e-12)
        torch.testing.assert_close(family.widen(family.widen(standard, 1.1), factor / 1.1), wide)
    elif name in EXPONENTIAL:
        wide_natural, expected = (
            natural_of(family, wide),
            natural_of(family, standard) / (1.5 if name == "exponential" else 2.25),
        )
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


@pytest.mark.parametrize("name", NAMES)
def test_densities_at_several_widths_are_those_of_the_widened_laws(name):
    family, standard = family_and_standard(name)
    _, x = particles(family, standard, count=64)
    factors = (1.0, 1.1, 1.2)
    for factor, density in zip(factors, family.log_probs(standard, x, factors), strict=True):
        torch.testing.assert_close(density, family.log_prob(family.widen(standard, factor), x), rtol=1e-10, atol=1e-10)
