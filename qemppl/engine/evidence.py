"""The massively parallel evidence and its gradient.

log Zhat = log of the sum over all combinations of particles of prod P / (K Q), contracted plate by plate (Heap et al. 2025; Bowyer
et al. 2024). With E the exponentiated log-factors of a step and s its sum over the eliminated particles, E / s is the conditional
distribution of these particles given the remaining ones. One pass back through the steps turns these into d log Zhat / d log-factor:
the marginal weight of every particle (the source-term trick), and drawing from them one after another gives joint draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qemppl.compile.eliminate import Step
from qemppl.compile.plan import Plan
from qemppl.compile.program import Tables, add_to_ancestors
from qemppl.numerics.lazy import torch


@dataclass(frozen=True)
class Conditional:
    """What a step leaves behind. terms: E, (member, *rest, *eliminated); total: s, (member, *rest)."""

    step: Step
    terms: torch.Tensor
    total: torch.Tensor


@dataclass(frozen=True)
class Evidence:
    """log_z: log Zhat (nats), a scalar tensor. conditionals: by step, innermost plates first."""

    log_z: torch.Tensor
    conditionals: tuple[Conditional, ...]


class Contraction:
    """The elimination of a plan, ready to run on the tables of one set of particles."""

    def __init__(self, plan: Plan) -> None:
        self._steps = plan.elimination.steps
        self._keys = plan.elimination.tables
        self._given = len(self._keys) - len(self._steps)
        self._plates = plan.homes
        self._target = plan.target
        self._sizes = {"": 1} | {axis: plan.axes.size(axis) for axis in self._plates.values() if axis}
        self._particles = plan.particles
        self._terms: dict[int, torch.Tensor] = {}
        self._ancestors = {
            (axis, up): torch.as_tensor(index, device=plan.target.device)
            for axis in self._plates.values()
            if axis
            for up, index in plan.axes[axis].parents.items()
        }

    def combine(self, tables: Tables) -> list[torch.Tensor]:
        """The log-factors of each step, summed: (member, *rest, *eliminated). Messages of other steps are still missing.

        The tables are used up.
        """
        return [self._sum_tables(step, tables) for step in self._steps]

    def run(
        self, combined: list[torch.Tensor], beta: float = 1.0, narrowing: Mapping[str, torch.Tensor] | None = None
    ) -> Evidence:
        """The evidence of weights r^beta (Q / widened Q)^(1 - beta): a path from Q to the posterior, by the same contraction.

        Only what particles stand for is tempered: r is first summed over the values of discrete latents, since a sum of powers would
        favour latents that leave these undecided. Where particles have been summed out below a discrete latent, the power 1 / beta
        of their message takes the tempering back.
        narrowing: log Q / widened Q of every particle, by group; needed for beta < 1 only.
        Its conditionals live in a workspace that the next run writes over.
        """
        messages: dict[int, torch.Tensor] = {}
        exact: set[int] = set()
        conditionals = []
        for number, (step, log_factors) in enumerate(zip(self._steps, combined, strict=True)):
            power = 1.0 if step.exact else beta
            terms = torch.mul(log_factors, power, out=self._workspace(number, log_factors))
            if beta < 1 and narrowing is not None and not step.exact:
                for group in step.eliminated:
                    terms += (1 - beta) * _spread(narrowing[group], (group,), step.dims)
            for table in step.inputs:
                if table in messages:
                    scale = power if table in exact else power / beta
                    terms.add_(_spread(messages[table], self._keys[table][1], step.dims), alpha=scale)
            conditional, message = _sum_out(step, terms)
            conditionals.append(conditional)
            messages[step.output] = self._plate_sum(message, step)
            if step.exact:
                exact.add(step.output)
        return Evidence(messages[self._steps[-1].output].reshape(()), tuple(conditionals))

    def marginals(self, evidence: Evidence) -> dict[str, torch.Tensor]:
        """d log Zhat / d log-factor of every particle: weights (member, particle) by group, summing to 1 for each member."""
        adjoints: dict[int, torch.Tensor] = {self._steps[-1].output: torch.ones_like(evidence.log_z).reshape(1)}
        weights: dict[str, torch.Tensor] = {}
        for conditional in reversed(evidence.conditionals):
            step = conditional.step
            adjoint = self.lift(adjoints[step.output], step.home, step.plate)
            scaled = torch.where(conditional.total > 0, adjoint / conditional.total, 0.0)
            for group in step.eliminated:
                weights[group] = _reduce(conditional.terms, step.dims, scaled, step.rest, (group,))
            for table in step.inputs:
                if table >= self._given:
                    adjoints[table] = _reduce(conditional.terms, step.dims, scaled, step.rest, self._keys[table][1])
        return weights

    def lift(self, values: torch.Tensor, axis: str | None, plate: str | None) -> torch.Tensor:
        """From the members of `axis` to those of a plate below it; the root broadcasts."""
        if axis == plate or axis is None:
            return values
        return values.index_select(0, self._ancestors[(plate or "", axis)])

    def _workspace(self, number: int, like: torch.Tensor) -> torch.Tensor:
        """The memory for the terms of one step, allocated once."""
        if number not in self._terms:
            self._terms[number] = torch.empty_like(like)
        return self._terms[number]

    def to_members(self, group: str, values: torch.Tensor, plate: str | None) -> torch.Tensor:
        """From a group's members to those of a plate below: (draw, member) -> (draw, member), size 1 from the root."""
        axis = self._plates[group]
        return values if axis in (plate, None) else values[:, self._ancestors[(plate or "", axis or "")]]

    def _plate_sum(self, message: torch.Tensor, step: Step) -> torch.Tensor:
        if step.home == step.plate:
            return message
        if step.home is None:
            return message.sum(0, keepdim=True)
        total = torch.zeros(self._sizes[step.home], *message.shape[1:], dtype=message.dtype, device=message.device)
        add_to_ancestors(total, self._ancestors[(step.plate or "", step.home)], message)
        return total

    def _sum_tables(self, step: Step, tables: Tables) -> torch.Tensor:
        """Adds into the widest table, in place, where one spans the whole step."""
        keys = [self._keys[table] for table in step.inputs if table < self._given]
        parts = [_spread(tables[key], key[1], step.dims) for key in keys]
        shape = (self._sizes[step.plate or ""], *(self._particles[group] for group in step.dims))
        parts.sort(key=lambda part: part.numel(), reverse=True)
        if parts and parts[0].shape == shape:
            total = parts.pop(0)
        else:
            total = torch.zeros(shape, dtype=self._target.dtype, device=self._target.device)
        for part in parts:
            total += part
        return total


