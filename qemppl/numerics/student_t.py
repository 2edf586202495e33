"""The cdf of Student's t law on the log scale."""

from __future__ import annotations

import math

from qemppl.numerics.incomplete_beta import log_betainc
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log1mexp


def log_student_t_cdf(t: torch.Tensor, nu: torch.Tensor) -> torch.Tensor:
    """log P(T <= t) for nu > 0 degrees of freedom, accurate in the left tail: half of I_x(nu/2, 1/2) at x = 1 / (1 + t^2 / nu)."""
    square = t.square() / nu
    log_tail = log_betainc(0.5 * nu, nu.new_tensor(0.5), 1 / (1 + square), 1 / (1 + 1 / square)) - math.log(2)
    return torch.where(t < 0, log_tail, log1mexp(-log_tail))
