"""Where the tests compute."""

from __future__ import annotations

from qemppl.compile.layout import Target
from qemppl.numerics.lazy import torch

CPU = Target(torch.float64, "cpu", 1 << 30)
