"""The scipy counterpart of every law, with arguments that reach into the corners of their supports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.stats as st


@dataclass(frozen=True)
class Case:
    """scipy: from the arguments to a frozen scipy distribution. arguments: ordinary ones. extremes: others where only densities and
    cdfs are compared."""

    scipy: Callable[..., Any]
    arguments: tuple[tuple[float, ...], ...]
    extremes: tuple[tuple[float, ...], ...] = ()


def _inv_logit(alpha: float) -> float:
    return float(1 / (1 + np.exp(-alpha)))


CASES = {
    "normal": Case(st.norm, ((0.0, 1.0), (-3.0, 0.2)), ((1e8, 1e-3), (0.0, 1e-150), (1.0, 1e150))),
    "std_normal": Case(st.norm, ((),)),
    "logistic": Case(st.logistic, ((0.0, 1.0), (-3.0, 0.2)), ((1e6, 1e-3), (0.0, 1e-150), (1.0, 1e150))),
    "laplace": Case(st.laplace, ((0.0, 1.0), (-3.0, 0.2)), ((1e6, 1e-3), (0.0, 1e-150), (1.0, 1e150))),
    "gumbel": Case(st.gumbel_r, ((0.0, 1.0), (-3.0, 0.2)), ((1e6, 1e-3), (0.0, 1e-150), (1.0, 1e150))),
    "skew_normal": Case(
        lambda xi, omega, alpha: st.skewnorm(alpha, xi, omega),
        ((0.0, 1.0, 3.0), (-3.0, 0.2, -0.7)),
        ((1.0, 2.0, 0.0), (0.0, 1e-3, 1e-3)),
    ),
    "von_mises": Case(lambda mu, kappa: st.vonmises(kappa, mu), ((0.0, 2.0), (1.5, 20.0), (-2.0, 0.1)), ((0.5, 1e8),)),
    "student_t": Case(st.t, ((4.5, 1.0, 2.0), (30.0, 0.0, 1.0)), ((0.1, 0.0, 1.0), (1e8, 2.0, 1e-3))),
    "cauchy": Case(st.cauchy, ((0.0, 1.0), (5.0, 0.1)), ((-1e6, 1e-6),)),
    "uniform": Case(lambda a, b: st.uniform(a, b - a), ((0.0, 1.0), (-3.0, 7.0)), ((-1e300, 1e300),)),
    "lognormal": Case(lambda m, s: st.lognorm(s, scale=np.exp(m)), ((0.0, 0.5), (2.0, 0.3)), ((5.0, 6.0),)),
    "gamma": Case(
        lambda a, b: st.gamma(a, scale=1 / b), ((2.0, 3.0), (0.7, 0.1), (40.0, 1.0)), ((1e-3, 1.0), (1e6, 1e3))
    ),
    "inv_gamma": Case(lambda a, b: st.invgamma(a, scale=b), ((5.0, 3.0), (40.0, 10.0)), ((0.1, 1e-3), (1e5, 1e5))),
    "chi_square": Case(st.chi2, ((3.0,), (0.9,), (12.0,)), ((1e-3,), (1e5,))),
    "exponential": Case(lambda b: st.expon(scale=1 / b), ((1.0,), (0.02,)), ((1e10,), (1e-10,))),
    "weibull": Case(lambda a, s: st.weibull_min(a, scale=s), ((1.5, 2.0), (0.8, 1.0)), ((0.05, 1.0), (200.0, 1e3))),
    "beta": Case(st.beta, ((2.0, 3.0), (0.5, 0.7), (1.0, 1.0)), ((1e-3, 1.0), (3e4, 2e4), (0.5, 1e6))),
    "beta_proportion": Case(
        lambda m, k: st.beta(m * k, (1 - m) * k), ((0.3, 5.0), (0.5, 1.2), (0.9, 40.0)), ((0.01, 1.0), (0.6, 5e4))
    ),
    "bernoulli": Case(st.bernoulli, ((0.3,), (0.95,)), ((0.0,), (1.0,), (1e-12,))),
    "bernoulli_logit": Case(lambda a: st.bernoulli(_inv_logit(a)), ((0.3,), (-2.0,)), ((-30.0,),)),
    "binomial": Case(st.binom, ((7.0, 0.3), (1.0, 0.9)), ((5.0, 0.0), (5.0, 1.0), (1e6, 1e-6), (0.0, 0.4))),
    "binomial_logit": Case(lambda n, a: st.binom(n, _inv_logit(a)), ((7.0, 0.3), (20.0, -2.0)), ((1e6, -13.0),)),
    "poisson": Case(st.poisson, ((3.5,), (0.2,)), ((0.0,), (1e6,), (1e-10,))),
    "poisson_log": Case(lambda a: st.poisson(np.exp(a)), ((1.2,), (-2.0,)), ((13.0,), (-20.0,))),
    "neg_binomial_2": Case(
        lambda m, phi: st.nbinom(phi, phi / (m + phi)), ((3.0, 2.0), (20.0, 0.8)), ((5.0, 1e5), (1e4, 3.0), (2.0, 0.01))
    ),
    "neg_binomial_2_log": Case(
        lambda e, phi: st.nbinom(phi, phi / (np.exp(e) + phi)), ((1.0, 2.0), (-1.0, 10.0)), ((9.0, 0.5), (1.5, 1e5))
    ),
    "geometric": Case(lambda p: st.geom(p, loc=-1), ((0.3,), (0.9,), (0.02,)), ((1.0,), (1e-5,))),
    "beta_binomial": Case(
        st.betabinom, ((7.0, 2.0, 3.0), (20.0, 0.5, 0.7)), ((300.0, 1e-3, 2.0), (40.0, 3e4, 1e4), (0.0, 1.0, 1.0))
    ),
    "hypergeometric": Case(
        lambda n, a, b: st.hypergeom(a + b, a, n),
        ((4.0, 10.0, 8.0), (15.0, 12.0, 6.0), (300.0, 1e4, 3e3)),
        ((0.0, 3.0, 4.0), (7.0, 3.0, 4.0), (2e4, 1e5, 1e5)),
    ),
    "discrete_range": Case(lambda a, b: st.randint(a, b + 1), ((-2.0, 3.0), (1.0, 6.0)), ((4.0, 4.0), (-1e6, 1e6))),
}
"""Every proper law of numbers whose arguments are numbers."""

ALL = [(name, arguments) for name, case in CASES.items() for arguments in (*case.arguments, *case.extremes)]
ORDINARY = [(name, arguments) for name, case in CASES.items() for arguments in case.arguments]
