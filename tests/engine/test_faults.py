"""Hard numbers: what must come out right, and what must be refused or warned of, with the place named.

Seeds are fixed; bounds are 5 Monte Carlo standard errors, missed by a correct fit less than once in a million seeds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Stage
from qemppl.driver import compile_model
from qemppl.engine.step_sums import exponentiate
from qemppl.numerics.lazy import torch
from qemppl.result.fit import FitResult

RNG = np.random.default_rng(12)


def fit(model: str, seed: int = 1, **data: Any) -> FitResult:
    return compile_model(text=f"data {{ plate o; real y[o]; }} model {{ {model} }}").fit(data, seed=seed)


def refused(model: str, **data: Any) -> Diagnostic:
    with pytest.raises(DiagnosticsError) as caught:
        fit(model, **data)
    assert caught.value.stage is Stage.RESOURCE
    return caught.value.diagnostics[0]


def check_normal_mean(found: FitResult, y: np.ndarray, sigma: float) -> None:
    """The posterior of a normal mean under a prior so wide that it does not count."""
    estimate = found.estimate("mu")
    sd = sigma / np.sqrt(len(y))
    assert abs(estimate.mean - y.mean()) <= 5 * estimate.mcse + 0.01 * sd
    assert estimate.sd == pytest.approx(sd, rel=0.05)
    assert not found.warnings


def test_an_observation_that_no_particle_explains_is_named() -> None:
    problem = refused("real mu ~ normal(0, 1); plate o { y ~ uniform(mu, mu + 1); }", y=[0.5, 50.0])
    assert problem.code == "QEM802"
    assert "`y`[2]" in problem.message


def test_a_density_that_is_not_a_number_is_named() -> None:
    problem = refused("real x ~ normal(0, 1); plate o { y ~ normal(0, sqrt(x)); }", y=[0.5, 1.0])
    assert problem.code == "QEM801"
    assert "`y`[1]" in problem.message


def test_a_density_of_a_chain_that_is_not_a_number_is_named() -> None:
    model = "real s ~ normal(0, 1); chain t { real x ~ normal(prev(x), sqrt(s)) init normal(0, 1); y ~ normal(x, 1); }"
    with pytest.raises(DiagnosticsError, match=r"density of `x`\[2\] is not a number"):
        compile_model(text=f"data {{ chain t; real y[t]; }} model {{ {model} }}").fit({"y": [0.5, 1.0, 2.0]}, seed=1)


@pytest.mark.parametrize("far", [0.0, -1e6, -1e14, -3.5e83])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_log_factors_of_any_size_are_exponentiated(far: float, dtype: torch.dtype) -> None:
    terms = torch.tensor([[far, far, 3 * far - 800.0], [-torch.inf] * 3, [0.0, -1.0, -torch.inf]], dtype=torch.float64)
    out = torch.empty_like(terms, dtype=dtype)
    shift = exponentiate(terms.clone(), 1, out)
    torch.testing.assert_close(shift, torch.tensor([far, 0.0, 0.0], dtype=torch.float64), rtol=0, atol=0)
    expected = torch.tensor([[1.0, 1, 0], [0, 0, 0], [1, np.exp(-1), 0]], dtype=dtype)
    torch.testing.assert_close(out, expected, rtol=2e-4, atol=1e-30)


def test_a_walk_whose_prior_goes_to_rates_that_overflow_is_fitted() -> None:
    """exp of some of the first particles is beyond 1e80."""
    days = 40
    text = """
    data { chain t; int y[t]; } model { real drift ~ normal(0, 2); chain t {
      real x ~ normal(prev(x) + drift, 0.2) init normal(4, 1); y ~ poisson_log(x); } }
    """
    y = RNG.poisson(np.exp(4 + 0.01 * np.arange(days)))
    found = compile_model(text=text).fit({"y": y}, seed=1)
    assert abs(found.estimate("drift").mean - 0.01) < 0.1


def test_a_plate_without_members_is_refused() -> None:
    with pytest.raises(DiagnosticsError, match="QEM504") as caught:
        fit("real mu ~ normal(0, 1); plate o { y ~ normal(mu, 1); }", y=[])
    assert caught.value.stage is Stage.DATA


def test_an_observation_without_latents_only_adds_its_density() -> None:
    text = "data {{ plate o; real y[o]; real z[o]; }} model {{ real mu ~ normal(0, 1); plate o {{ y ~ normal(mu, 1); {} }} }}"
    data = {"y": [0.5, 1.0], "z": [0.3, -2.0]}
    extra, plain = (
        compile_model(text=text.format(statement)).fit(data, seed=1)
        for statement in ("z ~ student_t(4, 0, 1);", "z ~ flat();")
    )
    added = stats.t(4).logpdf(data["z"])
    assert extra.log_evidence == pytest.approx((plain.log_evidence or np.nan) + added.sum(), rel=1e-9)
    np.testing.assert_allclose(extra.log_likelihood["z"], np.tile(added, (4000, 1)))


def test_log_likelihoods_spread_over_a_billion_nats() -> None:
    y = RNG.normal(3, 0.01, 20_000)
    check_normal_mean(fit("real mu ~ normal(0, 10); plate o { y ~ normal(mu, 0.01); }", y=y), y, 0.01)


def test_a_mean_of_1e8_with_an_sd_of_1e_minus_3() -> None:
    y = 1e8 + 1e-3 * RNG.normal(size=50)
    check_normal_mean(fit("real mu ~ normal(1e8, 1); plate o { y ~ normal(mu, 0.001); }", y=y), y, 1e-3)


@pytest.mark.parametrize(
    "priors",
    [
        "real mu ~ normal(0, 1e6); real<lower=0> s ~ normal(0, 1e6);",
        "real mu ~ flat(); real<lower=0> s ~ student_t(3, 0, 10);",
    ],
)
def test_priors_that_say_nothing(priors: str) -> None:
    """The mean of a normal sample: its posterior is Student's t around the sample mean."""
    y = RNG.normal(1e4, 2, 50)
    found = fit(f"{priors} plate o {{ y ~ normal(mu, s); }}", y=y)
    estimate = found.estimate("mu")
    assert abs(estimate.mean - y.mean()) <= 5 * estimate.mcse + 0.01 * estimate.sd
    assert estimate.sd == pytest.approx(y.std(ddof=1) / np.sqrt(50), rel=0.15)
    assert (found.log_evidence is None) == ("flat" in priors)
    assert all(warning.severity.value == "note" for warning in found.warnings)


