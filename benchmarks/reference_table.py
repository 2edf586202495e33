"""python -m benchmarks.reference_table [NAME ...]: fits public benchmark posteriors at default settings, and prints how far they are from
long runs; without names, writes the table of docs/reference.md too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.performance.report import markdown, put
from benchmarks.posteriors import MODELS, POSTERIORS, ROOT, SHARED, Posterior
from qemppl.diagnostics.diagnostic import Severity
from qemppl.driver import compile_model

PAGE = ROOT / "docs" / "reference.md"
SEEDS = range(1, 6)
HEAD = ("model", "numbers", "worst mean, sd", "worst sd, %", "seconds", "warnings", "reference")


@dataclass(frozen=True)
class Agreement:
    """Of one fit with its reference. mean: the largest distance of two means, in posterior sd. sd: of two sds, as a share."""

    numbers: int
    mean: float
    sd: float
    seconds: float
    warnings: tuple[str, ...]

    @property
    def is_close(self) -> bool:
        """What a fit without a warning promises."""
        return self.mean <= 0.05 and self.sd <= 0.05


def agreement(posterior: Posterior, seed: int) -> Agreement:
    """Fits at default settings. Every number of the reference that the model has is compared, and there is one at least."""
    model, data = compile_model(MODELS / f"{posterior.name}.qem"), posterior.data()
    start = time.perf_counter()
    fit = model.fit(data, seed=seed)
    seconds = time.perf_counter() - start
    rows, known = {row.name: row for row in fit.summary()}, posterior.moments()
    shared = [name for name in known if name in rows]
    return Agreement(
        numbers=len(shared),
        mean=max(abs(rows[name].mean - known[name]["mean"]) / known[name]["sd"] for name in shared),
        sd=max(abs(rows[name].sd / known[name]["sd"] - 1) for name in shared),
        seconds=seconds,
        warnings=tuple(w.code for w in fit.warnings if w.code.startswith("QEM9") and w.severity is Severity.WARNING),
    )


def row(posterior: Posterior, fits: Sequence[Agreement]) -> Sequence[str]:
    """The worst of several seeds."""
    warned = sorted({code for fit in fits for code in fit.warnings})
    return (
        posterior.name,
        str(fits[0].numbers),
        f"{max(fit.mean for fit in fits):.3f}",
        f"{100 * max(fit.sd for fit in fits):.1f}",
        f"{max(fit.seconds for fit in fits):.1f}",
        ", ".join(warned),
        "published" if posterior.published else "NUTS",
    )


def main(names: Sequence[str]) -> int:
    """The number of fits that are off without a warning."""
    if not SHARED.exists():
        print(f"{SHARED} is not there")
        return 1
    rows, missed = [], 0
    for posterior in POSTERIORS:
        if names and posterior.name not in names:
            continue
        fits = [agreement(posterior, seed) for seed in SEEDS]
        missed += sum(not (fit.is_close or fit.warnings) for fit in fits)
        rows.append(row(posterior, fits))
        print(*rows[-1], sep="  ", flush=True)
    if not names:
        PAGE.write_text(put(PAGE.read_text(encoding="utf-8"), "table", f"\n{markdown(HEAD, rows)}\n"), encoding="utf-8")
    return missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
