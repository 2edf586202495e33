"""One step of the elimination: exponentials of log-factors, their sum over particles, and what flows back through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log, prod

from qemppl.compile.eliminate import Step
from qemppl.compile.slabs import Members
from qemppl.numerics.lazy import torch

Operands = tuple["torch.Tensor", ...]
"""The summed log-factors of a step, one tensor for each of its parts: (member, *dims of the part)."""
WHOLE = slice(None)
LOG2_E = 1 / log(2)
"""exp(x) is taken as 2^(x log2 e): half the time of `exp`, and a tenth where it underflows, as it does for most pairs of particles."""


@dataclass(frozen=True)
class Section:
    """Steps that run together: those of the trunk, or those of one slab on its members."""

    number: int
    steps: tuple[Step, ...]
    members: Members = field(default_factory=dict)

    def of(self, plate: str | None) -> slice:
        """The members of a plate that it has."""
        return self.members.get(plate, WHOLE)


@dataclass(frozen=True)
class Conditional:
    """What a step leaves behind. terms: E by part, (member, *dims of the part); total: s, (member, *given). Of a slab, both may be in
    single precision."""

    step: Step
    section: Section
    terms: Operands
    total: torch.Tensor

    def weigh(self, adjoint: torch.Tensor) -> tuple[Conditional, torch.Tensor]:
        """With the weights (member, *given) that make marginal weights of its terms. adjoint: those of the rest, (member, *rest)."""
        return self, possible_share(adjoint, self.total)


def column(factor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """(beta,) with as many axes as another tensor."""
    return factor.reshape(-1, *(1,) * (like.dim() - 1))


def times(factor: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """(beta,) times (1 or beta, *dims) -> (beta, *dims)."""
    return column(factor, table) * table


def dims_of(step: Step, groups: Sequence[str]) -> tuple[str, ...]:
    """The part of a step that a table of these groups is added to."""
    return next(part for part in step.parts if set(groups) <= set(part))


def part_of(terms: Operands, step: Step, groups: Sequence[str]) -> torch.Tensor:
    """The operand that a table of these groups is added to."""
    return terms[step.parts.index(dims_of(step, groups))]


def sum_out(step: Step, section: Section, terms: Operands, kept: Operands) -> tuple[Conditional, torch.Tensor]:
    """Exponentiates the terms, which it uses up, and sums them over the eliminated dims; the message is the log of that sum.

    kept: memory for the exponentials.
    """
    if not step.eliminated:
        ones = torch.ones_like(terms[0])
        return Conditional(step, section, (ones,), ones), terms[0].clone()
    if len(terms) > 1:
        _balance(step, terms)
    shifts = [exponentiate(term, len(step.eliminated), out) for term, out in zip(terms, kept, strict=True)]
    if len(terms) == 1:
        total = kept[0].sum(tuple(range(1, 1 + len(step.eliminated))))
    else:
        total = torch.einsum(
            ",".join(_letters(step, part) for part in step.parts) + f"->{_letters(step, step.rest)}", *kept
        )
    message = total.to(terms[0].dtype).log()
    for shift, part in zip(shifts, step.parts, strict=True):
        rest = tuple(dim for dim in part if dim in step.rest)
        message += spread(shift, rest, step.rest)
    return Conditional(step, section, kept, total), message


def exponentiate(terms: torch.Tensor, eliminated: int, out: torch.Tensor) -> torch.Tensor:
    """Puts exp(terms - shift) into `out`; the shift is the maximum over the first `eliminated` axes, without these. Uses up the terms."""
    axes = tuple(range(1, 1 + eliminated))
    shift = terms.amax(axes, keepdim=True)
    shift.masked_fill_(shift == -torch.inf, 0.0)  # a row without any possible particle stays at weight 0
    # shifted before it is scaled: as one operation, the rounding of log-factors below -1e19 would overflow
    shifted = torch.sub(terms, shift, out=out if out.dtype == terms.dtype else terms).mul_(LOG2_E)
    (shifted if out.dtype == terms.dtype else out.copy_(shifted)).exp2_()
    return shift.squeeze(axes)


def _balance(step: Step, terms: Operands) -> None:
    """Moves half of the difference of two factors' maxima at each summed-out particle from one to the other.

    Their products then underflow only where both are far below the largest one that is possible, even if what one factor favours is
    nearly impossible for the other.
    """
    first, second = terms
    heights = [term.flatten(1 + len(step.eliminated)).amax(-1) for term in (first, second)]
    half = (0.5 * (heights[0] - heights[1])).nan_to_num(0.0, 0.0, 0.0)
    for term, sign in ((first, -1), (second, 1)):
        term.add_(half.reshape(*half.shape, *(1,) * (term.dim() - half.dim())), alpha=sign)


def spread(table: torch.Tensor, own: tuple[str, ...], dims: tuple[str, ...]) -> torch.Tensor:
    """A view of (member, *own) with the axes (member, *dims)."""
    order = [group for group in dims if group in own]
    permuted = table.permute(0, *(1 + own.index(group) for group in order))
    shape = iter(permuted.shape[1:])
    return permuted.reshape(permuted.shape[0], *(next(shape) if group in own else 1 for group in dims))


def possible_share(part: torch.Tensor, whole: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """part / whole, 0 where nothing is possible. out: memory for it."""
    return torch.div(part, whole, out=out).nan_to_num_(0.0, 0.0, 0.0)


def effective_terms(conditional: Conditional) -> torch.Tensor:
    """The effective number of combinations that a step sums out, s^2 over the sum of E^2: (member, *rest), 0 where none is possible."""
    step, squares = conditional.step, [term.square() for term in conditional.terms]
    if len(squares) == 1:
        total = squares[0].sum(tuple(range(1, 1 + len(step.summed))))
    else:
        total = torch.einsum(
            ",".join(_letters(step, part) for part in step.parts) + f"->{_letters(step, step.rest)}", *squares
        )
    return (conditional.total.square() / total).nan_to_num(0.0)


def _letters(step: Step, groups: Sequence[str]) -> str:
    """The member axis and those of some groups, for einsum."""
    return "a" + "".join(chr(ord("b") + step.dims.index(group)) for group in groups)


def reduce_to(conditional: Conditional, scaled: torch.Tensor, kept: tuple[str, ...]) -> torch.Tensor:
    """Sum of terms (member, *dims) times scaled (member, *given) over all groups but those kept: (member, *kept)."""
    step, terms, dtype = conditional.step, conditional.terms, scaled.dtype
    scaled = scaled.to(terms[0].dtype)
    if set(kept) <= set(step.given):
        others = tuple(1 + axis for axis, group in enumerate(step.given) if group not in kept)
        weights = (scaled * conditional.total).to(dtype)
        return weights.sum(others) if others else weights
    if kept == step.summed and len(terms) == 1:
        members, *sizes = terms[0].shape[: 1 + len(kept)]
        rest = prod(scaled.shape[1:])
        rows = terms[0].reshape(members, prod(sizes), rest)
        adjoint = scaled.expand(members, *scaled.shape[1:]).reshape(members, 1, rest)
        return torch.bmm(adjoint, rows.mT).reshape(members, *sizes).to(dtype)
    factors, dims = [*zip(step.parts, terms, strict=True)], step.given
    factors.sort(key=lambda factor: set(kept) <= set(factor[0]))  # last the one that has all that is kept
    while factors:
        part, term = factors.pop(0)
        wanted = {*kept, *(dim for other, _ in factors for dim in other)}
        left = tuple(dim for dim in step.dims if dim in wanted and dim in {*dims, *part}) if factors else kept
        equation = f"{_letters(step, part)},{_letters(step, dims)}->{_letters(step, left)}"
        scaled, dims = torch.einsum(equation, term, scaled), left
    return scaled.to(dtype)
