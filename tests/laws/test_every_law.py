from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from qemppl.distributions.base import Grouping
from qemppl.distributions.registry import ALIASES
from qemppl.distributions.registry import LAWS as ALL_LAWS
from qemppl.numerics.supports import UNIT
from tests.laws.cases import ALL, CASES, ORDINARY

LAWS = {
    name: law for name, law in ALL_LAWS.items() if not law.sizes and not any(a.sizes for a in law.arguments)
}  # laws of vectors, and of vectors of arguments, have tests of their own
DISCRETE = {name for name, law in LAWS.items() if law.support.integer}
ARE_A_LAW = {
    "uniform": lambda a, b: a < b,
    "discrete_range": lambda a, b: a <= b,
    "hypergeometric": lambda n, a, b: n <= a + b,
}  # what arguments must satisfy together
WITHOUT_CDF = {"flat", "von_mises", "hypergeometric"}
WITHOUT_MOMENTS = {"cauchy", "von_mises"}


def tensors(arguments):
    return [torch.tensor(a, dtype=torch.float64) for a in arguments]


def truth(name, arguments):
    return CASES[name].scipy(*arguments)


def points(name, arguments):
    """Values from both tails and the middle, as scipy sees them."""
    p = np.concatenate(([1e-300, 1e-30, 1e-8], np.linspace(0.01, 0.99, 25), [1 - 1e-8]))
    with np.errstate(divide="ignore"):
        x = np.unique(truth(name, arguments).ppf(p))
    if name in DISCRETE:
        x = np.unique(np.concatenate((x, [0, 1, 2, 5])))
    if LAWS[name].support is UNIT:
        x = x[(x > 0) & (x < 1)]
    elif name not in DISCRETE and LAWS[name].support.lower == 0:
        x = x[x > 1e-300]
    return x[np.abs(x) < 1e150]  # squares of larger values overflow


def test_the_cases_name_every_proper_law():
    assert set(CASES) == {name for name, law in LAWS.items() if not law.improper}


@pytest.mark.parametrize(("name", "law"), LAWS.items())
def test_a_law_declares_itself(name, law):
    assert law.name == name
    assert {*law.data_arguments, law.least, law.most} - {None} <= {a.name for a in law.arguments}
    assert law.has_cdf == (name not in WITHOUT_CDF)


def test_an_alias_names_a_law():
    assert set(ALIASES.values()) <= set(LAWS)
    assert not set(ALIASES) & set(ALL_LAWS)


@pytest.mark.parametrize(("name", "arguments"), ALL)
def test_log_prob_agrees_with_scipy(name, arguments):
    x = points(name, arguments)
    reference = truth(name, arguments)
    with np.errstate(divide="ignore"):
        expected = reference.logpmf(x) if name in DISCRETE else reference.logpdf(x)
    got = LAWS[name].log_prob(torch.tensor(x), *tensors(arguments)).numpy()
    # terms as large as the sum of x log x and shape log shape may cancel; scipy has the same error
    size = max([1.0, *(abs(a) for a in arguments if a < 1e9)]) if name not in ("normal", "cauchy", "uniform") else 1.0
    np.testing.assert_allclose(got, expected, rtol=2e-8, atol=1e-12 * max(size, 10.0) * 20)


@pytest.mark.parametrize(("name", "arguments"), ORDINARY)
def test_probabilities_sum_to_one(name, arguments):
    law = LAWS[name]
    if name in DISCRETE:
        total = law.log_prob(torch.arange(-100, 3000, dtype=torch.float64), *tensors(arguments)).exp().sum()
    else:
        # the mass of (0.001, 0.999) by Gauss-Legendre panels between quantiles
        edges = truth(name, arguments).ppf(np.linspace(0.001, 0.999, 401))
        nodes, weights = np.polynomial.legendre.leggauss(20)
        half = np.diff(edges)[:, None] / 2
        x = edges[:-1, None] + half * (nodes + 1)
        density = law.log_prob(torch.tensor(x), *tensors(arguments)).exp().numpy()
        total = (density * weights * half).sum() + 0.002
    assert float(total) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("name", "arguments"), [case for case in ALL if LAWS[case[0]].has_cdf])
