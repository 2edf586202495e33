"""python -m benchmarks.references [NAME ...]: sample the posterior of examples and write their `reference.json`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpyro

from benchmarks.references.models import REFERENCES
from benchmarks.references.sampling import load, record

EXAMPLES = Path(__file__).parents[2] / "examples"
SEED = 20_250


def main(names: list[str]) -> None:
    """Write the references of the named examples, or of all."""
    numpyro.enable_x64()
    for name in names or list(REFERENCES):
        folder = EXAMPLES / name
        record(REFERENCES[name], load(folder / "data.json"), SEED, folder / "reference.json")


if __name__ == "__main__":
    main(sys.argv[1:])
