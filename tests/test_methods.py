"""Methods to compare with, through the driver: closed forms, refusals, and what each of them is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from qemppl.diagnostics.diagnostic import DiagnosticsError
from qemppl.driver import compile_model
from tests.cli.process import child
from tests.engine.truth import check_evidence, check_moments

TEXT = """
data { plate g; real y[g]; }
model { real mu ~ normal(0, 2); plate g { real theta ~ normal(mu, 1.5); y ~ normal(theta, 1); } }
"""
Y = np.array([1.0, 2.5, -0.3, 0.8, 1.9, 3.0])
MIXTURE = """
data { plate g; real y[g]; }
model { real m ~ normal(0, 1); plate g { int<lower=0, upper=1> z ~ bernoulli(0.3); y ~ normal(m + 2 * z, 0.5); } }
"""
EVIDENCE = float(stats.multivariate_normal(np.zeros(6), 3.25 * np.eye(6) + 4 * np.ones((6, 6))).logpdf(Y))


def fit(**options: Any) -> Any:
    return compile_model(text=TEXT).fit({"y": Y}, seed=1, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"method": "rws", "max_iterations": 200},
        {"method": "vi", "max_iterations": 200},
        {"method": "is", "particles": 4000},
    ],
    ids=lambda options: options["method"],
)
def test_finds_a_posterior_known_in_closed_form(options: dict[str, Any]) -> None:
    found = fit(**options)
    covariance = 3.25 * np.eye(6) + 4 * np.ones((6, 6))
    gain = 4 * np.linalg.solve(covariance, np.ones(6))
    check_moments(found, "mu", np.array(gain @ Y), np.array(np.sqrt(4 - 4 * gain.sum())))
    check_evidence(found, EVIDENCE)
    assert found.provenance.settings["method"] == options["method"]


def test_plain_reports_one_e_step_and_its_evidence_is_a_bound_on_average() -> None:
    """The mean of log Zhat over the last 100 iterations lies below the log evidence, within 0.3 nats here."""
    found = fit(method="plain", max_iterations=300)
    assert found.replicates == 1
    assert found.log_evidence_mcse is None
    assert all(np.isnan(row.mcse) for row in found.summary())
    last = found.trace.elbo[-100:].mean()
    assert EVIDENCE - 0.3 < last < EVIDENCE + 4 * found.trace.elbo[-100:].std() / 10
    assert set(found.trace.beta) == {1.0}


def test_a_constant_step_of_plain() -> None:
    """Its Q keeps moving with the noise of an iteration; that of a decaying step does not."""

    def shift(**options: Any) -> float:
        fits = [fit(method="plain", max_iterations=count, **options) for count in (60, 61)]
        means = [next(g for g in found.groups if g.name == "mu").mean_parameters for found in fits]
        return float(np.abs(np.ravel(means[0]) - np.ravel(means[1])).max())

    assert shift(step=0.9) > 5 * shift()


@pytest.mark.parametrize("method", ["vi", "is"])
def test_discrete_latents_are_refused(method: str) -> None:
    with pytest.raises(DiagnosticsError, match=r"QEM510.*z is a discrete latent"):
        compile_model(text=MIXTURE).fit({"y": Y}, seed=1, method=method)
    assert compile_model(text=MIXTURE).fit({"y": Y}, seed=1, method="rws", max_iterations=60).log_evidence is not None


@pytest.mark.parametrize(
    "options", [{"method": "advi"}, {"step": 0.1}, {"method": "plain", "step": 1.5}, {"method": "rws", "step": 0}]
)
def test_settings_that_mean_nothing(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"method|step"):
        fit(**options)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--plain", "--method", "vi"), "--plain is a form of qem"),
        (("--step", "0.1"), "--step is of plain"),
        (("--method", "rws", "--resume", "kept"), "cannot be resumed"),
    ],
)
def test_usage_errors(arguments: tuple[str, ...], said: str) -> None:
    done = child("fit", "examples/eight_schools/model.qem", "examples/eight_schools/data.json", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("method", ["plain", "rws", "is"])
def test_what_cannot_be_is_located_by_every_method(method: str) -> None:
    """An outcome that no value explains, and a density that is not a number."""
    impossible = "data { real y; } model { real<lower=0, upper=1> m ~ uniform(0, 1); y ~ uniform(0, m); }"
    undefined = "data { real y; } model { real m ~ normal(0, 1); y ~ normal(0, sqrt(m)); }"
    for text, code in ((impossible, "QEM802"), (undefined, "QEM801")):
        with pytest.raises(DiagnosticsError) as caught:
            compile_model(text=text).fit({"y": 3.0}, seed=1, method=method)
        (problem,) = caught.value.diagnostics
        assert (problem.code, "`y`" in problem.message) == (code, True)
