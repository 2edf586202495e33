"""Binary outcomes on the logit scale: the rows of a member share one logarithm.

log p(y | eta) = -log(1 + exp(-s eta)) with s = 1 for y = 1 and s = -1 for y = 0. Over the rows of a pack these are the logarithm of one
product, so a row costs an exponential and a multiplication, a third of log(1 + exp(.)). Where the predictor is a sum over two sets of
particles, compile/additive.py does better.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from qemppl.compile.builder import Builder
from qemppl.compile.layout import Layout
from qemppl.compile.packs import Packing, pack
from qemppl.compile.rows import Rows
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import softplus

WORTH_IT = 0.7
"""Rows are packed where there are at most this many packs a row."""


def packed_density(builder: Builder, rows: Rows) -> tuple[int, Packing] | None:
    """The slot of the log-density of each pack of rows, (pack, *particles), and the packs; None where the law is another one, or few
    rows would share a logarithm."""
    variable = rows.variable
    if (
        variable.law != "bernoulli_logit"
        or not rows.is_plain
        or variable.plate is None
        or "binary" not in builder.passes
    ):
        return None
    if not builder.layouts[builder.expression(variable.arguments[0])].groups:
        return None
    packing = pack(builder, rows, variable.arguments[0], WORTH_IT)
    if packing is None:
        return None
    outcomes = np.asarray(builder.bound.arrays[variable.name], np.float64)
    slots = []
    for number, place in enumerate(packing.places(builder)):
        signs = 1 - 2 * outcomes[packing.rows[:, number]]
        sign = builder.constant(("sign", place.view), Layout(packing.axis), partial(np.asarray, signs))
        eta = builder.expression(variable.arguments[0], {variable.plate: place.view})
        slots.append(place.counted(builder, builder.call("multiply", [sign, eta])))
    return builder.elementwise(f"log of a product of {packing.width} rows", _log_of_product, slots), packing


def _log_of_product(*terms: torch.Tensor) -> torch.Tensor:
    """- sum of log(1 + exp(term)) over the places of a pack: one logarithm of the product, unless that overflows."""
    first, *others = terms
    product = first.exp().add_(1)
    factor = torch.empty_like(product)
    for term in others:
        product.mul_(torch.exp(term, out=factor).add_(1))
    if not float(product.amax()) < torch.inf:
        return -torch.stack([softplus(term) for term in terms]).sum(0)
    return product.log_().neg_()
