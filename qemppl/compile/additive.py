"""Predictors that are sums: rows whose density needs exp(u + v), where u and v stand for different particles.

With u carrying the particles of a plate's latents and v those of others, exp(u + v) = exp(u) exp(v) takes an exponential for each
particle of u and of v, not for each pair of them. A count with log-rate u + v sums these products over the rows of a member, and a
binary outcome multiplies 1 + exp(u) exp(v) over several rows before it takes one logarithm of all. What is left of a row, the outcome
times u + v, is a sum of two terms of one set of particles each. So is that of a binary latent over whose values the evidence sums.

Rows are packed for this (compile/packs.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qemppl.compile.builder import Builder
from qemppl.compile.discrete import cuts_states
from qemppl.compile.layout import Layout
from qemppl.compile.packs import pack
from qemppl.compile.rows import Rows
from qemppl.ir.model import Call, DefinitionRef, Expr, ModelIR
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import softplus


@dataclass(frozen=True)
class Term:
    """One addend of a predictor. sign: 1 or -1. groups: its particles."""

    expr: Expr
    sign: int
    groups: frozenset[str]


@dataclass(frozen=True)
class Additive:
    """factors: slots. packs: how many there are, of `width` rows each."""

    factors: list[int]
    packs: int
    width: int


def additive_factors(builder: Builder, rows: Rows, homes: Mapping[str, str | None]) -> Additive | None:
    """The factors of an observation's rows with an additive predictor; None where it has none, or is another law's."""
    variable = rows.variable
    law = _LAWS.get(variable.law)
    if law is None or not rows.is_plain or variable.plate is None:
        return None
    chosen = slice(None) if rows.index is None else rows.index
    outcomes = builder.bound.arrays[variable.name][chosen].astype(np.float64)
    found = _separated(builder, rows, homes) if law.fits(outcomes) else None
    if found is not None:
        carrier = float(law.carrier(torch.as_tensor(outcomes)).sum())
        found.factors.append(builder.constant(("carrier", rows.site), Layout(), lambda: carrier))
    return found


def additive_latent(builder: Builder, rows: Rows, homes: Mapping[str, str | None]) -> Additive | None:
    """Those of a binary latent that is summed over exactly. Its value then meets each set of particles in a table of its own, and the
    sum over it is a product of two matrices; only the normaliser, which it has no part in, needs a table of both sets."""
    variable = rows.variable
    is_one = variable.law == "bernoulli_logit" and variable.enumerated and variable.initial is None
    if not is_one or variable.type.event or cuts_states(builder.bound, variable):
        return None
    return _separated(builder, rows, homes)


def _separated(builder: Builder, rows: Rows, homes: Mapping[str, str | None]) -> Additive | None:
    """All factors but the carrier."""
    variable, plate = rows.variable, rows.variable.plate
    if plate is None or "additive" not in builder.passes:
        return None
    first, second = _two_sums(builder, variable.arguments[0], homes)
    packing = pack(builder, rows, variable.arguments[0]) if second else None
    if packing is None:
        return None
    law, slots = _LAWS[variable.law], []
    for place in packing.places(builder):
        u, v = (_sum(builder, terms, {plate: place.view}) for terms in (first, second))
        slots += [u, place.counted(builder, v)]
    factors = [builder.elementwise(f"{law.name} of {packing.width} rows", law.normaliser, slots)]
    axis = rows.axis or plate
    value = builder.data(variable.name, axis) if variable.observed else builder.latent(variable.name)
    for terms in (first, second):
        factors.append(builder.call("multiply", [value, _sum(builder, terms, {plate: axis})]))
    return Additive(factors, packing.count, packing.width)


# Predictors.


def _two_sums(builder: Builder, predictor: Expr, homes: Mapping[str, str | None]) -> tuple[list[Term], list[Term]]:
    """The terms that share particles, directly or through others, with the deepest latent; and all other terms of latents or data.

    The second list is empty where no term of latents is left for it.
    """
    terms = [
        Term(expr, sign, frozenset(builder.layouts[builder.expression(expr)].groups))
        for expr, sign in addends(builder.bound.ir, predictor)
    ]
    groups = {group for term in terms for group in term.groups}
    if not groups:
        return terms, []
    deepest = builder.axes.deepest([homes[group] for group in groups])
    reached = {min(group for group in groups if homes[group] == deepest)}
    while grown := {g for term in terms if term.groups & reached for g in term.groups} - reached:
        reached |= grown
    first = [term for term in terms if term.groups & reached]
    second = [term for term in terms if not term.groups & reached]
    return first, second if any(term.groups for term in second) else []


def addends(ir: ModelIR, predictor: Expr) -> Iterator[tuple[Expr, int]]:
    """The addends of a sum, with their signs, through deterministic names."""
    definitions = {definition.name: definition.value for definition in ir.definitions}
    stack = [(predictor, 1)]
    while stack:
        node, sign = stack.pop()
        if isinstance(node, DefinitionRef):
            stack.append((definitions[node.name], sign))
        elif isinstance(node, Call) and node.function in {"add", "subtract", "negate"}:
            last = -sign if node.function in {"subtract", "negate"} else sign
            stack.append((node.arguments[-1], last))
            stack.extend((argument, sign) for argument in node.arguments[:-1])
        else:
            yield node, sign


def _sum(builder: Builder, terms: Sequence[Term], cells: Mapping[str, str]) -> int:
    """The slot of the sum of some terms."""
    total = None
    for term in terms:
        slot = builder.expression(term.expr, cells)
        if total is None:
            total = slot if term.sign > 0 else builder.call("negate", [slot])
        else:
            total = builder.call("add" if term.sign > 0 else "subtract", [total, slot])
    assert total is not None, "a sum has terms"
    return total


# Laws.


@dataclass(frozen=True)
class _Law:
    """A law whose log p(y | eta) is y eta - normaliser(eta) + carrier(y).

    normaliser: from (u, v) of each place of a pack, minus its sum over the places. fits: whether the law can give all these outcomes.
    """

    name: str
    normaliser: Callable[..., torch.Tensor]
    carrier: Callable[[torch.Tensor], torch.Tensor]
    fits: Callable[[NDArray[np.float64]], bool]


def _exponentials(operands: Sequence[torch.Tensor]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """exp(u), exp(v) of each place; places that share a tensor share its exponential."""
    known: dict[int, torch.Tensor] = {}
    for operand in operands:
        if id(operand) not in known:
            known[id(operand)] = operand.exp()
    each = [known[id(operand)] for operand in operands]
    return list(zip(each[::2], each[1::2], strict=True))


def _log_of_products(*operands: torch.Tensor) -> torch.Tensor:
    """- sum of log(1 + exp(u + v)) over the places of a pack: one logarithm of the product, unless that overflows."""
    (u, v), *others = _exponentials(operands)
    product = torch.mul(u, v).add_(1)
    factor = torch.empty_like(product)
    for u, v in others:
        product.mul_(torch.mul(u, v, out=factor).add_(1))
    if not float(product.amax()) < torch.inf:  # or not a number, where one exponential overflows and the other is 0
        return -torch.stack([softplus(u + v) for u, v in zip(operands[::2], operands[1::2], strict=True)]).sum(0)
    return product.log_().neg_()


def _sum_of_products(*operands: torch.Tensor) -> torch.Tensor:
    """- sum of exp(u + v) over the places of a pack."""
    total = None
    for u, v in _exponentials(operands):
        total = u * v if total is None else total.addcmul_(u, v)
    assert total is not None, "a pack has places"
    return total.neg_()


def _sum_of_one_factor(*operands: torch.Tensor) -> torch.Tensor:
    """The same where u is that of all places."""
    each = _exponentials(operands)
    return torch.stack([v for _, v in each]).sum(0).neg_() * each[0][0]


def _poisson_normaliser(*operands: torch.Tensor) -> torch.Tensor:
    is_shared = all(u is operands[0] for u in operands[::2])
    return (_sum_of_one_factor if is_shared else _sum_of_products)(*operands)


def _is_binary(y: NDArray[np.float64]) -> bool:
    return bool(np.isin(y, (0.0, 1.0)).all())


def _is_count(y: NDArray[np.float64]) -> bool:
    return bool(((y >= 0) & (y == np.floor(y))).all())


_LAWS = {
    "bernoulli_logit": _Law("log of products", _log_of_products, lambda y: torch.zeros_like(y), _is_binary),  # noqa: PLW0108 (torch is lazy)
    "poisson_log": _Law("sum of products", _poisson_normaliser, lambda y: -torch.lgamma(y + 1), _is_count),
}
