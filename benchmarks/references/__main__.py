"""python -m benchmarks.references [NAME ...]: sample the posterior of examples and write their `reference.json`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpyro

from benchmarks.references.models import REFERENCES
from benchmarks.references.sampling import load, moments, sample, write

EXAMPLES = Path(__file__).parents[2] / "examples"
SEED = 20_250


def main(names: list[str]) -> None:
    """Write the references of the named examples, or of all."""
    numpyro.enable_x64()
    for name in names or list(REFERENCES):
        print(name, flush=True)
        start = time.perf_counter()
        data = load(EXAMPLES / name / "data.json")
        draws = sample(REFERENCES[name], data, SEED)
        write(EXAMPLES / name / "reference.json", moments(REFERENCES[name], data, draws))
        print(f"  {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
