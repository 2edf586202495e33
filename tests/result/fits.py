"""Hand-made fits: small, exact, with every feature that a result can have."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from qemppl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qemppl.diagnostics.source import Source, Span
from qemppl.result.fit import Array, Estimate, FitResult, GroupReport, PlateAxis, Provenance, Trace, Variable

DRAWS = 400
ITERATIONS = 12
MODEL = "data { plate county; plate house in county by county_idx; real y[house]; }\nmodel { }\n"


def estimate(name: str, plate: str | None, shape: tuple[int, ...], seed: int) -> Estimate:
    """Normal draws, with moments taken from them."""
    draws = np.random.default_rng(seed).normal(size=(DRAWS, *shape))
    sd = np.asarray(draws.std(axis=0, ddof=1))
    return Estimate(
        name,
        plate,
        mean=np.asarray(draws.mean(axis=0)),
        sd=sd,
        mcse=np.asarray(sd / 40),
        ess=np.full(shape, 1600.0),
        khat=np.full(shape, 0.2),
        draws=draws,
    )


def nested_fit() -> FitResult:
    """Counties and houses: a ragged plate, labels that two counties share, vectors and matrices, a warning that points at the model."""
    county = PlateAxis("county", ("Hennepin", "Lac qui Parle", "Anoka-Süd"), labelled=True)
    house = PlateAxis("house", ("1", "2", "1", "1"), "county", np.array([0, 0, 1, 2]))
    source = Source("model.qem", MODEL)
    warning = Diagnostic(
        "QEM100",
        Severity.NOTE,
        "a remark",
        Span(source, 0, 4),
        labels=(Label(Span(source, 7, 12), "declared here"),),
        notes=("a note",),
        hint="a hint",
    )
    return FitResult(
        model_text=MODEL,
        plates=(county, house),
        estimates=(
            estimate("mu", None, (), 1),
            estimate("a", "county", (3,), 2),
            estimate("b", "house", (4, 2), 3),
            estimate("m", None, (2, 3), 4),
        ),
        observed_data={"y": Variable("house", np.array([1.5, math.nan, 3.0, 4.0]))},
        constant_data={
            "county_idx": Variable("house", np.array([0, 0, 1, 2])),
            "x": Variable("county", np.arange(6.0).reshape(3, 2)),
            "n": Variable(None, np.array(3)),
        },
        log_evidence=-12.25,
        log_evidence_mcse=0.034,
        elbo=-12.5,
        replicate_khat=0.1,
        replicates=200,
        iterations=ITERATIONS,
        stop_reason="every mean is settled to 0.05 posterior sd",
        seconds=0.75,
        trace=_trace(2),
        groups=(
            GroupReport("mu", None, ("mu", "m"), "multivariate_normal", 64, 0.9, 0.1, np.arange(56.0)[None]),
            GroupReport("a", "county", ("a",), "normal", 16, 0.8, math.nan, np.ones((3, 2))),
        ),
        warnings=(warning,),
        log_likelihood={"y": np.random.default_rng(5).normal(size=(DRAWS, 4))},
        log_prior=_by_draw(6),
        lp=_by_draw(7),
        lp_approx=_by_draw(8),
        provenance=Provenance(
            version="0.1.0",
            created_at="2026-01-02T03:04:05+00:00",
            seed=2**62,
            dtype="float64",
            device="cpu",
            data_hash="ab" * 32,
            settings={"particles": None, "tolerance": 0.05, "max_iterations": 500, "draws": DRAWS, "memory": None},
        ),
    )


def plain_fit(*estimates: Estimate, plates: tuple[PlateAxis, ...] = ()) -> FitResult:
    """A fit of nothing but these estimates: no data, no warnings."""
    return replace(
        nested_fit(),
        plates=plates,
        estimates=estimates,
        observed_data={},
        constant_data={},
        log_likelihood={},
        groups=(),
        trace=_trace(0),
        warnings=(),
    )


def _trace(groups: int) -> Trace:
    return Trace(
        np.linspace(-50, -12.5, ITERATIONS), np.linspace(0.1, 1, ITERATIONS), np.full((groups, ITERATIONS), 0.5)
    )


def _by_draw(seed: int) -> Array:
    return np.random.default_rng(seed).normal(size=DRAWS)
