"""What single laws promise beyond the properties of tests/laws."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats as st
import torch

from qemppl.distributions.base import Grouping
from qemppl.distributions.registry import ALIASES, LAWS


def tensor(x):
    return torch.as_tensor(np.asarray(x, dtype=float))


def test_importing_the_registries_does_not_import_torch():
    program = (
        "import sys, qemppl.distributions.registry, qemppl.families.registry;"
        "sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_names_and_argument_order_are_those_of_stan():
    """Stan Functions Reference 2.38; `flat` and `geometric` are not of Stan."""
    signatures = {name: [a.name for a in law.arguments] for name, law in LAWS.items()}
    assert signatures == {
        "normal": ["mu", "sigma"],
        "std_normal": [],
        "student_t": ["nu", "mu", "sigma"],
        "cauchy": ["mu", "sigma"],
        "uniform": ["alpha", "beta"],
        "flat": [],
        "lognormal": ["mu", "sigma"],
        "gamma": ["alpha", "beta"],
        "inv_gamma": ["alpha", "beta"],
        "exponential": ["beta"],
        "weibull": ["alpha", "sigma"],
        "beta": ["alpha", "beta"],
        "bernoulli": ["theta"],
        "bernoulli_logit": ["alpha"],
        "binomial": ["n", "theta"],
        "binomial_logit": ["n", "alpha"],
        "poisson": ["lambda"],
        "poisson_log": ["alpha"],
        "neg_binomial_2": ["mu", "phi"],
        "neg_binomial_2_log": ["eta", "phi"],
        "logistic": ["mu", "sigma"],
        "laplace": ["mu", "sigma"],
        "gumbel": ["mu", "beta"],
        "skew_normal": ["xi", "omega", "alpha"],
        "von_mises": ["mu", "kappa"],
        "chi_square": ["nu"],
        "beta_proportion": ["mu", "kappa"],
        "geometric": ["theta"],
        "beta_binomial": ["n", "alpha", "beta"],
        "hypergeometric": ["N", "a", "b"],
        "discrete_range": ["l", "u"],
        "dirichlet": ["alpha"],
        "multi_normal": ["mu", "Sigma"],
        "multi_normal_cholesky": ["mu", "L"],
        "lkj_corr_cholesky": ["eta"],
        "multinomial": ["theta"],
        "categorical": ["theta"],
        "categorical_logit": ["beta"],
        "ordered_logistic": ["eta", "c"],
    }
    assert ALIASES == {"double_exponential": "laplace"}


def test_laws_name_the_arguments_that_end_their_supports():
    ends = {name: (law.least, law.most) for name, law in LAWS.items() if (law.least, law.most) != (None, None)}
    counts = dict.fromkeys(("binomial", "binomial_logit", "beta_binomial"), (None, "n"))
    assert ends == {**counts, "uniform": ("alpha", "beta"), "discrete_range": ("l", "u"), "hypergeometric": (None, "N")}


def test_flat_is_improper():
    flat = LAWS["flat"]
    assert flat.improper
    assert flat.log_prob(tensor([-1e9, 0.0, 3.0])).tolist() == [0, 0, 0]
    with pytest.raises(AssertionError, match="improper"):
        flat.sample(torch.Generator(), tensor([0.0]))


def test_probabilities_of_zero_and_one_are_exact():
    x, theta = tensor([[0], [1]]), tensor([0, 1])
    assert LAWS["bernoulli"].log_prob(x, theta).tolist() == [[0, -math.inf], [-math.inf, 0]]
    successes = tensor([[0], [3], [5]])
    got = LAWS["binomial"].log_prob(successes, tensor(5), theta)
    assert got.tolist() == [[0, -math.inf], [-math.inf, -math.inf], [-math.inf, 0]]
    assert LAWS["poisson"].log_prob(tensor([0, 2]), tensor(0)).tolist() == [0, -math.inf]


def test_log_odds_keep_relative_accuracy_in_both_tails():
    got = LAWS["bernoulli_logit"].log_prob(tensor([[1], [0]]), tensor([50, 800]))
    np.testing.assert_allclose(got, [[-math.exp(-50), 0], [-50, -800]], rtol=1e-14)


def test_a_scale_that_underflowed_gives_no_nan():
    for name in ("normal", "cauchy", "lognormal"):
        log_p = LAWS[name].log_prob(tensor([1.0, 2.0]), tensor(0), tensor(0.0))
        assert not log_p.isnan().any()


@pytest.mark.parametrize(("x", "n"), [(-1, 5), (6, 5), (2.5, 5)])
def test_impossible_binomial_outcomes(x, n):
    assert LAWS["binomial"].log_prob(tensor(x), tensor(n), tensor(0.5)) == -math.inf
    assert LAWS["binomial_logit"].log_prob(tensor(x), tensor(n), tensor(0.1)) == -math.inf


def test_negative_binomial_tends_to_poisson():
    x, eta = tensor([0, 3, 50]), tensor(2.0)
    for phi in (1e12, 1e200):
        got = LAWS["neg_binomial_2_log"].log_prob(x, eta, tensor(phi))
        np.testing.assert_allclose(got, st.poisson.logpmf(x, math.exp(2)), rtol=1e-9)


def test_student_t_tends_to_normal():
    x = tensor([-3, 0, 2])
    np.testing.assert_allclose(
        LAWS["student_t"].log_prob(x, tensor(1e14), tensor(0), tensor(1)), st.norm.logpdf(x), rtol=1e-12
    )


def test_a_summary_of_values_far_from_zero_keeps_its_digits():
    law, rng = LAWS["normal"], np.random.default_rng(0)
    x = tensor(1e8 + 1e-3 * rng.normal(size=500))
    statistics = law.summarise(x, (), Grouping(torch.zeros(len(x), dtype=torch.int64), 1))
    mu, sigma = tensor(1e8), tensor(1e-3)
    expected = law.log_prob(x, mu, sigma).sum()
    # a mean near 1e8 is known to 1.5e-8, 1.5e-5 of the sd
    torch.testing.assert_close(law.log_prob_summary(statistics, mu, sigma)[0], expected, rtol=0, atol=1e-3)


def test_extreme_rates_are_drawn_without_overflow():
    draw = LAWS["poisson_log"].sample(torch.Generator().manual_seed(0), tensor([700.0, 1000.0, -1000.0]))
    assert (draw >= 0).all()
    assert draw[2] == 0


def test_positive_draws_are_positive_at_tiny_shapes():
    generator = torch.Generator().manual_seed(0)
    shape = torch.full((1000,), 1e-4, dtype=torch.float64)
    for name in ("gamma", "inv_gamma"):
        draw = LAWS[name].sample(generator, shape, torch.ones_like(shape))
        assert (draw > 0).all()
        assert draw.isfinite().all()
    draw = LAWS["beta"].sample(generator, shape, shape)
    assert ((draw > 0) & (draw < 1)).all()
    assert abs(float((draw > 0.5).double().mean()) - 0.5) < 4.5 * 0.5 / 1000**0.5
