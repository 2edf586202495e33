"""The flat law."""

from __future__ import annotations

from qemppl.distributions.base import Law
from qemppl.numerics.lazy import torch
from qemppl.numerics.supports import REAL


class Flat(Law):
    """flat(): log p = 0 everywhere. Improper: it cannot be sampled, and leaves the evidence undefined."""

    name = "flat"
    arguments = ()
    support = REAL
    improper = True
    samples = False

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x)

    def sample(self, generator: torch.Generator, *arguments: torch.Tensor) -> torch.Tensor:
        raise AssertionError("flat is improper and has no samples")
