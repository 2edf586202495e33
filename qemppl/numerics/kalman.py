"""Linear-Gaussian chains: the Kalman filter, and the way back through it.

A state has d numbers. Each follows an equation, its mean linear in the numbers one step before and in those of the same step that come
first, and normal noise; each outcome follows one that is linear in the numbers of its step. All that equations are made of may differ by
chain, step and particle, and what is zero or one costs nothing.

Numbers are conditioned on one after another, so no matrix is inverted, and an equation may be next to exact. What is known of x_t once
x_(t+1) is known follows from taking the equations of x_(t+1) for outcomes of x_t (Rauch, Tung and Striebel 1965; Carter and Kohn 1994).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import pi

from qemppl.numerics.lazy import torch

Vector = list["torch.Tensor"]
"""By number of the state, (chain, *particles); of a matrix, each row up to the diagonal."""
Matrix = list[Vector]


@dataclass(frozen=True)
class Equation:
    """offset + before . x_(t-1) + now . x_t + noise. All are positions among the operands: offset None: 0; before, now: by number of the
    state, None: 1. sd: of the noise, an operand that stands for nothing else."""

    offset: int | None
    before: Mapping[int, int | None]
    now: Mapping[int, int | None]
    sd: int


@dataclass(frozen=True)
class Outcome:
    """An outcome of each step, in the column `value` of the operands, that is known where the column `is_known` is not 0."""

    equation: Equation
    value: int
    is_known: int


@dataclass(frozen=True)
class System:
    """The equations of a chain. first, later: of each number, at the first step and at all others. is_first: the column of 1 at first
    steps, else 0."""

    first: tuple[Equation, ...]
    later: tuple[Equation, ...]
    outcomes: tuple[Outcome, ...]
    is_first: int


@dataclass(frozen=True)
class Smoothed:
    """Given all outcomes. mean, variance: of the states, and draw: a joint draw of them, (member, *particles, number). log_evidence:
    (chain, *particles)."""

    mean: torch.Tensor
    variance: torch.Tensor
    draw: torch.Tensor
    log_evidence: torch.Tensor


def log_evidence(system: System, *operands: torch.Tensor) -> torch.Tensor:
    """log p(outcomes) of each chain: (chain, *particles). operands: (member, *particles) or (1, *particles); the members of a chain stand
    together, in the order of its steps."""
    steps = _Steps.of(system, operands)
    found = _log_density(steps, _filter(steps))
    if bool(found.isnan().any()):  # next to nothing, where numbers overflow that the operands do not explain
        found.masked_fill_(found.isnan() & ~_has_nan(operands), -torch.inf)
    return found.to(operands[0].dtype)


def smooth(system: System, operands: Sequence[torch.Tensor], particles: int, generator: torch.Generator) -> Smoothed:
    """The states given all outcomes. operands: (member, particle) or (member, 1), and as of `log_evidence`."""
    steps = _Steps.of(system, operands, (particles,))
    filtered = list(_filter(steps))
    like = torch.zeros(steps.shape, dtype=torch.float64, device=steps.inside.device)

    def noise() -> torch.Tensor:
        return torch.empty(len(system.later), *steps.shape, dtype=like.dtype, device=like.device).normal_(
            generator=generator
        )

    mean, covariance = filtered[-1].mean, filtered[-1].covariance
    draw = _drawn(mean, covariance, noise())
    kept = [(mean, _diagonal(covariance), draw)]
    for number in range(steps.longest - 1, 0, -1):
        here = filtered[number - 1]
        back = _back(here, system.later, steps.at(number))
        goes_on = steps.goes_on(number)
        draw = _drawn(
            _chosen(goes_on, back.mean_given(draw), here.mean),
            _chosen_rows(goes_on, back.covariance, here.covariance),
            noise(),
        )
        mean = _chosen(goes_on, back.mean_given(mean), here.mean)
        covariance = _chosen_rows(goes_on, back.covariance_given(covariance), here.covariance)
        kept.append((mean, _diagonal(covariance), draw))
    found = [
        steps.by_member([torch.stack([number + like for number in numbers], -1) for numbers in each])
        for each in zip(*kept[::-1], strict=True)
    ]
    return Smoothed(found[0], found[1], found[2], _log_density(steps, filtered))


Step = Sequence["torch.Tensor"]
"""The operands at one step, (chain, *particles) or (1, *particles)."""


@dataclass(frozen=True)
class _Steps:
    """Operands step by step, sds squared. Chains that are shorter than the longest go on without outcomes, as they last were. all_known: by
    operand that tells what is known, at which steps all chains have it. inside: which steps a chain has, (chain, step). shape: (chain,
    *particles) of what is computed."""

    system: System
    columns: Sequence[Sequence[torch.Tensor]]
    all_known: Mapping[int, Sequence[bool]]
    inside: torch.Tensor
    shape: tuple[int, ...]

    @classmethod
    def of(cls, system: System, operands: Sequence[torch.Tensor], particles: tuple[int, ...] = ()) -> _Steps:
        """operands: (member, *particles) or (1, *particles). particles: their numbers, where operands may not tell."""
        is_first = operands[system.is_first].flatten()
        begin = is_first.nonzero()[:, 0]
        length = torch.diff(begin, append=begin.new_tensor([len(is_first)]))
        step = torch.arange(max(length.tolist(), default=0), device=begin.device)
        place = begin[:, None] + torch.minimum(step, length[:, None] - 1)
        inside = step < length[:, None]
        columns: list[list[torch.Tensor]] = []
        all_known: dict[int, list[bool]] = {}
        even = bool(inside.all())
        known = {outcome.is_known for outcome in system.outcomes}
        equations = (*system.first, *system.later, *(outcome.equation for outcome in system.outcomes))
        sds = {equation.sd for equation in equations}
        for position, operand in enumerate(operands):
            x = operand.double().square() if position in sds else operand.double()
            if len(x) == 1 and position not in known and len(is_first) > 1:
                columns.append([x] * len(step))
                continue
            x = x.expand(len(is_first), *x.shape[1:])
            x = x.view(*place.shape, *x.shape[1:]) if even else x[place]
            if position in known:
                x = x * inside.reshape(*inside.shape, *(1,) * (x.dim() - 2))
                all_known[position] = x.bool().transpose(0, 1).flatten(1).all(1).tolist()
            columns.append(list(x.unbind(1)))
        shape = torch.broadcast_shapes(particles, *(operand.shape[1:] for operand in operands))  # type: ignore[no-untyped-call]
        return cls(system, columns, all_known, inside, (len(begin), *shape))

    @property
    def longest(self) -> int:
        return self.inside.shape[1]

    def at(self, number: int) -> Step:
        return [column[number] for column in self.columns]

    def goes_on(self, number: int) -> torch.Tensor | None:
        """Which chains have a step, (chain, *1); None: all."""
        inside = self.inside[:, number]
        return None if bool(inside.all()) else inside.reshape(-1, *(1,) * (len(self.shape) - 1))

    def by_member(self, steps: Sequence[torch.Tensor]) -> torch.Tensor:
        """(chain, *) by step -> (member, *)."""
        return torch.stack(list(steps), 1)[self.inside]


@dataclass(frozen=True)
class _Filtered:
    """The state of a step given the outcomes up to it. seen: of each outcome of the step, its variance given those before it, and its
    squared distance from what these foretell over that."""

    mean: Vector
    covariance: Matrix
    seen: Sequence[tuple[torch.Tensor, torch.Tensor]]


def _filter(steps: _Steps) -> Iterator[_Filtered]:
    """Step by step."""
    system = steps.system
    if not steps.longest:
        return
    mean, covariance = _move(system.first, [], [], steps.at(0))
    for number in range(steps.longest):
        at = steps.at(number)
        if number:
            mean, covariance = _move(system.later, mean, covariance, at)
        seen = []
        for outcome in system.outcomes:
            is_known = None if steps.all_known[outcome.is_known][number] else at[outcome.is_known] > 0
            mean, covariance, found = _observe(outcome, (mean, covariance), at, is_known)
            seen.append(found)
        yield _Filtered(mean, covariance, seen)


def _log_density(steps: _Steps, filtered: Iterable[_Filtered]) -> torch.Tensor:
    """Of all outcomes: (chain, *particles)."""
    squares = torch.zeros(steps.shape, dtype=torch.float64, device=steps.inside.device)
    variances = []
    for step in filtered:
        for variance, square in step.seen:
            squares += square
            variances.append(variance.expand(steps.shape))
    return -0.5 * (squares + (2 * pi * torch.stack(variances)).log().sum(0)) if variances else squares


def _optional(position: int | None, at: Step) -> torch.Tensor | None:
    return None if position is None else at[position]


def _has_nan(operands: Sequence[torch.Tensor]) -> torch.Tensor:
    """Where some operand is NaN at some particles: (1, *particles). At all of them it is what the data do not tell."""
    found = [
        (x.isnan() & ~x.isnan().flatten(1).all(1).reshape(-1, *(1,) * (x.dim() - 1))).any(0, keepdim=True)
        for x in operands
    ]
    return torch.stack(torch.broadcast_tensors(*found)).any(0)  # type: ignore[no-untyped-call]


def _chosen(goes_on: torch.Tensor | None, after: Vector, here: Vector) -> Vector:
    """What a chain that goes on has, or one that ends here."""
    if goes_on is None:
        return after
    return [torch.where(goes_on, a, h) for a, h in zip(after, here, strict=True)]


def _chosen_rows(goes_on: torch.Tensor | None, after: Matrix, here: Matrix) -> Matrix:
    return [_chosen(goes_on, a, h) for a, h in zip(after, here, strict=True)]


def _times(factor: torch.Tensor | None, value: torch.Tensor) -> torch.Tensor:
    return value if factor is None else factor * value


def _dot(coefficients: Mapping[int, int | None], values: Sequence[torch.Tensor], at: Step) -> torch.Tensor | None:
    """The sum of coefficients times values, None where there are none."""
    terms = [_times(_optional(position, at), values[number]) for number, position in coefficients.items()]
    return _plus(*terms) if terms else None


def _plus(*terms: torch.Tensor | None) -> torch.Tensor:
    """The sum of those that are there."""
    present = [term for term in terms if term is not None]
    return sum(present[1:], present[0]) if present else torch.zeros((), dtype=torch.float64)


def _diagonal(matrix: Matrix) -> Vector:
    return [row[i] for i, row in enumerate(matrix)]


def _column(matrix: Matrix, number: int, rows: int) -> Vector:
    """Of a symmetric matrix, in its first rows."""
    return [matrix[max(row, number)][min(row, number)] for row in range(rows)]


def _move(equations: Sequence[Equation], mean: Vector, covariance: Matrix, at: Step) -> tuple[Vector, Matrix]:
    """Mean and covariance one step on. across: of each number now, its covariances with those of the step before."""
    ahead: Vector = []
    across: list[Vector] = []
    spread: Matrix = []
    for i, equation in enumerate(equations):
        before, now = equation.before, equation.now
        ahead.append(_plus(_optional(equation.offset, at), _dot(before, mean, at), _dot(now, ahead, at)))
        columns = [(_column(covariance, j, len(mean)), [row[j] for row in across]) for j in range(len(mean))]
        across.append([_plus(_dot(before, then, at), _dot(now, so_far, at)) for then, so_far in columns])
        row = [_plus(_dot(before, across[k], at), _dot(now, _column(spread, k, i), at)) for k in range(i)]
        spread.append([*row, _plus(at[equation.sd], _dot(before, across[i], at), _dot(now, row, at))])
    return ahead, spread


def _observe(
    outcome: Outcome, state: tuple[Vector, Matrix], at: Step, is_known: torch.Tensor | None
) -> tuple[Vector, Matrix, tuple[torch.Tensor, torch.Tensor]]:
    """Mean and covariance once an outcome is known, and what `seen` of a step has of it. is_known: where it is, None: everywhere."""
    (mean, covariance), equation = state, outcome.equation
    gap = at[outcome.value] - _plus(_optional(equation.offset, at), _dot(equation.now, mean, at))
    noise = at[equation.sd]
    along, variance = _along(equation.now, covariance, noise, at)
    if is_known is not None:  # elsewhere nothing that the equation is made of may be known either
        gap, variance = torch.where(is_known, gap, 0.0), torch.where(is_known, variance, 1 / (2 * pi))
        along, noise = [torch.where(is_known, a, 0.0) for a in along], torch.where(is_known, noise, 1 / (2 * pi))
    gain = [a / variance for a in along]
    mean = [torch.addcmul(m, g, gap) for m, g in zip(mean, gain, strict=True)]
    covariance = _less(covariance, gain, along, _left(equation.now, noise / variance))
    return mean, covariance, (variance, gap.square() / variance)


def _along(
    coefficients: Mapping[int, int | None], covariance: Matrix, noise: torch.Tensor, at: Step
) -> tuple[Vector, torch.Tensor]:
    """The covariances of a state with a linear function of it plus noise of some variance, and the variance of that."""
    size = len(covariance)
    along = [_plus(_dot(coefficients, _column(covariance, i, size), at)) for i in range(size)]
    return along, _plus(noise, _dot(coefficients, along, at))


def _left(coefficients: Mapping[int, int | None], share: torch.Tensor) -> dict[int, torch.Tensor]:
    """Of a function of one number alone, that number, and the share of its covariances that is left once the function is known."""
    return dict.fromkeys(coefficients, share) if len(coefficients) == 1 else {}


def _less(covariance: Matrix, gain: Vector, along: Vector, left: Mapping[int, torch.Tensor]) -> Matrix:
    """The covariance once a linear function is known. gain: `along` over its variance. left: as of `_left`, without the rounding of a
    difference: noise may be many orders of magnitude less than what is known before."""
    rows = [
        [
            c * left[i] if i in left else c * left[j] if j in left else torch.addcmul(c, gain[i], along[j], value=-1)
            for j, c in enumerate(row)
        ]
        for i, row in enumerate(covariance)
    ]
    for i, row in enumerate(rows):
        row[i].clamp_min_(0.0)
    return rows


@dataclass
class _Backward:
    """The law of x_t given x_(t+1) and the outcomes up to t: mean offset + slope x_(t+1). slope: by number of x_t, of x_(t+1)."""

    offset: Vector
    slope: list[dict[int, torch.Tensor]] = field(default_factory=list)
    covariance: Matrix = field(default_factory=list)

    def mean_given(self, ahead: Vector) -> Vector:
        return [
            sum((factor * ahead[k] for k, factor in row.items()), offset)
            for offset, row in zip(self.offset, self.slope, strict=True)
        ]

    def covariance_given(self, ahead: Matrix) -> Matrix:
        """Not given x_(t+1) but its covariance."""
        size, zero = len(ahead), torch.zeros_like(self.offset[0])
        columns = [_column(ahead, number, size) for number in range(size)]
        half = [[sum((f * column[k] for k, f in row.items()), zero) for column in columns] for row in self.slope]
        return [
            [sum((f * half[i][k] for k, f in self.slope[j].items()), own) for j, own in enumerate(row)]
            for i, row in enumerate(self.covariance)
        ]


def _back(here: _Filtered, equations: Sequence[Equation], at: Step) -> _Backward:
    """Takes the equations of the next step for outcomes of this one. at: operands at the next step."""
    found = _Backward(list(here.mean), [{} for _ in here.mean], here.covariance)
    for k, equation in enumerate(equations):
        if not equation.before:
            continue
        noise = at[equation.sd]
        along, variance = _along(equation.before, found.covariance, noise, at)
        offset = _optional(equation.offset, at)
        expected = _plus(offset, _dot(equation.before, found.offset, at))
        one = torch.ones_like(variance)
        slope = {number: -_times(_optional(position, at), one) for number, position in equation.now.items()}
        for j, position in equation.before.items():
            for number, factor in found.slope[j].items():
                slope[number] = _plus(-_times(_optional(position, at), factor), slope.get(number))
        slope[k] = _plus(one, slope.get(k))
        gain = [a / variance for a in along]
        for i, g in enumerate(gain):
            found.offset[i] = found.offset[i] - g * expected
            for number, factor in slope.items():
                found.slope[i][number] = _plus(g * factor, found.slope[i].get(number))
        found.covariance = _less(found.covariance, gain, along, _left(equation.before, noise / variance))
    return found


def _drawn(mean: Vector, covariance: Matrix, noise: torch.Tensor) -> Vector:
    """A draw, by the Cholesky factor of the covariance. noise: standard normal, (number, chain, *particles)."""
    factor: Matrix = []
    for i, row in enumerate(covariance):
        factor.append([])
        for j, entry in enumerate(row):
            rest = entry - sum((a * b for a, b in zip(factor[i], factor[j], strict=False)), torch.zeros_like(entry))
            factor[i].append(rest.clamp_min(0.0).sqrt() if i == j else (rest / factor[j][j]).nan_to_num(0.0, 0.0, 0.0))
    return [
        m + sum((f * z for f, z in zip(row, noise, strict=False)), torch.zeros_like(m))
        for m, row in zip(mean, factor, strict=True)
    ]