def test_cdf_agrees_with_scipy_in_both_tails(name, arguments):
    x = points(name, arguments)
    law, reference = LAWS[name], truth(name, arguments)
    args = tensors(arguments)
    tolerance = (
        1e-5 if max([1.0, *(abs(a) for a in arguments)]) > 1e5 else 3e-9
    )  # of torch's incomplete gamma functions
    with np.errstate(divide="ignore"):
        below, above = reference.logcdf(x), reference.logsf(x)
    got_below = law.log_cdf(torch.tensor(x), *args).numpy()
    got_above = law.log_survival(torch.tensor(x), *args).numpy()
    comparable = np.isfinite(below) & (below < -1e-3)
    np.testing.assert_allclose(got_below[comparable], below[comparable], rtol=tolerance, atol=tolerance)
    comparable = np.isfinite(above) & (above < -1e-3)
    np.testing.assert_allclose(got_above[comparable], above[comparable], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(np.exp(got_below) + np.exp(got_above), 1, rtol=1e-8)
    assert (got_below[1:] >= got_below[:-1]).all()


@pytest.mark.parametrize(("name", "arguments"), ORDINARY)
def test_sample_mean_and_variance(name, arguments):
    """Within 4.5 standard errors; two-sided, less than one false alarm in a hundred thousand each."""
    law, n = LAWS[name], 40_000
    args = [a.expand(n) for a in tensors(arguments)] or [torch.zeros(n, dtype=torch.float64)]
    draw = law.sample(torch.Generator().manual_seed(7), *args)
    assert draw.shape == (n,)
    assert torch.equal(draw, law.sample(torch.Generator().manual_seed(7), *args))
    reference = truth(name, arguments)
    if name in WITHOUT_MOMENTS:
        u = reference.cdf(draw.numpy())  # compare the uniforms of the probability transform
        mean, variance, fourth, draw = 0.5, 1 / 12, 1 / 80, torch.tensor(u)
    else:
        mean, variance = reference.mean(), reference.var()
        fourth = (3 + float(reference.stats(moments="k"))) * variance**2
    assert abs(float(draw.mean()) - mean) < 4.5 * math.sqrt(variance / n)
    if math.isfinite(fourth):
        spread = float((draw - mean).square().mean())
        assert abs(spread - variance) < 4.5 * math.sqrt((fourth - variance**2) / n) + 1e-12


@pytest.mark.parametrize(("name", "arguments"), ORDINARY)
def test_samples_follow_the_law(name, arguments):
    """The distance of the empirical cdf, which exceeds sqrt(log(2 / p) / (2 n)) with a chance of at most p = 1e-6, for any law
    (Massart 1990, the constant of the Dvoretzky-Kiefer-Wolfowitz inequality).
    """
    law, n = LAWS[name], 40_000
    args = [a.expand(n) for a in tensors(arguments)] or [torch.zeros(n, dtype=torch.float64)]
    draw = np.sort(law.sample(torch.Generator().manual_seed(11), *args).numpy())
    value, first, count = np.unique(draw, return_index=True, return_counts=True)
    at = truth(name, arguments).cdf(value)
    distance = np.abs((first + count) / n - at)
    if name not in DISCRETE:
        distance = np.maximum(distance, np.abs(first / n - at))  # on the left of a step
    assert distance.max() < math.sqrt(math.log(2 / 1e-6) / (2 * n))


@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if law.has_summary])
def test_summary_equals_the_sum_of_rows(name):
    law, rng = LAWS[name], np.random.default_rng(3)
    arguments = np.array(CASES[name].arguments[0])
    group = torch.tensor(rng.integers(0, 4, 60))  # group 4 is empty
    data = [i for i, argument in enumerate(law.arguments) if argument.name in law.data_arguments]
    case = np.array(CASES[name].arguments)[rng.integers(0, len(CASES[name].arguments), 60)]
    data_rows = tuple(torch.tensor(case[:, i]) for i in data)
    x = law.sample(
        torch.Generator().manual_seed(1),
        *(data_rows if data else ()),
        *(torch.full((60,), a, dtype=torch.float64) for a in arguments[len(data) :]),
    )

    groups = Grouping(group, 5)
    statistics = law.summarise(x, data_rows, groups)
    rest = [
        torch.tensor(a * (1 + 0.2 * rng.uniform(size=shape)))
        for a, shape in zip(arguments[len(data) :], ((5, 3, 1), (1, 1, 4)), strict=False)
    ]
    got = law.log_prob_summary(tuple(s[:, None, None] for s in statistics), *rest)
    broadcast = [r[group] if r.shape[0] == 5 else r for r in rest]
    rows = law.log_prob(x[:, None, None], *(d[:, None, None] for d in data_rows), *broadcast)
    expected = groups.sum(rows)
    assert got.shape == expected.shape
    torch.testing.assert_close(got, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(("name", "arguments"), ORDINARY)
def test_outside_the_support_the_density_is_zero(name, arguments):
    law = LAWS[name]
    outside = [-1.0] if law.support.lower == 0 else []
    if law.support.integer:
        outside.append(0.5)
    if law.most is not None:
        outside.append(arguments[[a.name for a in law.arguments].index(law.most)] + 1)
    if law.least is not None:
        outside.append(arguments[[a.name for a in law.arguments].index(law.least)] - 1)
    if law.support.upper == 1:
        outside.append(2.0)
    x = torch.tensor(outside, dtype=torch.float64)
    assert (law.log_prob(x, *tensors(arguments)) == -math.inf).all()
    if law.has_summary and outside:
        data = [
            t.expand(1) for t, a in zip(tensors(arguments), law.arguments, strict=True) if a.name in law.data_arguments
        ]
        rest = [t for t, a in zip(tensors(arguments), law.arguments, strict=True) if a.name not in law.data_arguments]
        statistics = law.summarise(x[:1], tuple(data), Grouping(torch.zeros(1, dtype=torch.int64), 1))
        assert float(law.log_prob_summary(statistics, *rest)) == -math.inf


@pytest.mark.parametrize(("name", "arguments"), ORDINARY)
def test_log_prob_broadcasts_differentiates_and_leaves_its_inputs_alone(name, arguments):
    law = LAWS[name]
    x = torch.tensor(points(name, arguments)[2:8])[:, None, None]
    shapes = ((len(x), 3, 1), (1, 1, 4), (1, 3, 4))
    args = [
        torch.tensor(a, dtype=torch.float64).expand(shape).clone() for a, shape in zip(arguments, shapes, strict=False)
    ]
    before = [a.clone() for a in args]
    got = law.log_prob(x, *args)
    assert got.shape == torch.broadcast_shapes(x.shape, *(a.shape for a in args))
    assert all(torch.equal(a, b) for a, b in zip(args, before, strict=True))
    free = [a.clone().requires_grad_() for a in args]
    if free:
        with_gradient = law.log_prob(x, *free)
        torch.testing.assert_close(with_gradient.detach(), got)
        gradients = torch.autograd.grad(with_gradient.sum(), free, allow_unused=True)
        assert all(g is None or g.isfinite().all() for g in gradients)


@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if not law.improper])
def test_float32_stays_float32(name):
    law = LAWS[name]
    args = [torch.tensor(a, dtype=torch.float32) for a in CASES[name].arguments[0]]
    x = torch.tensor(points(name, CASES[name].arguments[0])[4:8], dtype=torch.float32)
    got = law.log_prob(x, *args)
    assert got.dtype == torch.float32
    torch.testing.assert_close(
        got.double(), law.log_prob(x.double(), *(a.double() for a in args)), rtol=1e-4, atol=1e-4
    )
    assert law.sample(torch.Generator().manual_seed(0), *([a.expand(3) for a in args] or [x])).dtype == torch.float32
    if law.has_cdf:
        assert law.log_cdf(x, *args).dtype == law.log_survival(x, *args).dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if not law.improper])
