"""What a fitted posterior is worth: on data that were held out, and beside a long NUTS run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.paper.curves import Curve
from benchmarks.paper.experiments import MEMORY, Experiment
from qemppl.compile.layout import Target
from qemppl.engine.draws import pick
from qemppl.engine.joint import JointProgram, compile_joint
from qemppl.engine.particles import Particles, Proposal
from qemppl.engine.qem import Weighted

REPLICATES, DRAWS = 8, 128
"""E-steps that are pooled by their evidence, and joint draws of each."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Worth:
    """predictive: log of the mean likelihood of held-out data over joint draws, nats. error: squared distance of means from the
    reference, in its sd, the mean over all latents and their members."""

    predictive: float
    error: float


@dataclass(frozen=True)
class Judge:
    """test: the model on held-out data and DRAWS joint draws. mean, sd: of the reference, by latent."""

    test: JointProgram
    mean: Mapping[str, Floats]
    sd: Mapping[str, Floats]

    @classmethod
    def of(cls, experiment: Experiment) -> Judge:
        bound, reference = experiment.bind("test"), experiment.reference()
        mean, sd = ({name: np.ravel(row[key]) for name, row in reference.items()} for key in ("mean", "sd"))
        program = compile_joint(bound, Target(torch.float64, "cpu", MEMORY), DRAWS)
        return cls(program, mean, sd)

    @torch.inference_mode()
    def worth(self, curve: Curve, proposals: Sequence[Proposal]) -> Worth:
        """Of Q, weighted: E-steps under it, with the method's own particles."""
        log_z, likelihoods, means = [], [], []
        for _ in range(REPLICATES):
            step = curve.sampler.e_step(proposals)
            weighted = curve.sampler.weigh(step)
            drawn = pick(step.particles, curve.plan, curve.sampler.draw_indices(weighted, DRAWS))
            log_z.append(weighted.evidence.log_z.item())
            likelihoods.append(self.test.log_likelihood(drawn).numpy())
            means.append(self._means(curve, step.particles, weighted))
        log_share = np.array(log_z) - np.logaddexp.reduce(log_z)
        pooled = {name: np.exp(log_share) @ np.stack([found[name] for found in means]) for name in self.mean}
        away = np.concatenate([(pooled[name] - mean) / self.sd[name] for name, mean in self.mean.items()])
        by_draw = np.stack(likelihoods) + log_share[:, None] - log(DRAWS)
        return Worth(float(np.logaddexp.reduce(by_draw, axis=None)), float(np.square(away).mean()))

    def _means(self, curve: Curve, particles: Particles, weighted: Weighted) -> dict[str, Floats]:
        """Weighted means of the latents that the reference has, flat."""
        found = {}
        for group in curve.plan.groups:
            weight = weighted.weights[group.name]
            for name in [part.variable.name for part in group.parts if part.variable.name in self.mean]:
                values = particles.values[name]
                found[name] = (
                    (weight.reshape(*weight.shape, *(1,) * (values.dim() - 2)) * values).sum(1).numpy().ravel()
                )
        return found
