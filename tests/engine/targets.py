"""Where the tests compute."""

from __future__ import annotations

from qemppl.compile.plan import Target
from qemppl.numerics.lazy import torch

CPU = Target(torch.float64, "cpu", 1 << 30)
