"""Whether the particles of a plate are close enough together, and what to do where they are not.

At a particle of the global latents, the latents of a member are integrated over the particles drawn from their posterior Q. Where a
scale is near 0 (`real a ~ normal(mu, tau);`), their law given the global latents is narrower than the particles are apart, and the sum
hits it or misses it. Over many members the misses prevail: global particles with small scales lose their weight, in every replicate
alike, so no Monte Carlo error tells of it. What does tell is the effective number n of particles of that law.

The relative variance of the sum is v, and log Zhat at this global particle is on average v / 2 nats too small for each member. On a line
particles are a shifted grid: a normal law of sd s on a grid of spacing h has n = 2 sqrt(pi) s / h, and the trapezoid rule an error of
2 exp(-2 pi^2 s^2 / h^2) times the cosine of a random angle (Poisson summation), so v = 2 exp(-pi n^2). In more dimensions a small scale
makes the law narrow in one of them, where n of K quasi-random points hit it, and v is about 4 / n^3: the rate of scrambled nets for smooth
integrands (Owen 1997, "Scrambled net variance for integrals of smooth functions"), the factor measured on normal laws.

In a chain it is the law of a state given that of the next step, narrow where the state hardly changes from step to step. There v differs
from state to state, and its posterior mean counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log, pi, sqrt

from qemppl.compile.eliminate import Step
from qemppl.compile.groups import Group
from qemppl.compile.plan import Plan
from qemppl.data.chain_steps import first_steps
from qemppl.diagnostics.diagnostic import Diagnostic, Severity
from qemppl.engine.evidence import Contraction, Evidence
from qemppl.engine.step_sums import Conditional, effective_terms
from qemppl.numerics.lazy import torch

LOSS = 0.1
"""Nats that log Zhat may lose at a global particle over all members. Much more is lost at half as many effective particles."""
NARROW = 0.5
"""A law with this fraction of the effective particles that are usual is narrow. What all laws lose alike biases nothing; on a line, where
v rises so fast that they cannot be alike, less than enough is always too few."""
TOLERABLE = 0.01
"""Posterior weight where less than twice the effective particles that LOSS needs are left. The density of a scale is even near 0, so about
as much should lie below, and has been lost. Without a share p next to 0, the mean of a scale is p to 2 p posterior sd too large."""
GROWTHS, CHAIN_GROWTHS = (4, 2), (1.5,)
"""How many times the particles at once: the first that the work and the memory allow. Pairs of them meet in a chain, and a few more do much
there, so it gets them little by little."""
MOST_PARTICLES = 512
MOST_WORK, MOST_CHAIN_WORK = 1 << 25, 1 << 29
"""Entries of tables that an iteration with more particles may compute: some tenths of a second, and some seconds where the states of a
chain need them, for then all of the posterior does."""
MOSTLY = 0.5
"""Posterior weight that is not worth waiting for: more particles are taken at once."""


def unresolved(plan: Plan, contraction: Contraction, evidence: Evidence) -> dict[str, float]:
    """By group of a plate, the posterior weight of the global particles at which its own may be too far apart."""
    groups = {group.name: group for group in plan.groups}
    found: dict[str, float] = {}
    chains: dict[Step, _Losses] = {}
    for conditional, scaled in contraction.flow(evidence, evidence.backward()):
        step = conditional.step
        if step.states:
            chains.setdefault(step, _Losses(plan, step)).add(conditional, scaled)
            continue
        mine = [groups[name] for name in step.eliminated if name in groups]
        if step.plate is None or step.home == step.plate or not step.rest or len(mine) < len(step.eliminated):
            continue
        ess, weight = effective_terms(conditional), scaled * conditional.total
        members, homes = plan.axes.size(step.plate), plan.axes.size(step.home)
        if step.home is None:
            ess, weight = ess.mean(0), weight.mean(0) * len(weight)
        usual = (weight * ess).sum() / weight.sum()
        needed = enough(mine, members / homes)
        limit = (NARROW * usual).clamp(needed if _on_a_line(mine) else 0.0, 2 * needed)
        share = float(torch.where(ess < limit, weight, 0.0).sum()) / members
        for group in mine:
            found[group.name] = found.get(group.name, 0.0) + share
    return found | {name: losses.share for losses in chains.values() for name in losses.groups}


class _Losses:
    """Nats that the steps of a chain lose at each particle of the global latents."""

    def __init__(self, plan: Plan, step: Step) -> None:
        assert step.plate is not None, "a chain"
        self.groups = {group.name: group for group in plan.groups if group.name in step.states}
        self._is_first = torch.as_tensor(first_steps(plan.bound, step.plate), device=plan.target.device)
        self._others = [0, *(1 + i for i, dim in enumerate(step.given) if plan.homes[dim] is not None)]
        self._loss = self._weight = torch.zeros((), dtype=plan.target.dtype, device=plan.target.device)

    def add(self, conditional: Conditional, scaled: torch.Tensor) -> None:
        """Those of a section."""
        weight = scaled * conditional.total
        loss = weight * _relative_variance([*self.groups.values()], effective_terms(conditional)) / 2
        loss[self._is_first[conditional.section.of(conditional.step.plate)]] = 0.0
        self._loss, self._weight = self._loss + loss.sum(self._others), self._weight + weight.sum(self._others)

    @property
    def share(self) -> float:
        """The posterior weight of the particles at which LOSS is exceeded."""
        members = len(self._is_first)
        lost = self._loss * members > LOSS * self._weight
        return float(torch.where(lost, self._weight, 0.0).sum()) / members


def _relative_variance(groups: Sequence[Group], ess: torch.Tensor) -> torch.Tensor:
    """v of a sum over the particles of some groups, of which so many are effective; 0 where there are none of such."""
    if not groups:
        return torch.zeros_like(ess)
    return 2 * (-pi * ess.square()).exp() if _on_a_line(groups) else 4 / ess.clamp_min(1).pow(3)


def enough(groups: Sequence[Group], members: float) -> float:
    """The n at which `members` together lose LOSS, which is members v / 2."""
    if _on_a_line(groups):
        return sqrt(log(max(members / LOSS, 1)) / pi)
    return float((2 * members / LOSS) ** (1 / 3))


def _on_a_line(groups: Sequence[Group]) -> bool:
    return len(groups) == 1 and groups[0].on_a_line


def more_particles(plan: Plan, shares: Mapping[str, float]) -> dict[str, int]:
    """K of the groups that need more and can have them, where nobody asked for the K they have. shares: as of `unresolved`."""
    states = {state for chain in plan.chains for state in chain.states}
    few = [name for name, share in shares.items() if share > TOLERABLE]
    in_chain = bool(states.intersection(few))
    growths, work = (CHAIN_GROWTHS, MOST_CHAIN_WORK) if in_chain else (GROWTHS, MOST_WORK)
    room = min(work / max(plan.flops, 1), plan.target.memory / max(plan.peak_bytes, 1))
    growth = next((factor for factor in growths if factor ** (2 if in_chain else 1) <= room), None)
    if plan.choice.is_asked or growth is None:
        return {}
    grown = {name: int(growth * plan.particles[name]) for name in few}
    return {name: count for name, count in grown.items() if count <= MOST_PARTICLES}


def resolution_warnings(plan: Plan, shares: Mapping[str, float], tolerance: float) -> list[Diagnostic]:
    """Groups that do not resolve small scales. tolerance: for a mean, in posterior sd, which is about the share that is lost."""
    states = {state for chain in plan.chains for state in chain.states}
    return [
        (_unresolved_steps if group.name in states else _unresolved_scales)(plan, group, shares[group.name], tolerance)
        for group in plan.groups
        if shares.get(group.name, 0) > tolerance
    ]


def _unresolved_steps(plan: Plan, group: Group, share: float, tolerance: float) -> Diagnostic:
    latents = ", ".join(f"`{part.variable.name}`" for part in group.parts)
    return Diagnostic(
        code="QEM909",
        severity=Severity.WARNING,
        message=f"the {plan.particles[group.name]} particles of {latents} at each {group.plate} are too far apart for how little it "
        f"changes from one to the next, in {share:.1%} of the posterior; at most {tolerance:.1%} may",
        notes=(
            "given the next step, its law is narrower than its particles are apart; its sd is then too small, and so is the evidence, "
            "which no Monte Carlo error shows",
        ),
        hint="use more --particles, or give the chain fewer and longer steps",
    )


def _unresolved_scales(plan: Plan, group: Group, share: float, tolerance: float) -> Diagnostic:
    latents = ", ".join(f"`{part.variable.name}`" for part in group.parts)
    return Diagnostic(
        code="QEM909",
        severity=Severity.WARNING,
        message=f"the {plan.particles[group.name]} particles of {latents} at each {group.plate} are too far apart where a scale is near 0: "
        f"{share:.1%} of the posterior lies where they just suffice; at most {tolerance:.1%} may",
        notes=(
            "given the global latents, its law is narrower there than its particles are apart, and about as much of the posterior is lost: "
            f"a scale's mean may be {2 * share:.2g} posterior sd too large, which no Monte Carlo error shows",
        ),
        hint="write `real e ~ normal(0, 1); real a = mu + tau * e;` in place of `real a ~ normal(mu, tau);`, or use more --particles",
    )
