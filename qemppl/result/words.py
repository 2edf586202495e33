"""Diagnostics in words: which number, how large, what is allowed, why, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.result.fit import Array, Estimate, FitResult
from qemppl.result.names import element_names

ESS_FRACTION_LIMIT = 0.1
"""Below it the particles of a group are carried by a few of them."""
NOISY_MEAN = "QEM904"
"""The engine's warning that a mean is noisier than asked for."""


def diagnose(fit: FitResult) -> tuple[Diagnostic, ...]:
    """What the engine warned of, located in the model, then what the numbers say. Empty: nothing is known to be wrong."""
    warnings = (_located(fit, warning) if warning.code == NOISY_MEAN else warning for warning in fit.warnings)
    return (*warnings, *_groups(fit), *_not_finite(fit))


def failed(findings: Sequence[Diagnostic]) -> bool:
    """Whether a finding is more than a note: what `--strict` refuses."""
    return any(finding.severity is not Severity.NOTE for finding in findings)


def _located(fit: FitResult, warning: Diagnostic) -> Diagnostic:
    """The warning with the name of the noisiest mean, and how many others are too noisy."""
    noise = {estimate.name: _noise(estimate) for estimate in fit.estimates if estimate.mean.size}
    worst = max(noise, key=lambda name: float(noise[name].max()))
    where = element_names(fit, fit.estimate(worst))[int(np.argmax(noise[worst]))]
    tolerance = float(fit.provenance.settings["tolerance"] or 0)
    missed = sum(int((ratio > tolerance).sum()) for ratio in noise.values())
    total = sum(ratio.size for ratio in noise.values())
    return replace(
        warning, where=where, notes=(*warning.notes, f"{missed} of {total} means miss it; this is the worst")
    )


def _noise(estimate: Estimate) -> Array:
    """Monte Carlo error of the mean in posterior sd; 0 for a constant."""
    ratio = np.divide(estimate.mcse, estimate.sd, out=np.zeros_like(estimate.mcse), where=estimate.sd > 0)
    return np.nan_to_num(ratio, nan=0.0, posinf=np.inf)


def _groups(fit: FitResult) -> Iterator[Diagnostic]:
    for group in fit.groups:
        if group.ess_fraction < ESS_FRACTION_LIMIT:
            yield Diagnostic(
                "QEM951",
                Severity.WARNING,
                f"{group.ess_fraction:.1%} of {group.particles} particles are effective; {ESS_FRACTION_LIMIT:.0%} are needed",
                where=", ".join(group.latents),
                notes=(f"the fitted {group.family} family is far from the posterior",),
                hint="choose another family with `approx`, or use more --particles",
            )


def _not_finite(fit: FitResult) -> Iterator[Diagnostic]:
    for estimate in fit.estimates:
        broken = ~np.isfinite(estimate.mean)
        if broken.any():
            yield Diagnostic(
                "QEM952",
                Severity.WARNING,
                f"the mean is not finite ({int(broken.sum())} of {broken.size} values of {estimate.name})",
                where=element_names(fit, estimate)[int(np.argmax(broken))],
                notes=("the density, or a function of the model, overflows or is undefined on part of the posterior",),
                hint="check the ranges of the priors, and functions such as exp, log and / in the model",
            )
