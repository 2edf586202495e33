from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch

from qemppl.numerics.vector_charts import coordinates, vector_chart

KINDS = [
    ("simplex", (2,)),
    ("simplex", (7,)),
    ("simplex", (3, 4)),
    ("ordered", (4,)),
    ("ordered", (2, 3)),
    ("positive_ordered", (4,)),
    ("positive_ordered", (2, 3)),
    ("cholesky_factor_corr", (2, 2)),
    ("cholesky_factor_corr", (4, 4)),
    ("cholesky_factor_corr", (2, 3, 3)),
]
SINGLE = [("simplex", (1,)), ("ordered", (1,)), ("positive_ordered", (1,)), ("cholesky_factor_corr", (1, 1))]
EPS = torch.finfo(torch.float64).eps


def chart(form, event, members=1):
    return vector_chart(form, event, members, torch.float64, "cpu")


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def free(form, event, x):
    """The free components of a flat value: one vector in a row after the other."""
    if form == "simplex":
        return x.reshape(-1, event[-1])[:, :-1].flatten()
    if form == "cholesky_factor_corr":
        n = event[-1]
        rows, columns = torch.tril_indices(n, n, -1)
        return x.reshape(-1, n, n)[:, rows, columns].flatten()
    return x


def assert_inside(form, event, x):
    """Strictly inside the set, for every vector."""
    assert x.isfinite().all()
    if form == "simplex":
        vectors = x.reshape(-1, event[-1])
        assert (vectors > 0).all()
        assert ((vectors.sum(-1) - 1).abs() <= 4 * EPS).all()
    elif form == "cholesky_factor_corr":
        L = x.reshape(-1, event[-1], event[-1])
        assert (L.triu(1) == 0).all()
        assert (L.diagonal(dim1=-2, dim2=-1) > 0).all()
        assert ((L.square().sum(-1) - 1).abs() <= 8 * EPS).all()
    else:
        vectors = x.reshape(-1, event[-1])
        assert (vectors.diff(dim=-1) > 0).all()
        assert form == "ordered" or (vectors > 0).all()


def test_numbers_of_coordinates():
    assert [coordinates(form, event) for form, event in KINDS] == [1, 6, 9, 4, 6, 4, 6, 1, 6, 6]
    assert [coordinates(form, event) for form, event in SINGLE] == [0, 1, 1, 0]


def test_coordinates_are_counted_without_torch():
    program = (
        "import sys; from qemppl.numerics.vector_charts import coordinates; coordinates('simplex', (3,));"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(("form", "event"), KINDS + SINGLE)
def test_inverse_and_shapes(form, event):
    members = 3
    u = 2 * normal(5, 2, members * coordinates(form, event))
    x = chart(form, event, members).forward(u)
    assert x.shape == (5, 2, members * math.prod(event))
    assert_inside(form, event, x)
    torch.testing.assert_close(chart(form, event, members).inverse(x), u, rtol=1e-9, atol=1e-10)
    assert chart(form, event, members).log_jacobian(u).shape == u.shape


@pytest.mark.parametrize(("form", "event"), KINDS)
def test_jacobian(form, event):
    """Its terms sum to the log determinant of the derivative of the free components."""
    members = 2
    of = chart(form, event, members)
    for u in 1.5 * normal(4, members * coordinates(form, event)):
        derivative = torch.autograd.functional.jacobian(lambda v: free(form, event, of.forward(v)), u)
        expected = torch.linalg.slogdet(derivative).logabsdet
        torch.testing.assert_close(of.log_jacobian(u).sum(-1), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("form", "event"), KINDS)
@pytest.mark.parametrize("size", [40.0, 1e3, 1e300])
def test_extreme_coordinates_stay_strictly_inside(form, event, size):
    n = coordinates(form, event)
    u = size * torch.stack((torch.ones(n), -torch.ones(n), normal(n).sign())).double()
    x = chart(form, event).forward(u)
    assert_inside(form, event, x)
    assert chart(form, event).inverse(x).isfinite().all()
    assert chart(form, event).log_jacobian(u).isfinite().all()


@pytest.mark.parametrize(("form", "event"), [kind for kind in KINDS if kind[0] != "ordered"])
def test_coordinates_of_forty_come_back(form, event):
    n = coordinates(form, event)
    signs = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    u = 40 * signs.expand(2, n)
    if form == "positive_ordered":  # a gap of exp(-40) has its digits above one of exp(-40), not above one of exp(40)
        torch.testing.assert_close(
            chart(form, event).inverse(chart(form, event).forward(u[1])), u[1], rtol=1e-12, atol=0
        )
    else:
        torch.testing.assert_close(chart(form, event).inverse(chart(form, event).forward(u)), u, rtol=1e-12, atol=0)


def test_tiny_components_of_a_simplex_keep_their_digits():
    x = torch.tensor([1e-300, 0.25, 1e-17, 0.75], dtype=torch.float64)
    of = chart("simplex", (4,))
    torch.testing.assert_close(of.forward(of.inverse(x)), x, rtol=1e-12, atol=0)


def test_a_draw_on_the_boundary_has_coordinates():
    assert chart("simplex", (3,)).inverse(torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)).isfinite().all()
    assert chart("ordered", (3,)).inverse(torch.tensor([1.0, 1.0, 2.0], dtype=torch.float64)).isfinite().all()


@pytest.mark.parametrize("n", [2, 3, 5, 8, 100])
def test_zero_is_the_uniform_simplex_and_the_identity(n):
    zero = torch.zeros(coordinates("simplex", (n,)), dtype=torch.float64)
    torch.testing.assert_close(chart("simplex", (n,)).forward(zero), torch.full((n,), 1 / n, dtype=torch.float64))
    zero = torch.zeros(coordinates("cholesky_factor_corr", (n, n)), dtype=torch.float64)
    assert torch.equal(chart("cholesky_factor_corr", (n, n)).forward(zero), torch.eye(n, dtype=torch.float64).flatten())


def test_a_large_simplex_sums_to_one():
    assert_inside("simplex", (500,), chart("simplex", (500,)).forward(3 * normal(20, 499)))


@pytest.mark.parametrize("alpha", [[1.0] * 6, [0.3, 5.0, 1.0, 40.0, 2.0]])
def test_coordinates_of_a_dirichlet_law_are_independent(alpha):
    """Correlations of 50,000 draws: |r| is below 5.5 / sqrt(50,000) but for once in 26 million, at least, for each of 10 or 15."""
    law = torch.distributions.Dirichlet(torch.tensor(alpha, dtype=torch.float64))
    torch.manual_seed(0)
    u = chart("simplex", (len(alpha),)).inverse(law.sample((50_000,)))
    off_diagonal = torch.corrcoef(u.T) - torch.eye(u.shape[-1], dtype=u.dtype)
    assert off_diagonal.abs().max() < 5.5 / math.sqrt(50_000)
    # each is the logit of a beta variable, so symmetric splits of equal components are centred on 0
    if len(set(alpha)) == 1:
        assert abs(float(u[:, 0].mean())) < 5.5 * float(u[:, 0].std()) / math.sqrt(50_000)


def test_float32_stays_float32():
    for form, event in KINDS:
        of = vector_chart(form, event, 1, torch.float32, "cpu")
        u = normal(3, coordinates(form, event)).float()
        assert of.forward(u).dtype == of.log_jacobian(u).dtype == of.inverse(of.forward(u)).dtype == torch.float32
