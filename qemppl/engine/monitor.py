"""What a fit says about itself: warnings with the number, the threshold, the cause and the next action."""

from __future__ import annotations

from qemppl.compile.plan import Plan
from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.distributions.registry import LAWS
from qemppl.engine.pool import GroupTail, Report
from qemppl.engine.qem import Adaptation
from qemppl.ir.model import ModelIR
from qemppl.numerics.pareto import threshold

BETA_REACHED = 0.99
MEMBERS_NAMED = 3


def warnings(plan: Plan, adaptation: Adaptation, report: Report, tolerance: float) -> list[Diagnostic]:
    """Everything about the fit that its user should know."""
    found = [*_adaptation(adaptation), *_replicates(report, tolerance)]
    for name, tail in report.tails.items():
        found.extend(_group(plan, name, tail))
    if is_improper(plan.bound.ir):
        found.append(_diagnostic("QEM906", Severity.NOTE, "a prior is improper, so the evidence is not defined", ()))
    return found


def is_improper(ir: ModelIR) -> bool:
    """Whether some latent has an improper prior."""
    return any(LAWS[variable.law].improper for variable in ir.latents)


def _adaptation(adaptation: Adaptation) -> list[Diagnostic]:
    found = []
    beta = max(line.beta for line in adaptation.history[-10:])
    if beta < BETA_REACHED:
        found.append(
            _diagnostic(
                "QEM901",
                Severity.WARNING,
                f"the fitted posterior never carried the full weights: the trust region stopped at {beta:.2g}, and 1 is needed",
                ("the posterior is far from the families chosen for it, or the model has too few particles",),
                "use more --particles, and look at the model for latents that the data leave free",
            )
        )
    if adaptation.stop_reason == "reached the largest number of iterations":
        found.append(
            _diagnostic(
                "QEM902",
                Severity.WARNING,
                f"the evidence was still moving after {len(adaptation.history)} iterations",
                (),
                "allow more with --max-iterations",
            )
        )
    return found


def _replicates(report: Report, tolerance: float) -> list[Diagnostic]:
    limit = threshold(report.replicates)
    if report.fell_back:
        return [
            _diagnostic(
                "QEM903",
                Severity.WARNING,
                f"the evidence varies too much between replicates to weigh them: k-hat {report.khat:.2f}, at most {limit:.2f} "
                f"is reliable; they were averaged with equal weights",
                (f"sd of log Zhat: {float(report.log_z.std()):.2f}",),
                "use more --particles",
            )
        ]
    if report.worst_mcse > tolerance:
        return [
            _diagnostic(
                "QEM904",
                Severity.WARNING,
                f"a mean has a Monte Carlo error of {report.worst_mcse:.3f} posterior sd after {report.replicates} replicates; "
                f"{tolerance:g} was asked for",
                (),
                "use more --particles, or accept a larger --tolerance",
            )
        ]
    return []


def _group(plan: Plan, name: str, tail: GroupTail) -> list[Diagnostic]:
    """Particles whose weights have too heavy a tail."""
    limit = threshold(tail.particles)
    bad = (tail.khat > limit).nonzero().flatten().tolist()
    if not bad:
        return []
    group = next(group for group in plan.groups if group.name == name)
    latents = ", ".join(part.variable.name for part in group.parts)
    where = ""
    if group.plate is not None:
        labels = [plan.bound.members[group.plate].labels[i] for i in bad[:MEMBERS_NAMED]]
        more = f" and {len(bad) - MEMBERS_NAMED} more" if len(bad) > MEMBERS_NAMED else ""
        where = f" at {group.plate} {', '.join(labels)}{more}"
    worst = float(tail.khat.max())
    return [
        _diagnostic(
            "QEM905",
            Severity.WARNING,
            f"the importance weights of {latents}{where} have too heavy a tail: k-hat {worst:.2f}, at most {limit:.2f} is reliable",
            ("its posterior has heavier tails than the family fitted to it",),
            "choose another family with `approx`, or use more --particles",
        )
    ]


def _diagnostic(
    code: str, severity: Severity, message: str, notes: tuple[str, ...], hint: str | None = None
) -> Diagnostic:
    return Diagnostic(code=code, severity=severity, message=message, notes=notes, hint=hint)
