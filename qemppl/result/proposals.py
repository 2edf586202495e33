"""The fitted proposals of a fit: kept in the result, and taken from one as the start of another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.groups import Group
from qemppl.compile.plan import Plan
from qemppl.data.bound import BoundModel
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.engine.particles import Proposal
from qemppl.numerics.lazy import torch
from qemppl.result.fit import Array, FitResult, GroupReport, PlateAxis

Index = NDArray[np.int64]
MOST_NAMED = 5
"""Members that a message names."""


def plate_axes(bound: BoundModel) -> tuple[PlateAxis, ...]:
    """The plates, members in the order of the data file."""
    axes = []
    for plate in bound.ir.plates:
        members = bound.members[plate.name]
        labels = np.empty(members.size, dtype=object)
        labels[members.rows] = list(members.labels)
        parent = None
        if plate.parent is not None and members.parent is not None:
            parent = np.empty(members.size, dtype=np.int64)
            parent[members.rows] = bound.members[plate.parent].rows[members.parent]
        axes.append(PlateAxis(plate.name, tuple(labels), plate.parent, parent, members.labelled))
    return tuple(axes)


def mean_parameters(plan: Plan, proposal: Proposal) -> Array:
    """Mean coordinates of a fitted proposal, (member, statistic), members and coordinates in the order of the data file."""
    orders = {plate: np.argsort(members.rows) for plate, members in plan.bound.members.items()}
    return _arrange(proposal.group, proposal.mean, orders).cpu().double().numpy()


def starting_means(fit: FitResult, plan: Plan) -> dict[str, torch.Tensor]:
    """The proposals of a fit as those of a plan: by group, (member, statistic). Members are matched by their labels, in any order.

    Raises DiagnosticsError (USAGE) that names every difference between the groups of the two.
    """
    old, new = _labels(fit.plates), _labels(plate_axes(plan.bound))
    reports = {report.name: report for report in fit.groups}
    names = {group.name for group in plan.groups}
    plates = {part.variable.plate for group in plan.groups for part in group.parts}
    used = [plate for plate in new if plate in plates]
    differences = [f"group {name} is only in the earlier fit" for name in reports if name not in names]
    for group in plan.groups:
        differences += _differences(group, reports.get(group.name), fit)
    for plate in used:
        differences += _strangers(plate, old.get(plate, []), new[plate])
    if differences:
        raise _refused(differences)
    orders = {}
    for plate in used:
        place = {labels: position for position, labels in enumerate(old[plate])}
        file_order = np.array([place[labels] for labels in new[plate]], dtype=np.int64)
        orders[plate] = file_order[plan.bound.members[plate].rows]
    means = {}
    for group in plan.groups:
        mean = torch.tensor(reports[group.name].mean_parameters, dtype=plan.target.dtype, device=plan.target.device)
        means[group.name] = group.family.project_mean(_arrange(group, mean, orders))
    return means


def digest(means: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of proposals, which tells two starts apart."""
    content = hashlib.sha256()
    for name, mean in means.items():
        content.update(name.encode() + b"\0" + mean.cpu().numpy().tobytes())
    return content.hexdigest()


def _arrange(group: Group, mean: torch.Tensor, orders: Mapping[str, Index]) -> torch.Tensor:
    """Proposals with the members of every plate in another order; a deeper plate than the group's is among the coordinates.

    orders: by plate, where each member comes from.
    """
    if group.plate is not None:
        mean = mean[torch.as_tensor(orders[group.plate], device=mean.device)]
    coordinates = np.arange(group.dimension)
    for part in group.parts:
        if part.variable.plate not in (None, group.plate):
            order = orders[str(part.variable.plate)]
            block = coordinates[part.offset : part.offset + part.size].reshape(len(order), -1)
            coordinates[part.offset : part.offset + part.size] = block[order].ravel()
    return group.family.reorder(mean, torch.as_tensor(coordinates, device=mean.device))


def _labels(axes: tuple[PlateAxis, ...]) -> dict[str, list[tuple[str, ...]]]:
    """By plate, the labels of every member from the root down to it."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for axis in axes:  # parents stand before their children
        above: list[tuple[str, ...]] = [()] * len(axis.labels)
        if axis.parent_plate is not None and axis.parent is not None:
            above = [found[axis.parent_plate][parent] for parent in axis.parent.tolist()]
        found[axis.name] = [(*path, label) for path, label in zip(above, axis.labels, strict=True)]
    return found


def _differences(group: Group, report: GroupReport | None, fit: FitResult) -> list[str]:
    """What keeps a group of the plan from starting where that of a fit ended."""
    if report is None:
        return [f"group {group.name} is not in the earlier fit"]
    latents = tuple(part.variable.name for part in group.parts)
    plates = {estimate.name: estimate.plate for estimate in fit.estimates}
    pairs = {
        "plate": (report.plate or "none", group.plate or "none"),
        "family": (report.family, group.family.name),
        "latents": (", ".join(report.latents), ", ".join(latents)),
    }
    for part in group.parts:
        plate = plates.get(part.variable.name)
        pairs[f"plate of {part.variable.name}"] = (plate or "none", part.variable.plate or "none")
    found = [f"{what} of group {group.name}: {a} there, {b} here" for what, (a, b) in pairs.items() if a != b]
    if not found:
        sizes = {e.name: e.mean.shape[e.plate is not None :] for e in fit.estimates}
        for part in group.parts:
            name = part.variable.name
            if sizes[name] != part.event:
                found.append(f"size of {name}: {_size(sizes[name])} there, {_size(part.event)} here")
    return found


def _size(event: tuple[int, ...]) -> str:
    return " x ".join(map(str, event)) or "1"


def _strangers(plate: str, old: list[tuple[str, ...]], new: list[tuple[str, ...]]) -> list[str]:
    """The members of a plate that only one of two fits has."""
    found = []
    for where, these, others in (("there", old, set(new)), ("here", new, set(old))):
        only = [",".join(labels) for labels in these if labels not in others]
        if only:
            more = f" and {len(only) - MOST_NAMED} more" if len(only) > MOST_NAMED else ""
            found.append(f"members of plate {plate} only {where}: {', '.join(only[:MOST_NAMED])}{more}")
    return found


def _refused(differences: list[str]) -> DiagnosticsError:
    return DiagnosticsError(
        [
            Diagnostic(
                "QEM865",
                Severity.ERROR,
                f"the fit cannot start from the earlier one: {differences[0]}",
                where="--init-from",
                notes=tuple(differences[1:]),
                hint="start without it, or from a fit of the same latents, groups and members",
            )
        ],
        Stage.USAGE,
    )
