"""Binomial probabilities on the log scale."""

from __future__ import annotations

from qemppl.numerics.incomplete_beta import log_beta_kernel
from qemppl.numerics.lazy import torch


def log_binomial(x: torch.Tensor, n: torch.Tensor, p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """log(choose(n, x) p^x q^(n - x)) for counts 0 <= x <= n and q = 1 - p; centred at x = n p, where its terms cancel for a large n
    (Loader 2000, "Fast and accurate computation of binomial probabilities").
    """
    rest = n - x
    inner = (x > 0) & (rest > 0)
    a, b = torch.where(inner, x, 1.0), torch.where(inner, rest, 1.0)
    # choose(n, x) = n / (x (n - x) B(x, n - x))
    between = log_beta_kernel(a, b, p, q) - (a * (b / (a + b))).log()
    return torch.where(inner, between, torch.xlogy(x, p) + torch.xlogy(rest, q))
