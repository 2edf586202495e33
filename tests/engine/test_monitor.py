"""Each warning of a fit: when it is given, and what it names."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from qemppl.compile.plan import Plan, make_plan
from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.driver import compile_model
from qemppl.engine.joint import Joint
from qemppl.engine.monitor import warnings
from qemppl.engine.pool import GroupTail, Moments, Report
from qemppl.engine.pooling import Pooling, Rule
from qemppl.engine.qem import Adaptation, Iteration
from qemppl.numerics.lazy import torch
from tests.engine.targets import CPU

TEXT = """data {{ plate g; vector[2] x[g]; real y[g]; }}
model {{
  real mu ~ {prior};
  plate g {{ vector[2] b ~ normal(mu, 1); real e = exp(dot_product(b, x)); y ~ normal(log(e), 1); }}
}}
"""
LABELS = ["Oslo", "Rome", "Wien"]
TOLERANCE = 0.05
REPLICATES = 200


def plan(prior: str = "normal(0, 1)") -> Plan:
    data = {"g": LABELS, "x": [[1.0, 2.0], [0.5, 1.0], [0.0, 1.0]], "y": [0.1, 0.2, 0.3]}
    return make_plan(compile_model(text=TEXT.format(prior=prior)).bind(data)[0], CPU)


PLAN = plan()
GOOD_ADAPTATION = Adaptation((), [Iteration(-3.0, 1.0, (0.9, 0.9))], largest_beta=1.0, stop_reason="settled")
GOOD_JOINT = Joint({"e": torch.ones(10, 3)}, {}, torch.zeros(10), torch.zeros(10), torch.zeros(10))


def moments(*shape: int) -> Moments:
    return Moments(torch.zeros(shape), torch.ones(shape), torch.full(shape, 0.01), torch.full(shape, 0.01))


def good_report() -> Report:
    shapes = {group.name: 1 if group.plate is None else len(LABELS) for group in PLAN.groups}
    return Report(
        log_z=torch.zeros(REPLICATES, dtype=torch.float64),
        pooling=Pooling(Rule.BY_EVIDENCE, torch.full((REPLICATES,), 1 / REPLICATES), khat=0.1),
        moments={"mu": moments(1), "b": moments(3, 2)},
        tails={name: GroupTail(torch.full((n,), 900.0), torch.zeros(n), 1000) for name, n in shapes.items()},
        draws={},
        worst_error=0.01,
    )


def found(
    adaptation: Adaptation = GOOD_ADAPTATION, report: Report | None = None, joint: Joint = GOOD_JOINT
) -> tuple[Diagnostic, ...]:
    return warnings(PLAN, adaptation, report or good_report(), joint.definitions, TOLERANCE)


def only(diagnostics: tuple[Diagnostic, ...]) -> tuple[str, str]:
    (warning,) = diagnostics
    assert warning.severity is Severity.WARNING
    assert warning.notes
    assert warning.hint
    return warning.code, warning.message


def group_of(latent: str) -> str:
    return next(g.name for g in PLAN.groups if any(part.variable.name == latent for part in g.parts))


def test_a_good_fit_has_none() -> None:
    assert found() == ()


def test_a_trust_region_that_stayed_small() -> None:
    code, message = only(found(replace(GOOD_ADAPTATION, largest_beta=0.01)))
    assert code == "QEM901"
    assert "0.01" in message
    assert "0.5 at least is needed" in message


def test_an_evidence_that_still_moves() -> None:
    adaptation = replace(GOOD_ADAPTATION, stop_reason="reached the largest number of iterations")
    assert only(found(adaptation))[0] == "QEM902"


def test_replicates_that_cannot_be_weighed() -> None:
    code, message = only(
        found(report=replace(good_report(), pooling=replace(good_report().pooling, rule=Rule.EQUAL, khat=0.93)))
    )
    assert code == "QEM903"
    assert "0.93" in message


def test_the_noisiest_mean_is_named_and_the_others_counted() -> None:
    noisy = replace(moments(3, 2), mcse=torch.tensor([[0.01, 0.02], [0.03, 0.3], [0.1, 0.01]]))
    report = replace(good_report(), moments={"mu": moments(1), "b": noisy}, worst_error=0.3)
    (warning,) = found(report=report)
    assert warning.code == "QEM904"
    assert "b[Rome,2]" in warning.message
    assert warning.notes[0] == "2 of 7 numbers miss it; this is the worst"


def test_a_constant_has_no_noise() -> None:
    constant = Moments(torch.ones(1), torch.zeros(1), torch.zeros(1), torch.zeros(1))
    assert constant.noise.tolist() == [0.0]


@pytest.mark.parametrize(("latent", "where"), [("mu", ""), ("b", " at g Rome, Wien")])
def test_a_heavy_tail_is_located(latent: str, where: str) -> None:
    report = good_report()
    name = group_of(latent)
    khat = torch.tensor([0.1, 0.9, 1.2]) if latent == "b" else torch.tensor([1.2])
    tails = {**report.tails, name: replace(report.tails[name], khat=khat)}
    code, message = only(found(report=replace(report, tails=tails)))
    assert code == "QEM905"
    assert f"of {latent}{where} have" in message
    assert "1.20" in message


def test_few_effective_particles_are_counted() -> None:
    report = good_report()
    name = group_of("b")
    tails = {**report.tails, name: replace(report.tails[name], ess=torch.tensor([900.0, 20.0, 900.0]))}
    code, message = only(found(report=replace(report, tails=tails)))
    assert code == "QEM951"
    assert "2.0% of the particles of b at g Rome are effective" in message


def test_warnings_of_the_whole_fit_name_its_weakest_member() -> None:
    report = good_report()
    tails = {
        **report.tails,
        group_of("b"): replace(report.tails[group_of("b")], ess=torch.tensor([900.0, 800.0, 150.0])),
    }
    adaptation = replace(GOOD_ADAPTATION, largest_beta=0.01, stop_reason="reached the largest number of iterations")
    pooling = replace(report.pooling, rule=Rule.EQUAL, khat=0.93)
    diagnostics = found(adaptation, replace(report, tails=tails, pooling=pooling))
    assert [warning.code for warning in diagnostics] == ["QEM901", "QEM902", "QEM903"]
    for warning in diagnostics:
        assert "fewest effective particles: 15.0%, of b at g Wien" in warning.notes


def test_a_mean_that_is_not_finite_is_located() -> None:
    e = torch.tensor([[1.0, math.inf, 2.0], [1.0, 1.0, math.nan]])
    code, message = only(found(joint=replace(GOOD_JOINT, definitions={"e": e})))
    assert code == "QEM952"
    assert "e[Rome]" in message
    assert "2 of 3" in message


def test_an_improper_prior_is_a_note() -> None:
    improper = plan("flat()")
    (note,) = warnings(improper, GOOD_ADAPTATION, good_report(), GOOD_JOINT.definitions, TOLERANCE)
    assert (note.code, note.severity) == ("QEM906", Severity.NOTE)
