"""What lies beyond the outermost particles of a latent with one coordinate.

Particles reach some five sd of Q, in every replicate alike, so a tail beyond them leaves no trace in Monte Carlo errors. But their weights
tell the density at the ends: w = p / (K q). Between the outermost particle, at the distance R from the mean, and one further in it falls
like a power, r^-a; continued in that way, the tail beyond R has a second moment of p(R) R^3 / (a - 3), and none that is finite where
a <= 3. Where p falls faster than every power, as normal tails do, a grows with R and the result is too large by little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf

from qemppl.compile.chains import ends_of
from qemppl.compile.groups import Group
from qemppl.compile.plan import Plan
from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.engine.monitor import element
from qemppl.engine.particles import MANY, Proposal, draw_particles
from qemppl.engine.pool import Moments
from qemppl.engine.qem import Sampler
from qemppl.ir.model import RandomVariable
from qemppl.numerics.lazy import torch

MOST_BEYOND = 0.21
"""Of the second moment, relative to the variance reported: 1.1^2 - 1, for the sd is then a tenth too small."""
NEGLIGIBLE = 0.01
"""Of the variance, from R to e R at the slope of a second moment that diverges: MOST_BEYOND would take another 20 such steps."""
REPLICATES = 4
"""The density at the ends is noisy where it hangs on few particles of other groups; a tail is there in every replicate."""
FURTHER_IN = 16
"""The density falls between the outermost particle and that after one in FURTHER_IN of all."""


def beyond_reach(sampler: Sampler, proposals: Sequence[Proposal], moments: Mapping[str, Moments]) -> list[Diagnostic]:
    """Latents whose sd the particles cannot tell, as REPLICATES say alike. The ends of independent particles are chance, and so are those
    of fewer than MANY: their replicates differ, which shows in Monte Carlo errors."""
    plan = sampler.plan
    alone = [
        g for g in plan.groups if g.on_a_line and g.parts[0].variable.form is None and plan.particles[g.name] >= MANY
    ]
    if not alone or sampler.draw is not draw_particles:
        return []
    shares: dict[str, torch.Tensor] = {}
    for _ in range(REPLICATES):
        step = sampler.e_step(proposals)
        weighted = sampler.weigh(step)
        for group in alone:
            variable, weights = group.parts[0].variable, weighted.weights[group.name]
            x = step.particles.values[variable.name].reshape(weights.shape)
            log_p = weights.log() + step.particles.clouds[group.name].log_q
            share = _share_beyond(variable, moments[variable.name], x, log_p)
            shares[group.name] = torch.fmin(share, shares.get(group.name, share))
    return [warning for group in alone for warning in _in_words(plan, group, shares[group.name])]


def _share_beyond(variable: RandomVariable, moments: Moments, x: torch.Tensor, log_p: torch.Tensor) -> torch.Tensor:
    """The second moment beyond the particles x (member, particle), relative to the variance: (member,). log_p: log density / K."""
    mean, variance = moments.mean.reshape(-1, 1), moments.sd.reshape(-1).square()
    distance, order = (x - mean).abs(), x.argsort(1)
    total = torch.zeros_like(variance)
    for side in _open_ends(variable):
        places = order[:, [0, x.shape[1] // FURTHER_IN + 1] if side < 0 else [-1, -2 - x.shape[1] // FURTHER_IN]]
        (r, inner), (end, further) = distance.gather(1, places).T, log_p.gather(1, places).T
        power = (further - end) / (r.log() - inner.log())
        at_end = (end + 3 * r.log()).exp() * x.shape[1]
        total += torch.where(power > 3, at_end / (power - 3), torch.where(at_end > NEGLIGIBLE * variance, inf, 0.0))
    return (total / variance).nan_to_num(0.0, inf)


def _open_ends(variable: RandomVariable) -> Iterator[int]:
    """-1 and 1, where the support has no end below, or above."""
    least, most = ends_of(variable)
    if variable.bounds.lower is None and least == -inf:
        yield -1
    if variable.bounds.upper is None and most == inf:
        yield 1


def _in_words(plan: Plan, group: Group, share: torch.Tensor) -> list[Diagnostic]:
    bad = int((share > MOST_BEYOND).sum())
    if not bad:
        return []
    worst = share.argmax()
    name = element(plan.bound, group.parts[0].variable.name, worst, torch.Size((len(share), *group.parts[0].event)))
    largest = float(share.max())
    how = f"{largest:.0%} of its variance" if largest < inf else "more variance than is finite"
    others = f"; {bad - 1} more of the same plate" if bad > 1 else ""
    return [
        Diagnostic(
            code="QEM908",
            severity=Severity.WARNING,
            message=f"the posterior of {name} has a long tail beyond all particles: {how} lies there, and {MOST_BEYOND:.0%} may{others}",
            notes=(
                f"its tail falls more slowly than that of the {group.family.name} family; its sd, if there is one, is larger",
            ),
            hint="trust its quantiles, not its mean and sd; or give it a law with lighter tails",
        )
    ]
