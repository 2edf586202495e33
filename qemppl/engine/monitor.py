"""What a fit says about itself: warnings with the number, the threshold, the cause and the next action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qemppl.compile.groups import Group
from qemppl.compile.plan import Plan
from qemppl.data.bound import BoundModel
from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.distributions.registry import LAWS
from qemppl.engine.pool import GroupTail, Report
from qemppl.engine.qem import EXHAUSTED, Adaptation
from qemppl.ir.model import ModelIR
from qemppl.numerics.lazy import torch
from qemppl.numerics.pareto import threshold

BETA_REACHED = 0.5
LEAST_ESS = 0.1
"""As a fraction of a group's particles; below it a few of them carry the group."""
MEMBERS_NAMED = 3


def warnings(
    plan: Plan,
    adaptation: Adaptation,
    report: Report,
    computed: Mapping[str, torch.Tensor],
    tolerance: float,
) -> tuple[Diagnostic, ...]:
    """Everything about the fit that its user should know. computed: deterministic names and generated quantities on joint draws."""
    found = [*_adaptation(plan, adaptation, report), *_replicates(plan, report, tolerance)]
    for group in plan.groups:
        tail = report.tails[group.name]
        found += [*_heavy_tail(plan.bound, group, tail), *_few_effective(plan.bound, group, tail)]
    found += _not_finite(plan.bound, report, computed)
    if is_improper(plan.bound.ir):
        found.append(_diagnostic("QEM906", Severity.NOTE, "a prior is improper, so the evidence is not defined", ()))
    return tuple(found)


def is_improper(ir: ModelIR) -> bool:
    """Whether some latent has an improper prior."""
    return any(LAWS[variable.law].improper for variable in ir.latents)


def _adaptation(plan: Plan, adaptation: Adaptation, report: Report) -> list[Diagnostic]:
    found = []
    beta = adaptation.largest_beta
    if beta < BETA_REACHED:
        found.append(
            _diagnostic(
                "QEM901",
                Severity.WARNING,
                f"the fitted posterior never carried the full weights: the trust region stopped at {beta:.2g}, and "
                f"{BETA_REACHED:g} at least is needed",
                (
                    _weakest(plan, report),
                    "the posterior is far from the families chosen for it, or has several modes, or there are too few particles",
                ),
                "look with --starts 4 for several modes, use more --particles, and look at the model for latents that the data leave free",
            )
        )
    if adaptation.stop_reason == EXHAUSTED:
        count = len(adaptation.history)
        found.append(
            _diagnostic(
                "QEM902",
                Severity.WARNING,
                f"the evidence was still moving after {count} iterations, and {count} were allowed",
                (
                    _weakest(plan, report),
                    "the start is far from the posterior, or latents that determine each other move slowly",
                ),
                "allow more with --max-iterations",
            )
        )
    return found


def _replicates(plan: Plan, report: Report, tolerance: float) -> list[Diagnostic]:
    bound = plan.bound
    limit = threshold(report.replicates)
    if report.fell_back:
        return [
            _diagnostic(
                "QEM903",
                Severity.WARNING,
                f"the evidence varies too much between replicates to weigh them: k-hat {report.khat:.2f}, at most {limit:.2f} "
                f"is reliable; they were averaged with equal weights",
                (
                    f"sd of log Zhat: {float(report.log_z.std()):.2f}",
                    _weakest(plan, report),
                    "a few replicates meet what the others miss: too few particles, or a family far from the posterior",
                ),
                "use more --particles, or another family with `approx`",
            )
        ]
    if report.worst_error > tolerance:
        sampled = [part.variable.name for group in plan.groups for part in group.parts]
        noise = {name: report.moments[name].noise for name in sampled}
        worst = max(noise, key=lambda name: float(noise[name].max()))
        missed = sum(int((ratio > tolerance).sum()) for ratio in noise.values())
        total = sum(ratio.numel() for ratio in noise.values())
        return [
            _diagnostic(
                "QEM904",
                Severity.WARNING,
                f"the mean or sd of {element(bound, worst, noise[worst].argmax(), noise[worst].shape)} has a Monte Carlo error of "
                f"{report.worst_error:.3f} posterior sd after {report.replicates} replicates; {tolerance:g} was asked for",
                (
                    f"{missed} of {total} numbers miss it; this is the worst",
                    "its posterior is wide beside what one replicate sees of it: heavy tails, or few effective particles",
                ),
                "use more --particles, or accept a larger --tolerance",
            )
        ]
    return []


