"""Joint draws, one statement after another: every latent from its law given the values drawn before it.

From the prior this gives the starting proposals, and whole data sets; from posterior draws, the generated quantities.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from qemppl.compile.chains import previous_layouts
from qemppl.compile.layout import Layout, Target
from qemppl.data.backend import Positions
from qemppl.data.bound import BoundModel
from qemppl.data.chain_steps import at_first_step, columns_of, restricted, steps
from qemppl.data.evaluate import Evaluator
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.distributions.base import Law
from qemppl.distributions.registry import LAWS
from qemppl.distributions.truncated import End, draw_between
from qemppl.engine.torch_backend import TorchBackend
from qemppl.ir.model import Definition, Expr, RandomVariable, Statement, ValueType, before, reached_back
from qemppl.numerics.lazy import torch

DRAW = "draw"
"""The particle axis of joint draws: one index that all latents share."""
IMPROPER_SCALE = 10.0
"""An improper law draws from normal(0, 10) instead."""
MOST_NATS = 80.0
"""Of the log of a distance from a bound: draws that spread further are no better than those of an improper law, and overflow."""
FURTHEST = math.exp(MOST_NATS)
"""From 0: a chain that explodes starts anew before its squares overflow."""
CORE = (0.02, 0.98)
"""Quantiles between which draws spread."""
MOST_COMPARED = 1 << 12
"""Draws whose spread is looked at."""
LARGEST_COUNT = 2.0**49
"""Counts of laws that cap their rates (`poisson_draw`) are right up to here."""
LIVE_TEMPORARIES = 8
"""Values of a statement's size that are alive at once while it is drawn."""


def draw_layouts(bound: BoundModel) -> dict[str, Layout]:
    """Layouts of latents, now and one step before, that share the one particle axis of joint draws: (member, draw, *event)."""
    layouts = {
        variable.name: Layout(variable.plate, (DRAW,), tuple(bound.size(size) for size in variable.type.event))
        for variable in bound.ir.latents
    }
    return layouts | previous_layouts(bound.ir, layouts, shared=True)


def prior_draws(bound: BoundModel, draws: int, generator: torch.Generator, target: Target) -> dict[str, torch.Tensor]:
    """Draws of every latent, by name: (member, draw, *event). An improper law draws from its stated stand-in, and so does one on a
    half-line that is improper in all but name, such as inv_gamma(0.001, 0.001), and a draw that a chain has carried too far."""
    interpreter = _Tamed(bound, draws, generator, target, {})
    interpreter.run_all([s for s in bound.ir.statements if isinstance(s, Definition) or not s.observed])
    latents = {variable.name: variable.plate for variable in bound.ir.latents}
    return {
        name: interpreter.values[name][None] if plate is None else interpreter.values[name].transpose(0, 1)
        for name, plate in latents.items()
    }


def simulate(bound: BoundModel, generator: torch.Generator, target: Target) -> dict[str, torch.Tensor]:
    """One draw of all that the model has: latents from their priors, deterministic names, outcomes given them; no law has a stand-in.
    By name, (draw, member, *event). An outcome that the data miss is NaN.

    Raises DiagnosticsError (RESOURCE) where a draw is not a finite number, or an argument of its law was none, and where a count is so
    large that it may have been capped.
    """
    simulator = _Simulator(bound, 1, generator, target, {})
    simulator.run_all(bound.ir.statements)
    for statement in bound.ir.statements:
        if isinstance(statement, Definition):
            continue
        values = simulator.values[statement.name]
        absent = torch.zeros_like(values, dtype=torch.bool)
        if statement.observed:
            absent |= _absent(bound, statement).to(values.device)
            values.masked_fill_(absent, torch.nan)
        largest = LARGEST_COUNT if LAWS[statement.law].support.integer else torch.inf
        if not bool(((values.abs() < largest) | absent).all()):
            raise DiagnosticsError([_overflow(statement)], Stage.RESOURCE)
    plates = {statement.name: statement.type.plate for statement in bound.ir.statements}
    return {name: values if plates[name] else values[:, None] for name, values in simulator.values.items()}


