"""From what the engine found to a FitResult: numpy arrays in the order of the data file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.plan import Plan
from qemppl.data.bound import BoundModel
from qemppl.diagnostics.diagnostic import Diagnostic
from qemppl.engine.joint import Joint
from qemppl.engine.pool import Report
from qemppl.engine.qem import Adaptation
from qemppl.engine.starts import Trials
from qemppl.ir.model import RandomVariable
from qemppl.numerics.lazy import torch
from qemppl.result.fit import Array, Estimate, FitResult, GroupReport, Provenance, StartReport, Trace, Variable
from qemppl.result.proposals import mean_parameters, plate_axes


@dataclass(frozen=True)
class Findings:
    """Everything a fit produced. trials: of its starts, of which one is reported. generated: by name, (draw, member, *event).
    log_evidence: (estimate, Monte Carlo error), None where it is not defined."""

    plan: Plan
    trials: Trials
    report: Report
    joint: Joint
    generated: Mapping[str, torch.Tensor]
    log_evidence: tuple[float, float | None] | None
    warnings: tuple[Diagnostic, ...]
    seconds: float

    @property
    def adaptation(self) -> Adaptation:
        """That of the start that is reported."""
        return self.trials.adaptation


def assemble_result(found: Findings, provenance: Provenance) -> FitResult:
    """The result as it is reported and saved."""
    bound, report = found.plan.bound, found.report
    evidence, error = found.log_evidence or (None, None)
    history = found.adaptation.history
    return FitResult(
        model_text=bound.ir.text,
        plates=plate_axes(bound),
        estimates=tuple(_estimates(found)),
        observed_data=_data(bound, observed=True),
        constant_data=_data(bound, observed=False),
        log_evidence=evidence,
        log_evidence_mcse=error,
        elbo=float(report.log_z.mean()),
        replicate_khat=report.khat,
        replicates=report.replicates,
        iterations=len(history),
        stop_reason=found.adaptation.stop_reason,
        seconds=found.seconds,
        trace=Trace(
            np.array([line.elbo for line in history]),
            np.array([line.beta for line in history]),
            np.array([line.ess for line in history]).T,
        ),
        groups=_groups(found),
        starts=_starts(found.trials),
        sizes=dict(bound.sizes),
        warnings=found.warnings,
        log_likelihood=_log_likelihood(found),
        log_prior=found.joint.log_prior.numpy(),
        lp=found.joint.log_joint.numpy(),
        lp_approx=found.joint.log_q.numpy(),
        provenance=provenance,
    )


def _estimates(found: Findings) -> list[Estimate]:
    """Latents first, then deterministic names that depend on them, then generated quantities."""
    bound = found.plan.bound
    estimates = [_of_latent(found, variable) for variable in bound.ir.latents]
    plates = {definition.name: definition.type.plate for definition in bound.ir.definitions}
    for name, values in found.joint.definitions.items():
        estimates.append(from_draws(name, plates[name], in_file_order(bound, plates[name], values.numpy(), 1)))
    for statement in bound.ir.generated:
        draws = in_file_order(bound, statement.type.plate, found.generated[statement.name].numpy(), 1)
        estimate = from_draws(statement.name, statement.type.plate, draws)
        estimates.append(replace(estimate, predictive=isinstance(statement, RandomVariable)))
    return estimates


def _of_latent(found: Findings, variable: RandomVariable) -> Estimate:
    bound, moments = found.plan.bound, found.report.moments[variable.name]
    mean, sd, mcse, ess, khat = (
        in_file_order(bound, variable.plate, value.numpy(), 0)
        for value in (moments.mean, moments.sd, moments.mcse, *_weights(found, variable, moments.mean))
    )
    draws = in_file_order(bound, variable.plate, found.report.draws[variable.name].numpy(), 1)
    return Estimate(variable.name, variable.plate, mean, sd, mcse, ess, khat, draws)


def _weights(found: Findings, variable: RandomVariable, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """ESS and k-hat of a latent; NaN for one that is summed over or integrated exactly, of which nothing is sampled and weighed."""
    groups = {part.variable.name: group.name for group in found.plan.groups for part in group.parts}
    if variable.name not in groups:
        return torch.full_like(like, torch.nan), torch.full_like(like, torch.nan)
    tail = found.report.tails[groups[variable.name]]
    return _spread(tail.ess, like), _spread(tail.khat, like)


def _spread(by_member: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """(member of the group,) -> the shape of a latent's mean."""
    members = by_member if len(by_member) == like.shape[0] else by_member.expand(like.shape[0])
    return members.reshape(-1, *(1,) * (like.dim() - 1)).expand(like.shape)


def from_draws(name: str, plate: str | None, draws: Array) -> Estimate:
    """A deterministic name is known through the joint draws alone."""
    count = len(draws)
    mean, sd = draws.mean(0), draws.std(0, ddof=1) if count > 1 else np.full_like(draws[0], np.nan)
    ess, khat = np.full_like(mean, count), np.full_like(mean, np.nan)
    return Estimate(name, plate, mean, sd, sd / np.sqrt(count), ess, khat, draws)


def in_file_order(bound: BoundModel, plate: str | None, values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Puts a member axis back into the order of the data file; drops that of the root."""
    if plate is None:
        return values.squeeze(axis)
    rows = bound.members[plate].rows
    if np.array_equal(rows, np.arange(len(rows))):
        return values
    ordered = np.empty_like(values)
    ordered[(slice(None),) * axis + (rows,)] = values
    return ordered


def _groups(found: Findings) -> tuple[GroupReport, ...]:
    reports = []
    for proposal in found.adaptation.proposals:
        group = proposal.group
        tail = found.report.tails[group.name]
        reports.append(
            GroupReport(
                name=group.name,
                plate=group.plate,
                latents=tuple(part.variable.name for part in group.parts),
                family=group.family.name,
                particles=found.plan.particles[group.name],
                ess_fraction=float(tail.ess.min()) / tail.particles,
                khat=float(tail.khat.max()),
                mean_parameters=mean_parameters(found.plan, proposal),
            )
        )
    return tuple(reports)


def _starts(trials: Trials) -> tuple[StartReport, ...]:
    """None where there was only one."""
    if len(trials.all) == 1:
        return ()
    return tuple(
        StartReport(
            log_evidence=trial.evidence[0],
            log_evidence_mcse=np.nan if (error := trial.evidence[1]) is None else error,
            iterations=len(trial.adaptation.history),
            stop_reason=trial.adaptation.stop_reason,
            reported=number == trials.best,
        )
        for number, trial in enumerate(trials.all)
    )


def _log_likelihood(found: Findings) -> Mapping[str, Array]:
    bound = found.plan.bound
    plates = {variable.name: variable.plate for variable in bound.ir.observations}
    return {
        name: in_file_order(bound, plates[name], log_p.numpy(), 1) for name, log_p in found.joint.log_likelihood.items()
    }


def _data(bound: BoundModel, *, observed: bool) -> dict[str, Variable]:
    """Data and transformed data that are observed, or that are not."""
    names = {variable.name for variable in bound.ir.observations}
    plates = {v.name: v.type.plate for v in bound.ir.data} | {v.name: v.type.plate for v in bound.ir.transformed}
    return {
        name: Variable(plate, in_file_order(bound, plate, bound.arrays[name], 0) if plate else bound.arrays[name])
        for name, plate in plates.items()
        if name in bound.arrays and (name in names) == observed
    }
