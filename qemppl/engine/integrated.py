"""Chains that are integrated in closed form: their states given joint draws of everything around them.

At each joint draw the states have a normal law, of which the Kalman smoother tells mean, variance and a joint draw. The moments of the
posterior are those of the mixture over draws (Rao and Blackwell): of the states themselves nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from qemppl.compile.assemble import Task, assemble
from qemppl.compile.builder import Builder
from qemppl.compile.kalman_system import write_system
from qemppl.compile.layout import Axes
from qemppl.compile.linear_gaussian import Integrated
from qemppl.compile.plan import Plan
from qemppl.engine.ancestral import DRAW, draw_layouts
from qemppl.engine.pool import Moments, Report
from qemppl.numerics import kalman
from qemppl.numerics.lazy import torch

FEWEST = 1000
"""Joint draws of what is around that moments of states are averaged over, however few are kept."""
BLOCK = 1 << 20
"""Numbers of a chain's states, over draws, that are computed at once."""


@dataclass(frozen=True)
class States:
    """Those of integrated chains. draws: by latent, (draw, member), on the CPU. log_evidence: of their outcomes given each draw of what is
    around, (draw,)."""

    draws: Mapping[str, torch.Tensor]
    moments: Mapping[str, Moments]
    log_evidence: torch.Tensor


def draws_around(plan: Plan, draws: int) -> int:
    """Joint draws of the other latents that as many of the states are wanted for. Given nothing, the states have one law."""
    return max(draws, FEWEST) if plan.integrated and plan.homes else draws


def with_states(plan: Plan, report: Report, draws: int, generator: torch.Generator) -> tuple[Report, torch.Tensor]:
    """A report on `draws_around` joint draws with moments and draws of the states, and so many draws of all; and the log evidence of their
    outcomes given each, (draw,)."""
    states = states_given(plan, report.draws, draws_around(plan, draws), generator, draws)
    kept = {name: values[:draws] for name, values in report.draws.items()} | dict(states.draws)
    return replace(report, moments={**report.moments, **states.moments}, draws=kept), states.log_evidence


def states_given(
    plan: Plan, draws: Mapping[str, torch.Tensor], count: int, generator: torch.Generator, kept: int | None = None
) -> States:
    """draws: of all other latents, by name, (draw, member, *event); count: their number. kept: how many of the first states are drawn for;
    None: all. The moments are those over all."""
    kept = count if kept is None else kept
    found: dict[str, torch.Tensor] = {}
    moments: dict[str, Moments] = {}
    log_evidence = torch.zeros(count, dtype=torch.float64)
    for chain in plan.integrated:
        events = {s.name: tuple(plan.bound.size(size) for size in s.type.event) for s in chain.states}
        shape = (kept, plan.axes.size(chain.plate))
        found |= {name: torch.empty(*shape, *event, dtype=plan.target.dtype) for name, event in events.items()}
        mixture = _Mixture()
        for block, smoothed in _smoothed(plan, chain, draws, count, generator):
            log_evidence[block] += smoothed.log_evidence.sum(0).cpu()
            mixture.add(smoothed.mean, smoothed.variance)
            drawn = smoothed.draw.transpose(0, 1)[: max(kept - block.start, 0)]
            for name, event in events.items():
                found[name][block] = drawn[..., chain.places(name)].reshape(*drawn.shape[:2], *event).to(found[name])
        for name, event in events.items():
            moments[name] = mixture.moments(chain.places(name), event)
    return States(found, moments, log_evidence[:kept])


def _smoothed(
    plan: Plan, chain: Integrated, draws: Mapping[str, torch.Tensor], count: int, generator: torch.Generator
) -> Iterator[tuple[slice, kalman.Smoothed]]:
    """Block by block of draws."""
    bound, target = plan.bound, plan.target
    size = max(1, min(count, BLOCK // (plan.axes.size(chain.plate) * len(chain.numbers))))
    builder = Builder(bound, Axes(bound), draw_layouts(bound), target)
    system, slots = write_system(builder, chain)
    together = builder.union(slots)
    operands = [builder.align(slot, together) for slot in slots]
    program = assemble(builder, Task((), operands), {DRAW: size}, {DRAW: None}, target.memory)
    for start in range(0, count, size):
        block = slice(start, min(start + size, count))
        particles = {name: x[block].transpose(0, 1).to(target.device) for name, x in draws.items()}
        values = [v if v.dim() > 1 else v[:, None] for v in program.fill({}, particles, (), operands)]
        yield block, kalman.smooth(system, values, block.stop - start, generator)


@dataclass
class _Mixture:
    """Of equal parts of normal laws: sums over these, (member, number), around a mean that is not far off."""

    count: int = 0
    centre: torch.Tensor = field(default_factory=lambda: torch.zeros(()))
    sums: torch.Tensor = field(default_factory=lambda: torch.zeros(()))

    def add(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        """(member, draw, number)."""
        if not self.count:
            self.centre = mean.mean(1)
        offset = mean - self.centre[:, None]
        second = variance + offset.square()
        products = (offset, second, offset.square(), offset * second, second.square())
        self.sums = self.sums + torch.stack([product.sum(1) for product in products])
        self.count += mean.shape[1]

    def moments(self, numbers: list[int], event: tuple[int, ...]) -> Moments:
        """Those of some of the numbers, which are one latent."""
        sums = self.sums[..., numbers].reshape(*self.sums.shape[:2], *event)
        centre = self.centre[:, numbers].reshape(-1, *event).cpu()
        first, second, squares, products, fourth = sums.cpu() / self.count
        variance = second - first.square()
        # of the means, and of what each part's second moment around the mean of all is: second - 2 first offset + first^2
        of_means = (squares - first.square()).clamp_min(0)
        of_variances = (
            fourth - second.square() - 4 * first * (products - first * second) + 4 * first.square() * of_means
        )
        sd = variance.sqrt()
        mcse, variance_mcse = (
            (x.clamp_min(0) / (self.count - 1)).sqrt() for x in (of_means, of_variances)
        )  # NaN of one draw
        sd_mcse = variance_mcse / (2 * sd.clamp_min(torch.finfo(sd.dtype).tiny))
        return Moments(centre + first, sd, mcse, sd_mcse)
