from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from qemppl.distributions.base import Grouping
from qemppl.distributions.registry import LAWS
from tests.laws.cases import ALL, CASES, ORDINARY

DISCRETE = {name for name, law in LAWS.items() if law.support.integer}


def tensors(arguments):
    return [torch.tensor(a, dtype=torch.float64) for a in arguments]


def truth(name, arguments):
    return CASES[name].scipy(*arguments)


def points(name, arguments):
    """Values from both tails and the middle, as scipy sees them."""
    p = np.concatenate(([1e-300, 1e-30, 1e-8], np.linspace(0.01, 0.99, 25), [1 - 1e-8]))
    x = np.unique(truth(name, arguments).ppf(p))
    if name in DISCRETE:
        x = np.unique(np.concatenate((x, [0, 1, 2, 5])))
    if name == "beta":
        x = x[(x > 0) & (x < 1)]
    elif name not in DISCRETE and LAWS[name].support.lower == 0:
        x = x[x > 1e-300]
    return x[np.abs(x) < 1e150]  # squares of larger values overflow


def test_the_cases_name_every_proper_law():
    assert set(CASES) == {name for name, law in LAWS.items() if not law.improper}


@pytest.mark.parametrize(("name", "law"), LAWS.items())
def test_a_law_declares_itself(name, law):
    assert law.name == name
    assert set(law.data_arguments) <= {a.name for a in law.arguments}
    assert law.has_cdf == (not law.improper and not law.support.integer)


@pytest.mark.parametrize(("name", "arguments"), ALL)
def test_log_prob_agrees_with_scipy(name, arguments):
    x = points(name, arguments)
    reference = truth(name, arguments)
    expected = reference.logpmf(x) if name in DISCRETE else reference.logpdf(x)
    got = LAWS[name].log_prob(torch.tensor(x), *tensors(arguments)).numpy()
    # terms as large as the sum of x log x and shape log shape may cancel; scipy has the same error
    size = max([1.0, *(abs(a) for a in arguments if a < 1e9)]) if name not in ("normal", "cauchy", "uniform") else 1.0
    np.testing.assert_allclose(got, expected, rtol=2e-8, atol=1e-12 * max(size, 10.0) * 20)


@pytest.mark.parametrize(("name", "arguments"), ORDINARY)
def test_probabilities_sum_to_one(name, arguments):
    law = LAWS[name]
    if name in DISCRETE:
        total = law.log_prob(torch.arange(3000, dtype=torch.float64), *tensors(arguments)).exp().sum()
    else:
        # the mass of (0.001, 0.999) by Gauss-Legendre panels between quantiles
        edges = truth(name, arguments).ppf(np.linspace(0.001, 0.999, 400))
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
    tolerance = 1e-5 if max([1.0, *(abs(a) for a in arguments)]) > 1e5 else 1e-9
    with np.errstate(divide="ignore"):
        below, above = reference.logcdf(x), reference.logsf(x)
    got_below = law.log_cdf(torch.tensor(x), *args).numpy()
    got_above = law.log_survival(torch.tensor(x), *args).numpy()
    comparable = np.isfinite(below) & (below < -1e-3)
    np.testing.assert_allclose(got_below[comparable], below[comparable], rtol=tolerance, atol=tolerance)
    comparable = np.isfinite(above) & (above < -1e-3)
    np.testing.assert_allclose(got_above[comparable], above[comparable], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(np.exp(got_below) + np.exp(got_above), 1, rtol=1e-8)
    assert (np.diff(got_below) >= 0).all()


@pytest.mark.parametrize(("name", "arguments"), ORDINARY)
def test_sample_mean_and_variance(name, arguments):
    """Within 4.5 standard errors; two-sided, less than one false alarm in a hundred thousand each."""
    law, n = LAWS[name], 40_000
    args = [a.expand(n) for a in tensors(arguments)] or [torch.zeros(n, dtype=torch.float64)]
    draw = law.sample(torch.Generator().manual_seed(7), *args)
    assert draw.shape == (n,)
    assert torch.equal(draw, law.sample(torch.Generator().manual_seed(7), *args))
    reference = truth(name, arguments)
    if name == "cauchy":
        u = reference.cdf(draw.numpy())  # no moments: compare the uniforms of the probability transform
        mean, variance, fourth, draw = 0.5, 1 / 12, 1 / 80, torch.tensor(u)
    else:
        mean, variance = reference.mean(), reference.var()
        fourth = (3 + float(reference.stats(moments="k"))) * variance**2
    assert abs(float(draw.mean()) - mean) < 4.5 * math.sqrt(variance / n)
    if math.isfinite(fourth):
        spread = float((draw - mean).square().mean())
        assert abs(spread - variance) < 4.5 * math.sqrt((fourth - variance**2) / n) + 1e-12


@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if law.has_summary])
def test_summary_equals_the_sum_of_rows(name):
    law, rng = LAWS[name], np.random.default_rng(3)
    arguments = np.array(CASES[name].arguments[0])
    group = torch.tensor(rng.integers(0, 4, 60))  # group 4 is empty
    data = [a for argument, a in zip(law.arguments, arguments, strict=True) if argument.name in law.data_arguments]
    data_rows = tuple(torch.tensor(rng.integers(1, a + 1, 60), dtype=torch.float64) for a in data)
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
    if law.support.upper == 1:
        outside.append(2.0)
    if name == "uniform":
        outside = [arguments[0] - 1, arguments[1] + 1]
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
