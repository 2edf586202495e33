"""python -m benchmarks.enumeration: what it saves to sum over the states of a discrete latent, on the occupancy model of the published
shape (6 years, 12 birds, 200 sites, 5 visits).

Prints seconds of an E-step, with its weights, and the sd of log Zhat at the fitted posterior, for the presence of birds summed over and
`sampled`. Every group has 30 particles.
"""

from __future__ import annotations

import time
from statistics import median, stdev

from benchmarks.performance.cases import HERE, occupancy
from qemppl.compile.plan import Plan
from qemppl.driver import Settings, compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.qem import Adaptation, Sampler, adapt
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch

PARTICLES, ITERATIONS, REPLICATES, SITES = 30, 40, 20, 200


def measure(plan: Plan) -> tuple[float, float, float]:
    """Seconds of an E-step, and the mean and sd of log Zhat, after ITERATIONS."""
    sampler = Sampler(plan, Contraction(plan), torch.Generator().manual_seed(1))
    with torch.inference_mode():
        state = adapt(sampler, Adaptation(starting_proposals(plan, sampler.generator)), ITERATIONS, lambda _: None)
        seconds, found = [], []
        for _ in range(REPLICATES):
            began = time.perf_counter()
            weighted = sampler.weigh(sampler.e_step(state.proposals))
            seconds.append(time.perf_counter() - began)
            found.append(weighted.evidence.log_z.item())
    return median(seconds), sum(found) / REPLICATES, stdev(found)


def main() -> None:
    text = (HERE / "models" / "occupancy.qem").read_text(encoding="utf-8")
    for how, model in (
        ("summed over", text),
        ("sampled", text.replace("int<lower=0, upper=1> present", "sampled int<lower=0, upper=1> present")),
    ):
        plan = compile_model(text=model).plan(occupancy(SITES), Settings(particles=PARTICLES))
        seconds, mean, sd = measure(plan)
        print(f"presence {how}: {seconds:.3f} s an E-step, log Zhat {mean:.2f}, sd {sd:.3f}", flush=True)


if __name__ == "__main__":
    main()