def _sum_out(step: Step, terms: torch.Tensor) -> tuple[Conditional, torch.Tensor]:
    """Exponentiates the terms in place and sums them over the eliminated dims; the message is the log of that sum."""
    axes = tuple(range(1 + len(step.rest), 1 + len(step.dims)))
    if not axes:
        return Conditional(step, torch.ones_like(terms), torch.ones_like(terms)), terms.clone()
    shift = terms.amax(axes, keepdim=True)
    shift.masked_fill_(shift == -torch.inf, 0.0)  # a row without any possible particle stays at weight 0
    terms.sub_(shift).exp_()
    total = terms.sum(axes)
    return Conditional(step, terms, total), total.log().add_(shift.reshape(total.shape))


def _spread(table: torch.Tensor, own: tuple[str, ...], dims: tuple[str, ...]) -> torch.Tensor:
    """A view of (member, *own) with the axes (member, *dims)."""
    order = [group for group in dims if group in own]
    permuted = table.permute(0, *(1 + own.index(group) for group in order))
    shape = iter(permuted.shape[1:])
    return permuted.reshape(permuted.shape[0], *(next(shape) if group in own else 1 for group in dims))


def _reduce(
    terms: torch.Tensor, dims: tuple[str, ...], scaled: torch.Tensor, rest: tuple[str, ...], kept: tuple[str, ...]
) -> torch.Tensor:
    """Sum of terms (member, *dims) times scaled (member, *rest) over all groups but those kept: (member, *kept)."""
    names: Mapping[str, str] = {group: chr(ord("b") + i) for i, group in enumerate(dims)}
    left, right, out = ("a" + "".join(names[g] for g in groups) for groups in (dims, rest, kept))
    return torch.einsum(f"{left},{right}->{out}", terms, scaled)