def test_data_that_the_prior_excludes_still_fit() -> None:
    """Prior normal(0, 1), one observation at 10,000 of scale 1: the posterior is normal(5,000, sqrt 1/2)."""
    found = fit("real mu ~ normal(0, 1); plate o { y ~ normal(mu, 1); }", y=[1e4])
    assert abs(found.estimate("mu").mean - 5e3) <= 5 * found.estimate("mu").mcse + 0.01
    assert found.estimate("mu").sd == pytest.approx(np.sqrt(0.5), rel=0.05)


def test_two_modes_are_both_found_and_doubt_is_said() -> None:
    found = fit("real mu ~ normal(0, 10); plate o { y ~ normal(mu^2, 1); }", y=[25.0])
    assert found.estimate("mu").sd == pytest.approx(5, rel=0.02)
    assert {warning.code for warning in found.warnings} >= {"QEM901"}


@pytest.mark.parametrize("particles", [1, 2])
def test_hardly_any_particles_never_pass_silently(particles: int) -> None:
    y = RNG.normal(0, 3, 8)
    text = (
        "data { plate o; real y[o]; } model { real mu ~ normal(0, 5); real<lower=0> tau ~ normal(0, 5);"
        "plate o { real t ~ normal(mu, tau); y ~ normal(t, 2); } }"
    )
    found = compile_model(text=text).fit({"y": y}, seed=1, particles=particles)
    assert np.isfinite([estimate.mean.sum() for estimate in found.estimates]).all()
    assert found.warnings


def test_single_precision_agrees() -> None:
    y = RNG.normal(1, 2, 40)
    text = "data { plate o; real y[o]; } model { real mu ~ normal(0, 5); real<lower=0> s ~ normal(0, 5); plate o { y ~ normal(mu, s); } }"
    double, single = (compile_model(text=text).fit({"y": y}, seed=1, dtype=dtype) for dtype in ("float64", "float32"))
    assert single.estimate("mu").mean == pytest.approx(double.estimate("mu").mean, abs=0.02)
    assert single.estimate("s").sd == pytest.approx(double.estimate("s").sd, rel=0.05)
