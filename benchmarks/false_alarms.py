"""python -m benchmarks.false_alarms [NAME ...]: fits every example, or those named, with 20 seeds at default settings, and prints what
they warn of.

Every example agrees with its reference (tests/test_examples.py), so a warning is a false alarm. Exits with their number, at most 100.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.examples import EXAMPLES, REFERENCED
from qemppl.diagnostics.diagnostic import Severity
from qemppl.driver import compile_model

SEEDS = range(1, 21)


def alarms(name: str, seed: int) -> list[str]:
    """What a fit warns of, in words, notes aside."""
    fit = compile_model(EXAMPLES / name / "model.qem").fit(EXAMPLES / name / "data.json", seed=seed)
    return [f"{w.code}: {w.message}" for w in fit.warnings if w.severity is not Severity.NOTE]


def main(names: Sequence[str]) -> int:
    """The number of fits that warn."""
    false = 0
    for name in names or REFERENCED:
        found = {seed: alarms(name, seed) for seed in SEEDS}
        warned = {seed: words for seed, words in found.items() if words}
        false += len(warned)
        print(f"{name}: {len(SEEDS)} fits, {len(warned)} with a warning", flush=True)
        for seed, words in warned.items():
            print(*(f"  seed {seed}: {line}" for line in words), sep="\n", flush=True)
    return false


if __name__ == "__main__":
    sys.exit(min(100, main(sys.argv[1:])))