@dataclass(frozen=True)
class Known:
    """Joint draws to go on from, and their number. values: by name, (draw, member, *event). first: of latents of chains, the members at
    the first step whose values are known, and these."""

    count: int
    values: Mapping[str, torch.Tensor]
    first: Mapping[str, tuple[Positions, torch.Tensor]] = field(default_factory=dict)


def generate(
    bound: BoundModel, posterior: Mapping[str, torch.Tensor], generator: torch.Generator, target: Target
) -> dict[str, torch.Tensor]:
    """The generated quantities on posterior draws of latents and deterministic names. All: by name, (draw, member, *event)."""
    known = Known(len(next(iter(posterior.values()))), posterior)
    return _on_draws(_Interpreter, bound, bound.ir.generated, known, generator, target)


def forecast(
    bound: BoundModel, statements: Sequence[Statement], known: Known, generator: torch.Generator, target: Target
) -> dict[str, torch.Tensor]:
    """Statements of a model on joint draws of the names that they stand on: by name, (draw, member, *event). NaN where an argument of a
    law is not finite."""
    return _on_draws(_Simulator, bound, statements, known, generator, target)


def _on_draws(
    kind: type[_Interpreter],
    bound: BoundModel,
    statements: Sequence[Statement],
    known: Known,
    generator: torch.Generator,
    target: Target,
) -> dict[str, torch.Tensor]:
    """In blocks of draws, as the memory allows."""
    if not statements:
        return {}
    block = _block(bound, target)
    plates = {statement.name: statement.type.plate for statement in bound.ir.statements}
    parts: dict[str, list[torch.Tensor]] = {}
    for start in range(0, known.count, block):
        here = slice(start, start + block)
        values = {name: x[here].cpu() if plates[name] else x[here, 0].cpu() for name, x in known.values.items()}
        first = {name: (positions, x[here]) for name, (positions, x) in known.first.items()}
        interpreter = kind(bound, min(block, known.count - start), generator, target, values, first)
        interpreter.run_all(statements)
        for statement in statements:
            x = interpreter.values[statement.name]
            parts.setdefault(statement.name, []).append(x if statement.type.plate else x[:, None])
    return {name: torch.cat(drawn) for name, drawn in parts.items()}


