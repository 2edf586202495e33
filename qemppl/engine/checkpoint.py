"""The adapt phase between two iterations, as plain numbers and back: a fit that continues from them is bitwise the same fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.plan import Plan
from qemppl.engine.qem import Adaptation, Iteration
from qemppl.engine.start import proposals_at
from qemppl.numerics.lazy import torch

COUNTERS = tuple(field.name for field in fields(Adaptation) if field.name not in ("proposals", "history"))


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the next iteration depends on. state: holds a history of its own. generator: the state of the random numbers."""

    state: Adaptation
    generator: torch.Tensor

    @classmethod
    def take(cls, state: Adaptation, generator: torch.Generator) -> Checkpoint:
        """What a complete iteration left behind."""
        return cls(replace(state, history=list(state.history), particles=dict(state.particles)), generator.get_state())


@dataclass(frozen=True)
class Numbers:
    """A checkpoint for a file. arrays: mean coordinates by group, (member, statistic), and the generator's bytes. words: for JSON."""

    means: Mapping[str, NDArray[Any]]
    generator: NDArray[np.uint8]
    words: Mapping[str, Any]


def to_numbers(checkpoint: Checkpoint) -> Numbers:
    """The checkpoint without torch."""
    state = checkpoint.state
    return Numbers(
        means={proposal.group.name: proposal.mean.cpu().numpy() for proposal in state.proposals},
        generator=checkpoint.generator.numpy(),
        words={
            "history": [asdict(line) for line in state.history],
            "counters": {name: getattr(state, name) for name in COUNTERS},
        },
    )


def restore(numbers: Numbers, plan: Plan, generator: torch.Generator) -> Adaptation:
    """The state that `to_numbers` was given; sets the generator. Raises for numbers of another plan (KeyError, ValueError, ..)."""
    means = {name: torch.from_numpy(mean).to(plan.target.device) for name, mean in numbers.means.items()}
    history = [Iteration(**{**line, "ess": tuple(line["ess"])}) for line in numbers.words["history"]]
    generator.set_state(torch.from_numpy(numbers.generator))
    return Adaptation(proposals_at(plan, means), history, **numbers.words["counters"])
