"""The ordered logistic law."""

from __future__ import annotations

from qemppl.distributions.base import Argument
from qemppl.distributions.categories import CategoryLaw, position
from qemppl.numerics.elementwise import plus
from qemppl.numerics.lazy import torch
from qemppl.numerics.special import log1mexp, softplus
from qemppl.numerics.supports import REAL
from qemppl.numerics.vectors import pick


class OrderedLogistic(CategoryLaw):
    """ordered_logistic(eta, c): P(X = k) = inv_logit(c[k] - eta) - inv_logit(c[k-1] - eta), c[0] = -inf, c[m+1] = inf.

    As log(1 - exp(c[k-1] - c[k])) + log inv_logit(c[k] - eta) + log inv_logit(eta - c[k-1]), which keeps the relative accuracy.
    """

    name = "ordered_logistic"
    arguments = (Argument("eta", REAL), Argument("c", REAL, ("m",), "ordered"))
    categories = ("c", 1)

    def log_prob(self, x: torch.Tensor, *arguments: torch.Tensor) -> torch.Tensor:
        eta, c = arguments
        ends = _ends(c)
        index, inside = position(x, c.shape[-1] + 1)
        log_p = _log_between(pick(ends, index), pick(ends, index + 1), eta)
        return plus(plus(log_p, pick(log1mexp(ends.diff(dim=-1)), index)), inside)

    def log_probabilities(self, *arguments: torch.Tensor) -> torch.Tensor:
        eta, c = arguments
        ends = _ends(c)
        log_p = _log_between(ends[..., :-1], ends[..., 1:], eta.unsqueeze(-1))
        return plus(log_p, log1mexp(ends.diff(dim=-1)))


def _ends(c: torch.Tensor) -> torch.Tensor:
    """Lower and upper end of each category: the cutpoints between -inf and inf."""
    infinity = torch.full_like(c[..., :1], torch.inf)
    return torch.cat((-infinity, c, infinity), -1)


def _log_between(lower: torch.Tensor, upper: torch.Tensor, eta: torch.Tensor) -> torch.Tensor:
    """log inv_logit(upper - eta) + log inv_logit(eta - lower)."""
    return -plus(softplus(eta - upper), softplus(lower - eta))
