"""Names of the language that this version does not serve yet: they are answered as such, not as unknown."""

from __future__ import annotations

LATER_FUNCTIONS = frozenset({"rep_vector", "lag", "prev", "sd"})

LATER_LAWS = frozenset(
    {
        "logistic",
        "laplace",
        "double_exponential",
        "gumbel",
        "skew_normal",
        "chi_square",
        "beta_proportion",
        "von_mises",
        "dirichlet",
        "multi_normal",
        "multi_normal_cholesky",
        "lkj_corr_cholesky",
        "beta_binomial",
        "categorical",
        "categorical_logit",
        "multinomial",
        "geometric",
        "ordered_logistic",
        "hypergeometric",
        "discrete_range",
    }
)
