"""Summing out the states of chains: forward along the steps, or in a tree, and back for marginal weights and joint draws.

The log-factors of a chain are one table for each step, of every pair of its state and the one before, (member, previous, state, rest), in
bits; all that is summed out before has been added to them. At a first step the previous state does not matter: value 0 stands for it.

  - One step after another: log m_t(x) = log sum over x' of m_(t-1)(x') exp table_t(x', x), for all chains at once. The terms
    of the sum over the sum are the law of the state before given all up to t, which is all that the way back needs
    (forward filtering, backward sampling: Carter and Kohn 1994). It costs S^2 exponentials a step, and as many operations as steps.
  - In a tree: two neighbouring tables become one by summing out the state between them, S^3 exponentials a pair, over and
    over (an associative scan: Saerkkae and Garcia-Fernandez 2021). It costs log2(steps) operations, and is used where states are few.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

from qemppl.compile.eliminate import Step
from qemppl.engine.choosing import choose
from qemppl.engine.links import Fold, Links
from qemppl.engine.step_sums import LOG2_E, Conditional, Section, possible_share
from qemppl.numerics.lazy import torch

STEP_ENTRIES = 1 << 12
"""Entries that a tree sums out, some ten nanoseconds each, in the time that the operations of one step take at least."""


@dataclass(frozen=True)
class ChainConditional(Conditional):
    """What the step of a chain leaves behind. terms: by method. last: E of each chain's last state, (chain, state, rest), and ends: their
    sums, (chain, rest). folded: what each fold leaves, E (pair, between, before, after, rest) and its sum; None along the steps.
    """

    links: Links
    last: torch.Tensor
    ends: torch.Tensor
    folded: tuple[tuple[torch.Tensor, torch.Tensor], ...] | None

    def weigh(self, adjoint: torch.Tensor) -> tuple[Conditional, torch.Tensor]:
        """As a step's own: with a conditional whose terms times the weights that come with it, (member, *state, *rest), are the marginal
        weights of all pairs. adjoint: those of the rest, (parent, *rest)."""
        step, (members, *sizes) = self.step, self.terms[0].shape
        rest = adjoint.reshape(len(adjoint), -1)[self.links.owner]
        marginal = self.last * possible_share(rest, self.ends)[:, None]
        given = (members, *sizes[len(step.summed) :])
        if self.folded is None:
            return self, _back_along(self, marginal).reshape(given)
        pairs = _unfold(self, marginal)
        total = pairs.sum(1).reshape(given)
        return Conditional(step, self.section, (pairs.reshape(members, *sizes),), total), torch.ones_like(total)

    def draw(self, rest: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """The state of every step in joint draws: (draw, member), all dims of a state as one. rest: the values given, all dims as one,
        (draw, parent)."""
        rest = rest[:, self.links.owner]
        chain = torch.arange(self.links.chains, device=rest.device).expand_as(rest)
        ends = choose(self.last.mT, (chain, rest), generator)
        return (_draw_along if self.folded is None else _draw_folded)(self, rest, ends, generator)


def sum_out_chain(
    step: Step, section: Section, terms: torch.Tensor, links: Links
) -> tuple[ChainConditional, torch.Tensor]:
    """Sums out the states. terms: the log-factors, (member, *previous, *state, *rest), which are used up.

    The message is for each parent, (parent, *rest), 0 where it has no chain.
    """
    table = _by_pairs(step, terms).mul_(LOG2_E)
    table[links.first, 1:] = -torch.inf
    states = table.shape[1]
    if table.numel() * (states - 1) <= STEP_ENTRIES * links.longest:
        message, folded = _fold(table, links)
        total = message  # nobody reads it
    else:
        (message, total), folded = _forward_along(table, links), None
        total = total.reshape(len(terms), *terms.shape[1 + len(step.summed) :])
    shift = _exponentiate(message)
    ends = message.sum(1)
    out = message.new_zeros(links.parents, ends.shape[1])
    out[links.owner] = (ends.log2() + shift) / LOG2_E
    sizes = terms.shape[1 + len(step.eliminated) :]
    found = ChainConditional(step, section, (terms,), total, links, message, ends, folded)
    return found, out.reshape(links.parents, *sizes)


def _by_pairs(step: Step, terms: torch.Tensor) -> torch.Tensor:
    """(member, *previous, *state, *rest) -> (member, previous, state, rest)."""
    states, rest = prod(terms.shape[1 : 1 + len(step.summed)]), prod(terms.shape[1 + len(step.eliminated) :])
    return terms.view(len(terms), states, states, rest)


def _exponentiate(bits: torch.Tensor, shift: torch.Tensor | None = None) -> torch.Tensor:
    """Turns (row, summed, *) into 2^(bits - shift), in place; the shift is the maximum over what is summed out, (row, *). Where nothing is
    possible, what comes out is 0. shift: memory for it."""
    shift = torch.amax(bits, 1, out=shift).clamp_min_(torch.finfo(bits.dtype).min)
    bits.sub_(shift[:, None]).exp2_()
    return shift


# Along the steps.


def _forward_along(table: torch.Tensor, links: Links) -> tuple[torch.Tensor, torch.Tensor]:
    """Turns the table, in place, into E; with it the log-message of each chain's last step, (chain, state, rest), in bits, and the sums of
    E over the previous state, (member, state, rest)."""
    total = torch.ones_like(table[:, 0])
    steps, totals = _Steps(table, links), _Steps(total, links)
    message = steps.at(0)[:, 0].clone()
    table[links.first] = 0.0
    table[links.first, 0] = 1.0
    for number in range(1, links.longest):
        block, sums = steps.at(number), totals.at(number)
        now = message[: block.shape[0]]
        block += now[:, :, None]
        _exponentiate(block, now)
        torch.sum(block, 1, out=sums)
        steps.put(number, block)
        totals.put(number, sums)
        now += sums.log2()
    return message, total


def _back_along(conditional: ChainConditional, marginal: torch.Tensor) -> torch.Tensor:
    """Weights of each step's state over the sum of its E: (member, state, rest). marginal: of each chain's last state, in place."""
    links, (terms,) = conditional.links, conditional.terms
    states, rest = marginal.shape[1:]
    table = _by_pairs(conditional.step, terms)
    total = conditional.total.view(len(table), states, rest)
    scaled = torch.empty_like(total)
    steps, totals, shares = (_Steps(each, links) for each in (table, total, scaled))
    for number in reversed(range(links.longest)):
        sums, share = totals.at(number), shares.at(number)
        now = marginal[: sums.shape[0]]
        possible_share(now, sums, share)
        shares.put(number, share)
        if number:
            torch.sum(steps.at(number) * share[:, None], 2, out=now)
    return scaled


def _draw_along(
    conditional: ChainConditional, rest: torch.Tensor, ends: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """ends: the last states, (draw, chain)."""
    links, (terms,) = conditional.links, conditional.terms
    table = _by_pairs(conditional.step, terms)
    steps = _Steps(table, links)
    drawn = torch.empty(len(rest), len(table), dtype=torch.long, device=rest.device)
    for number in reversed(range(links.longest)):
        members = links.steps[number]
        now = ends[:, : len(members)]
        drawn[:, members] = now
        if number:
            chain = torch.arange(len(members), device=rest.device).expand_as(now)
            before = choose(steps.at(number).movedim(1, -1), (chain, now, rest[:, : len(members)]), generator)
            now.copy_(before)
    return drawn


@dataclass(frozen=True)
class _Steps:
    """The rows of a table that stand at one step, of the chains that are long enough. table: (member, *)."""

    table: torch.Tensor
    links: Links

    @cached_property
    def _by_chain(self) -> torch.Tensor | None:
        """(chain, step, *) where the chains are equally long."""
        return self.table.view(self.links.chains, -1, *self.table.shape[1:]) if self.links.even else None

    def at(self, number: int) -> torch.Tensor:
        """A view where the chains are equally long, else a copy."""
        return self.table[self.links.steps[number]] if self._by_chain is None else self._by_chain[:, number]

    def put(self, number: int, rows: torch.Tensor) -> None:
        """Writes back what `at` gave."""
        if self._by_chain is None:
            self.table[self.links.steps[number]] = rows


# In a tree.


def _fold(table: torch.Tensor, links: Links) -> tuple[torch.Tensor, tuple[tuple[torch.Tensor, torch.Tensor], ...]]:
    """The log-message of each chain's last step, (chain, state, rest), in bits, and what each fold leaves."""
    folded = []
    for fold in links.folds:
        pairs = table[fold.left].transpose(1, 2)[:, :, :, None] + table[fold.right][:, :, None]
        shift = _exponentiate(pairs)
        total = pairs.sum(1)
        folded.append((pairs, total))
        table = torch.cat((total.log2() + shift, table[fold.lone]))
    return table[links.tops, 0], tuple(folded)


