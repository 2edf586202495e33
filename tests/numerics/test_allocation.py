from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import torch
from qemppl.numerics.allocation import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(2_000_000, dtype=torch.float64).exp()
before = faults()
for _ in range(20):
    torch.ones(1_000_000, dtype=torch.float64), torch.ones(2_000_000, dtype=torch.float64)
print(faults() - before)
"""


def page_faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True, timeout=120)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the C library is left as it is")
def test_temporaries_do_not_fault_again() -> None:
    pages = 20 * 24_000_000 // 4096
    assert page_faults("kept") < pages / 4
