"""What a number is called: `mu`, `theta[Choate]`, `beta[2]`, `share[north,2]`."""

from __future__ import annotations

import itertools
from collections import Counter

from qemppl.result.fit import Estimate, Estimates


def member_labels(fit: Estimates, plate: str) -> tuple[str, ...]:
    """One name a member, different for each: a label that several parents use gets its parent's in front, `Oslo,North`."""
    axis = fit.plate(plate)
    counts = Counter(axis.labels)
    if axis.parent_plate is None or axis.parent is None or len(counts) == len(axis.labels):
        return axis.labels
    above = member_labels(fit, axis.parent_plate)
    return tuple(
        f"{above[parent]},{label}" if counts[label] > 1 else label
        for label, parent in zip(axis.labels, axis.parent.tolist(), strict=True)
    )


def element_names(fit: Estimates, estimate: Estimate) -> tuple[str, ...]:
    """The names of the numbers of an estimate, in the order of its flattened axes ([member,] *event)."""
    shape = estimate.mean.shape
    axes: list[tuple[str, ...]] = []
    if estimate.plate is not None:
        axes.append(member_labels(fit, estimate.plate))
        shape = shape[1:]
    axes.extend(tuple(str(i) for i in range(1, size + 1)) for size in shape)
    if not axes:
        return (estimate.name,)
    return tuple(f"{estimate.name}[{','.join(index)}]" for index in itertools.product(*axes))
