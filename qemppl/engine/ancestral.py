"""Ancestral draws from the prior: every latent given the drawn values of the latents before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qemppl.compile.builder import Builder
from qemppl.compile.layout import Axes, Layout
from qemppl.compile.plan import Target
from qemppl.data.bound import BoundModel
from qemppl.distributions.base import Law
from qemppl.distributions.registry import LAWS
from qemppl.numerics.lazy import torch

DRAW = "draw"
"""The particle axis of joint draws: one index that all latents share."""
TRIES = 100
"""Rejections of a draw outside the declared bounds, before it is folded back into them."""
IMPROPER_SCALE = 10.0
"""An improper law draws from normal(0, 10) instead."""


def draw_layouts(bound: BoundModel) -> dict[str, Layout]:
    """Layouts of latents that share the one particle axis of joint draws: (member, draw, *event)."""
    return {
        variable.name: Layout(variable.plate, (DRAW,), tuple(bound.size(size) for size in variable.type.event))
        for variable in bound.ir.latents
    }


def prior_draws(bound: BoundModel, draws: int, generator: torch.Generator, target: Target) -> dict[str, torch.Tensor]:
    """Draws of every latent, by name: (member, draw, *event). An improper law draws from its stated stand-in."""
    axes, layouts = Axes(bound), draw_layouts(bound)
    builder = Builder(bound, axes, layouts, target.dtype, target.device)
    values: dict[int, torch.Tensor] = dict(builder.constants)
    drawn: dict[str, torch.Tensor] = {}
    done = 0
    for variable in bound.ir.latents:
        layout = layouts[variable.name]
        shape = (axes.size(variable.plate), draws, *layout.event)
        bounds = [None if b is None else builder.expression(b) for b in (variable.bounds.lower, variable.bounds.upper)]
        slots = [builder.expression(argument) for argument in variable.arguments]
        aligned = [None if slot is None else builder.align(slot, layout) for slot in (*bounds, *slots)]
        values |= builder.constants
        for instruction in builder.instructions[done:]:
            values[instruction.target] = instruction.apply(*[values[source] for source in instruction.sources])
        done = len(builder.instructions)
        lower, upper, *arguments = (None if slot is None else values[slot].expand(shape) for slot in aligned)
        empty = torch.zeros(shape, dtype=target.dtype, device=target.device)
        sampler = _Sampler(LAWS[variable.law], [a for a in arguments if a is not None], empty)
        drawn[variable.name] = values[builder.latent(variable.name)] = sampler.within(lower, upper, generator)
    return drawn


@dataclass(frozen=True)
class _Sampler:
    """Draws of a law. arguments and empty: of the shape of the draws."""

    law: Law
    arguments: Sequence[torch.Tensor]
    empty: torch.Tensor

    def within(
        self, lower: torch.Tensor | None, upper: torch.Tensor | None, generator: torch.Generator
    ) -> torch.Tensor:
        """Draws between the bounds, by rejection."""
        x = self._draw(generator)
        for _ in range(TRIES):
            outside = torch.zeros_like(x, dtype=torch.bool)
            if lower is not None:
                outside |= x <= lower
            if upper is not None:
                outside |= x >= upper
            if not bool(outside.any()):
                return x
            x = torch.where(outside, self._draw(generator), x)
        return _fold(x, lower, upper)

    def _draw(self, generator: torch.Generator) -> torch.Tensor:
        if self.law.improper:
            noise = torch.randn(self.empty.shape, generator=generator, dtype=self.empty.dtype, device=self.empty.device)
            return noise * IMPROPER_SCALE
        return self.law.sample(generator, *(self.arguments or [self.empty]))


def _fold(x: torch.Tensor, lower: torch.Tensor | None, upper: torch.Tensor | None) -> torch.Tensor:
    """Mirrors what lies beyond a single bound; between two bounds, the middle."""
    if lower is not None and upper is not None:
        return torch.where((x > lower) & (x < upper), x, 0.5 * (lower + upper))
    if lower is not None:
        return lower + (x - lower).abs()
    return x if upper is None else upper - (upper - x).abs()