def test_no_argument_inside_its_support_gives_nan(name, dtype):
    law = LAWS[name]
    real = [-1e12, -1e5, -3.0, -1e-9, 0.0, 1e-30, 0.7, 90.0, 1e12]
    values = torch.tensor([-1e9, -3, -1, -0.5, -1e-30, 0, 1e-30, 0.3, 1, 1.5, 2, 6, 7, 100, 1000, 1e5], dtype=dtype)
    grids = [
        [v for v in (0.0, 1.0, 2.0, 7.0, 100.0, -3.0) if a.support.contains(v)]
        if a.support.integer
        else [v for v in ([0.0, 1e-9, 0.3, 1.0] if a.support is UNIT else real) if a.support.contains(v)]
        for a in law.arguments
    ]
    for arguments in itertools.product(*grids):
        if not ARE_A_LAW.get(name, lambda *_: True)(*arguments):
            continue
        args = [torch.tensor(a, dtype=dtype) for a in arguments]
        log_p = law.log_prob(values, *args)
        assert not log_p.isnan().any(), arguments
        assert (log_p[[not law.support.contains(float(v)) for v in values]] == -math.inf).all(), arguments
        if law.has_cdf:
            below, above = law.log_cdf(values, *args), law.log_survival(values, *args)
            assert (below <= 0).all(), arguments
            assert (above <= 0).all(), arguments
