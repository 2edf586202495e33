"""python -m benchmarks.persistence: states that hardly change from step to step, by particles that are independent at each step, and
integrated in closed form, where the law of a state given the one before is linear and normal.

Three series of 200 steps, seen with noise of sd 1, of which the states move by less and less: local levels, and levels with a slope.
Prints seconds of a fit, particles at each step, the sd of log Zhat, and what particles are off by: of means and sds, the worst of all
steps, in sd of the closed form, and the log evidence in nats.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from qemppl.driver import compile_model
from qemppl.result.fit import FitResult

CHAINS, STEPS = 3, 200
LEVEL = """
data {{ plate series; chain step in series; real y[step]; }}
model {{ plate series {{ chain step {{
  real level ~ normal(prev(level), {move}) init normal(0, 3);
  y ~ normal(level, 1);
}} }} }}
"""
SLOPE = LEVEL.replace(
    "  real level ~ normal(prev(level), {move})",
    "  real slope ~ normal(prev(slope), {move} / 5) init normal(0, 0.5);\n  real level ~ normal(prev(level) + prev(slope), {move})",
)

CASES = (("level", LEVEL, (0.5, 0.1, 0.03, 0.01)), ("level and slope", SLOPE, (0.5, 0.1, 0.03)))
"""How far a state moves in a step, beside the noise."""


@dataclass(frozen=True)
class Run:
    """A fit, and the seconds that it took."""

    fit: FitResult
    seconds: float


def run(text: str, data: dict[str, object], without: tuple[str, ...] = ()) -> Run:
    model, began = compile_model(text=text), time.perf_counter()
    fit = model.fit(data, seed=1, without=without)
    return Run(fit, time.perf_counter() - began)


def simulate(text: str, move: float) -> dict[str, object]:
    """Series of one model."""
    rng = np.random.default_rng(1)
    slope = np.zeros((CHAINS, STEPS))
    if text is SLOPE:
        slope = np.cumsum(rng.normal(0, move / 5, (CHAINS, STEPS)), 1) + rng.normal(0, 0.5, (CHAINS, 1))
    level = np.cumsum(rng.normal(0, move, (CHAINS, STEPS)) + slope, 1) + rng.normal(0, 3, (CHAINS, 1))
    return {"y": rng.normal(level, 1).tolist()}


def main() -> None:
    run(LEVEL.format(move=1), {"y": [[0.1]]})  # what is loaded once
    for name, text, moves in CASES:
        for move in moves:
            data, written = simulate(text, move), text.format(move=move)
            exact, found = run(written, data), run(written, data, ("integrate",))
            pairs = [(found.fit.estimate(e.name), e) for e in exact.fit.estimates]
            mean = max(float(np.max(np.abs(ours.mean - e.mean) / e.sd)) for ours, e in pairs)
            sd = max(float(np.max(np.abs(ours.sd / e.sd - 1))) for ours, e in pairs)
            off = (found.fit.log_evidence or np.nan) - (exact.fit.log_evidence or np.nan)
            spread = (found.fit.log_evidence_mcse or np.nan) * found.fit.replicates**0.5
            (group,) = found.fit.groups
            warned = " ".join(warning.code for warning in found.fit.warnings)
            print(
                f"{name}, moves of {move}: closed form {exact.seconds:.1f} s; {group.particles} particles {found.seconds:.1f} s, "
                f"log Zhat sd {spread:.3f}, means {mean:.4f} sd, sds {sd:.1%}, log evidence {off:+.3f} {warned}",
                flush=True,
            )


if __name__ == "__main__":
    main()
