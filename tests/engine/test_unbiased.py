"""E[Zhat] is the evidence for every K.

2,000 independent E-steps from the starting Q (K = 4, far from the posterior). The mean of Zhat / Z lies within 4.5 of its standard
errors of 1; the bound fails by chance less than once in 100,000 seeds, and the seed is fixed.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from qemppl.compile.plan import make_plan
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.qem import Sampler
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

TEXT = "data { plate g; real y[g]; } model { real mu ~ normal(0, 1); plate g { real z ~ normal(mu, 1); y ~ normal(z, 1); } }"


def test_evidence_is_unbiased_at_four_particles() -> None:
    y = np.array([0.3, -1.1, 0.8])
    exact = stats.multivariate_normal(np.zeros(3), 2 * np.eye(3) + np.ones((3, 3))).logpdf(y)
    plan = make_plan(compile_model(text=TEXT).bind({"y": y})[0], CPU, particles=4)
    generator = torch.Generator().manual_seed(11)
    sampler = Sampler(plan, Contraction(plan), generator)
    proposals = starting_proposals(plan, generator)
    ratios = np.exp([float(sampler.weigh(sampler.e_step(proposals)).evidence.log_z) - exact for _ in range(2000)])
    assert abs(ratios.mean() - 1) < 4.5 * ratios.std() / np.sqrt(len(ratios))
    assert ratios.std() > 0.05  # there is something to average
