from __future__ import annotations

import math

import pytest
import torch

from qemppl.numerics.charts import Chart
from qemppl.numerics.supports import CIRCLE, POSITIVE, REAL, UNIT

LOW, HIGH = torch.tensor(-1.5, dtype=torch.float64), torch.tensor(4.0, dtype=torch.float64)
CHARTS = [
    Chart(None, None, REAL),
    Chart(LOW, None, REAL),
    Chart(None, HIGH, REAL),
    Chart(LOW, HIGH, REAL),
    Chart(LOW, None, POSITIVE),
    Chart(None, HIGH, POSITIVE),
    Chart(LOW, HIGH, UNIT),
    Chart(LOW, HIGH, CIRCLE),
]


def values(chart):
    u = torch.linspace(-3, 3, 21, dtype=torch.float64)
    return {REAL: u, POSITIVE: u.exp(), UNIT: u.sigmoid(), CIRCLE: u}[chart.target]


@pytest.mark.parametrize("chart", CHARTS)
def test_inverse_and_jacobian(chart):
    u = values(chart).requires_grad_()
    x = chart.forward(u)
    torch.testing.assert_close(chart.inverse(x), u)
    (slope,) = torch.autograd.grad(x.sum(), u)
    torch.testing.assert_close(chart.log_jacobian(u), slope.abs().log())


@pytest.mark.parametrize("chart", CHARTS)
def test_extreme_values_stay_strictly_inside(chart):
    extreme = {REAL: [-1e4, 1e4], POSITIVE: [1e-308, 1e308], UNIT: [1e-308, 1 - 2**-53], CIRCLE: [-math.pi, math.pi]}[
        chart.target
    ]
    x = chart.forward(torch.tensor(extreme, dtype=torch.float64))
    assert x.isfinite().all()
    assert chart.lower is None or (x > chart.lower).all()
    assert chart.upper is None or (x < chart.upper).all()


def test_an_angle_is_measured_from_the_middle_of_its_bounds():
    chart = Chart(LOW, LOW + math.tau, CIRCLE)
    u = torch.tensor([-math.pi / 2, 0.0, 1.0, 3.0], dtype=torch.float64)
    torch.testing.assert_close(chart.forward(u), LOW + math.pi + u)
    assert chart.log_jacobian(u).abs().max() < 1e-15


def test_bounds_by_member_broadcast():
    chart = Chart(torch.tensor([0.0, 10.0])[:, None, None], torch.tensor([1.0, 30.0])[:, None, None], UNIT)
    u = torch.full((2, 5, 3), 0.25)
    assert chart.forward(u)[:, 0, 0].tolist() == [0.25, 15.0]
    assert chart.log_jacobian(u).shape == u.shape