def _block(bound: BoundModel, target: Target) -> int:
    """Draws that are worked on at once, as the memory allows."""
    numbers = [
        bound.count(s.type.plate) * _components(bound, s.type) for s in (*bound.ir.statements, *bound.ir.generated)
    ]
    return max(1, target.memory // (8 * (sum(numbers) + LIVE_TEMPORARIES * max(numbers))))


def _components(bound: BoundModel, kind: ValueType) -> int:
    count = 1
    for size in kind.event:
        count *= bound.size(size)
    return count


class _Interpreter:
    """Values of statements on joint draws. values: by name, (draw, [member,] *event). first: of a latent of a chain, members at their first
    step and their values (draw, member, *event), where these are known."""

    def __init__(
        self,
        bound: BoundModel,
        draws: int,
        generator: torch.Generator,
        target: Target,
        values: Mapping[str, torch.Tensor],
        first: Mapping[str, tuple[Positions, torch.Tensor]] | None = None,
    ) -> None:
        self.values = dict(values)
        self._first = first or {}
        self._bound = bound
        self._draws = draws
        self._generator = generator
        self._target = target
        self._evaluator = Evaluator(bound, self.values, TorchBackend(target))

    def run_all(self, statements: Sequence[Statement]) -> None:
        """Statements in the order of a model. Where a chain steps, a plate is done before those below it."""
        stepping = {s.plate for s in statements if isinstance(s, RandomVariable) and s.initial is not None}
        ordered = sorted(statements, key=lambda s: self._bound.ir.path(s.type.plate)) if stepping else statements
        for plate, group in groupby(ordered, key=lambda s: s.type.plate):
            here = list(group)
            if plate is not None and plate in stepping:
                self._run_chain(plate, [s for s in here if isinstance(s, Definition) or not s.observed])
            for statement in here:
                if statement.name not in self.values:
                    self.run(statement)

    def _run_chain(self, chain: str, statements: Sequence[Statement]) -> None:
        """The statements of a chain that others can read, step by step: all of one step before the next."""
        expressions = [expr for statement in statements for expr in statement.expressions]
        reached = reached_back(expressions)
        columns = columns_of(self._bound, chain, expressions)
        whole = {s.name: self._empty(s.type) for s in statements}
        for step, positions in enumerate(steps(self._bound, chain)):
            index = torch.as_tensor(positions, device=self._target.device)
            earlier = {before(name): whole[name][:, index - 1] for name in reached} if step else {}
            bound, known = restricted(self._bound, chain, columns, positions), self.values | earlier
            here = type(self)(bound, self._draws, self._generator, self._target, known)
            for statement in statements:
                whole[statement.name][:, index] = here.run(statement if step else at_first_step(statement))
            if step == 0:
                for name in self._first.keys() & whole.keys():
                    given, values = self._first[name]
                    whole[name][:, torch.as_tensor(given)] = values
        self.values |= whole

    def run(self, statement: Statement) -> torch.Tensor:
        """The statement's values, which later ones can read."""
        if isinstance(statement, Definition):
            event = tuple(self._bound.size(size) for size in statement.type.event)
            values = self._spread(statement.value, statement.type.plate, event).clone()
        else:
            values = self._draw(statement)
        self.values[statement.name] = values
        return values

    def _draw(self, variable: RandomVariable) -> torch.Tensor:
        law = LAWS[variable.law]
        event = tuple(self._bound.size(size) for size in variable.type.event)
        batch = event[: len(event) - len(law.sizes)]
        arguments = [
            self._spread(e, variable.plate, (*batch, *self._own_axes(e, len(a.sizes))))
            for e, a in zip(variable.arguments, law.arguments, strict=True)
        ]
        lower, upper = (
            None if end is None else self._spread(end, variable.plate, event)
            for end in (variable.bounds.lower, variable.bounds.upper)
        )
        empty = self._empty(variable.type)
        if variable.form == "positive_ordered":
            lower = empty
        if law.needs_shape:
            arguments.append(empty)
        x = self._sample(law, arguments, (lower, upper), empty)
        return x.sort(-1).values if variable.form in ("ordered", "positive_ordered") else x

    def _sample(
        self, law: Law, arguments: Sequence[torch.Tensor], bounds: tuple[End, End], empty: torch.Tensor
    ) -> torch.Tensor:
        if law.improper:
            return self._stand_in(empty, bounds)
        return draw_between(law, self._generator, *bounds, arguments)

    def _stand_in(self, empty: torch.Tensor, bounds: tuple[End, End]) -> torch.Tensor:
        noise = torch.randn(empty.shape, generator=self._generator, dtype=empty.dtype, device=empty.device)
        return _fold(noise * IMPROPER_SCALE, *bounds)

    def _empty(self, kind: ValueType) -> torch.Tensor:
        """(draw, [member,] *event) zeros."""
        members = () if kind.plate is None else (self._bound.count(kind.plate),)
        shape = (self._draws, *members, *map(self._bound.size, kind.event))
        return torch.zeros(shape, dtype=self._target.dtype, device=self._target.device)

    def _own_axes(self, expr: Expr, rank: int) -> tuple[int, ...]:
        event = tuple(self._bound.size(size) for size in expr.type.event)
        return event[len(event) - rank :]

    def _spread(self, expr: Expr, plate: str | None, event: tuple[int, ...]) -> torch.Tensor:
        """An expression on every draw and member: (draw, [member,] *event)."""
        value = self._evaluator.evaluate(expr)
        assert value is not None, "every name before a statement is known"
        own = ValueType(expr.type.kind, expr.type.event, plate)
        value = self._evaluator.align(value, expr.type, own)
        rank = len(expr.type.event)
        shape = tuple(value.shape)
        leading, own_event = shape[: len(shape) - rank], shape[len(shape) - rank :]
        value = value.reshape((*leading, *(1,) * (len(event) - rank), *own_event))
        members = () if plate is None else (self._bound.count(plate),)
        return value.expand(self._draws, *members, *event)


class _Tamed(_Interpreter):
    """Laws that are as good as improper draw as improper ones do."""

    def _sample(
        self, law: Law, arguments: Sequence[torch.Tensor], bounds: tuple[End, End], empty: torch.Tensor
    ) -> torch.Tensor:
        x = super()._sample(law, arguments, bounds, empty)
        if law.support.integer:
            return x
        if _is_boundless(x, bounds):
            return self._stand_in(empty, bounds)
        is_lost = ~(x.abs() < FURTHEST)
        return torch.where(is_lost, self._stand_in(empty, bounds), x) if bool(is_lost.any()) else x


class _Simulator(_Interpreter):
    """Where an argument of a law is not finite, nothing is drawn, and the value is NaN."""

    def _sample(
        self, law: Law, arguments: Sequence[torch.Tensor], bounds: tuple[End, End], empty: torch.Tensor
    ) -> torch.Tensor:
        batch = empty.dim() - len(law.sizes)
        sound = torch.ones(empty.shape[:batch], dtype=torch.bool, device=empty.device)
        for argument in arguments:
            sound &= argument.isfinite().reshape(*sound.shape, -1).all(-1)
        lower, upper = (None if end is None else end[sound] for end in bounds)
        x = torch.full_like(empty, torch.nan)
        x[sound] = super()._sample(law, [argument[sound] for argument in arguments], (lower, upper), empty[sound])
        return x


def _absent(bound: BoundModel, observation: RandomVariable) -> torch.Tensor:
    """([member,] *1) which outcomes are missing: those of which some component is."""
    x = bound.arrays[observation.name]
    rank = len(observation.type.event)
    some = np.isnan(x).any(axis=tuple(range(x.ndim - rank, x.ndim)), keepdims=True)
    return torch.as_tensor(some)


def _overflow(variable: RandomVariable) -> Diagnostic:
    return Diagnostic(
        code="QEM804",
        severity=Severity.ERROR,
        message=f"`{variable.name}` drawn from its law is not a finite number, or too large a count",
        span=variable.span,
        notes=("the priors allow values so large that what depends on them overflows",),
        hint="give the latents it depends on tighter priors",
    )


def _is_boundless(x: torch.Tensor, bounds: tuple[End, End]) -> bool:
    """Whether draws with one bound spread over more orders of magnitude than can be computed with."""
    ends = [end for end in bounds if end is not None]
    if len(ends) != 1 or x.numel() == 0:
        return False
    distance = (x - ends[0]).abs().flatten()
    finfo = torch.finfo(x.dtype)
    some = distance[:: 1 + len(distance) // MOST_COMPARED].clamp(finfo.tiny, finfo.max).log()
    low, high = some.quantile(torch.tensor(CORE, dtype=some.dtype, device=some.device))
    return bool(high - low > MOST_NATS)


def _fold(x: torch.Tensor, lower: torch.Tensor | None, upper: torch.Tensor | None) -> torch.Tensor:
    """Mirrors what lies beyond a single bound; between two bounds, the middle."""
    if lower is not None and upper is not None:
        return torch.where((x > lower) & (x < upper), x, 0.5 * (lower + upper))
    if lower is not None:
        return lower + (x - lower).abs()
    return x if upper is None else upper - (upper - x).abs()
