from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.result.fit import FitResult
from qemppl.result.words import diagnose, failed
from tests.result.fits import nested_fit


def only(fit: FitResult) -> Diagnostic:
    (finding,) = (finding for finding in diagnose(fit) if finding.code != "QEM100")
    assert finding.severity is Severity.WARNING
    assert finding.notes
    assert finding.hint
    return finding


def test_a_good_fit_has_only_the_remarks_of_the_engine() -> None:
    findings = diagnose(nested_fit())
    assert findings == nested_fit().warnings
    assert not failed(findings)


def test_few_effective_particles_are_counted() -> None:
    fit = nested_fit()
    finding = only(replace(fit, groups=(replace(fit.groups[0], ess_fraction=0.02), fit.groups[1])))
    assert finding.where == "mu, m"
    assert "2.0% of 64 particles" in finding.message


def test_a_noisy_mean_is_named() -> None:
    fit = nested_fit()
    mcse = fit.estimate("b").sd * np.array([[0.01, 0.02], [0.03, 0.04], [0.3, 0.01], [0.1, 0.01]])
    constant = replace(fit.estimate("mu"), sd=np.array(0.0), mcse=np.array(0.0))
    estimates = tuple({"b": replace(e, mcse=mcse), "mu": constant}.get(e.name, e) for e in fit.estimates)
    warning = Diagnostic("QEM904", Severity.WARNING, "a mean is noisy", hint="more particles")
    finding = only(replace(fit, estimates=estimates, warnings=(warning,)))
    assert finding.where == "b[Lac qui Parle,1,1]"
    assert finding.notes == ("2 of 18 means miss it; this is the worst",)
    assert failed(diagnose(replace(fit, warnings=(warning,))))


def test_a_mean_that_is_not_finite_is_located() -> None:
    fit = nested_fit()
    a = replace(fit.estimate("a"), mean=np.array([1.0, math.nan, 2.0]))
    assert only(replace(fit, estimates=(a,))).where == "a[Lac qui Parle]"