def _heavy_tail(bound: BoundModel, group: Group, tail: GroupTail) -> list[Diagnostic]:
    """Particles whose weights have too heavy a tail."""
    limit = threshold(tail.particles)
    bad = tail.heavy.nonzero().flatten().tolist()
    if not bad:
        return []
    worst = float(tail.khat.max())
    return [
        _diagnostic(
            "QEM905",
            Severity.WARNING,
            f"the importance weights of {_latents(group)}{_at(bound, group, bad)} have too heavy a tail: k-hat {worst:.2f}, at most "
            f"{limit:.2f} is reliable",
            ("its posterior has heavier tails than the family fitted to it",),
            "choose another family with `approx`, or use more --particles",
        )
    ]


def _few_effective(bound: BoundModel, group: Group, tail: GroupTail) -> list[Diagnostic]:
    """Particles of which a few have nearly all the weight."""
    fraction = tail.ess / tail.particles
    few = (fraction < LEAST_ESS).nonzero().flatten()
    if not len(few):
        return []
    few = few[fraction[few].argsort()]
    return [
        _diagnostic(
            "QEM951",
            Severity.WARNING,
            f"{float(fraction.min()):.1%} of the particles of {_latents(group)}{_at(bound, group, few.tolist())} are effective; "
            f"{LEAST_ESS:.0%} are needed",
            (f"the fitted {group.family.name} family is far from the posterior",),
            "choose another family with `approx`, or use more --particles",
        )
    ]


def _not_finite(bound: BoundModel, report: Report, computed: Mapping[str, torch.Tensor]) -> list[Diagnostic]:
    """Means that overflow or are undefined: of latents, and of what is computed from the joint draws."""
    means = {name: moments.mean for name, moments in report.moments.items()}
    means |= {name: values.mean(0) for name, values in computed.items()}
    found = []
    for name, mean in means.items():
        broken = ~mean.isfinite()
        if bool(broken.any()):
            first = element(bound, name, broken.int().argmax(), mean.shape)
            found.append(
                _diagnostic(
                    "QEM952",
                    Severity.WARNING,
                    f"the mean of {first} is not finite ({int(broken.sum())} of {mean.numel()} values of {name})",
                    ("a function of the model overflows or is undefined on part of the posterior",),
                    "check the ranges of the priors, and functions such as exp, log and / in the model",
                )
            )
    return found


def _weakest(plan: Plan, report: Report) -> str:
    """The latents that hold a fit up, as far as particles can tell: the member with the fewest effective ones."""
    if not plan.groups:
        return "every latent is summed over"
    shares = {group.name: report.tails[group.name].ess / report.tails[group.name].particles for group in plan.groups}
    group = min(plan.groups, key=lambda group: float(shares[group.name].min()))
    share = shares[group.name]
    return f"fewest effective particles: {float(share.min()):.1%}, of {_latents(group)}{_at(plan.bound, group, [int(share.argmin())])}"


def _at(bound: BoundModel, group: Group, members: Sequence[int]) -> str:
    """Some members of a group's plate by their labels: ` at school A, B, C and 2 more`; nothing at the root."""
    if group.plate is None:
        return ""
    labels = [bound.members[group.plate].labels[i] for i in members[:MEMBERS_NAMED]]
    more = f" and {len(members) - MEMBERS_NAMED} more" if len(members) > MEMBERS_NAMED else ""
    return f" at {group.plate} {', '.join(labels)}{more}"


def _latents(group: Group) -> str:
    return ", ".join(part.variable.name for part in group.parts)


def element(bound: BoundModel, name: str, position: torch.Tensor, shape: torch.Size) -> str:
    """What one number is called, as in the summary: `mu`, `theta[Choate]`, `beta[2]`. position: into the flattened (member, *event)."""
    member, *event = (int(i) for i in torch.unravel_index(position, shape))
    plate = next(s.type.plate for s in (*bound.ir.statements, *bound.ir.generated) if s.name == name)
    index = [] if plate is None else [bound.members[plate].labels[member]]
    index += [str(i + 1) for i in event]
    return f"{name}[{','.join(index)}]" if index else name


def _diagnostic(
    code: str, severity: Severity, message: str, notes: tuple[str, ...], hint: str | None = None
) -> Diagnostic:
    return Diagnostic(code=code, severity=severity, message=message, notes=notes, hint=hint)