def _unfold(conditional: ChainConditional, marginal: torch.Tensor) -> torch.Tensor:
    """Marginal weights of all pairs of neighbouring states, (member, previous, state, rest). marginal: of each chain's last state."""
    assert conditional.folded is not None, "in a tree"
    states = marginal.shape[1]
    weights = marginal.new_zeros(len(marginal), states, *marginal.shape[1:])
    weights[conditional.links.tops, 0] = marginal
    for fold, (pairs, total) in zip(conditional.links.folds[::-1], conditional.folded[::-1], strict=True):
        joint = pairs * possible_share(weights[: len(pairs)], total)[:, None]
        below = weights.new_empty(2 * len(pairs) + len(fold.lone), *weights.shape[1:])
        below[fold.left], below[fold.right] = joint.sum(3).transpose(1, 2), joint.sum(2)
        below[fold.lone] = weights[len(pairs) :]
        weights = below
    return weights


def _draw_folded(
    conditional: ChainConditional, rest: torch.Tensor, ends: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """ends: the last states, (draw, chain)."""
    assert conditional.folded is not None, "in a tree"
    order = conditional.links.tops.argsort()
    after, given = ends[:, order], rest[:, order]
    first = torch.zeros_like(after)
    for fold, (pairs, _) in zip(conditional.links.folds[::-1], conditional.folded[::-1], strict=True):
        count = len(pairs)
        pair = torch.arange(count, device=rest.device).expand(len(rest), -1)
        picks = (pair, first[:, :count], after[:, :count], given[:, :count])
        between = choose(pairs.movedim(1, -1), picks, generator)
        first, after, given = (
            _spread(fold, *parts)
            for parts in (
                (first[:, :count], between, first[:, count:]),
                (between, after[:, :count], after[:, count:]),
                (given[:, :count], given[:, :count], given[:, count:]),
            )
        )
    return after


def _spread(fold: Fold, left: torch.Tensor, right: torch.Tensor, lone: torch.Tensor) -> torch.Tensor:
    """(draw, transition) before a fold, from those of the left and the right one of each pair, and of the others."""
    below = torch.empty(len(left), 2 * left.shape[1] + lone.shape[1], dtype=left.dtype, device=left.device)
    below[:, fold.left], below[:, fold.right], below[:, fold.lone] = left, right, lone
    return below
