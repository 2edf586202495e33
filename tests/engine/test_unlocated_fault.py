from __future__ import annotations

from qemppl.compile.plan import make_plan
from qemppl.driver import compile_model
from qemppl.engine.evidence import Contraction
from qemppl.engine.faults import impossible
from qemppl.engine.qem import Sampler
from qemppl.engine.start import starting_proposals
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU


def test_an_evidence_of_zero_without_an_impossible_statement_is_still_said() -> None:
    model = compile_model(text="data { real y; } model { real a ~ normal(0, 1); y ~ normal(a, 1); }")
    plan = make_plan(model.bind({"y": 1.0})[0], CPU)
    generator = torch.Generator().manual_seed(1)
    step = Sampler(plan, Contraction(plan), generator).e_step(starting_proposals(plan, generator))
    assert [d.code for d in impossible(plan, step.particles)] == ["QEM803"]
