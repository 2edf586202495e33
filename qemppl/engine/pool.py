"""The report phase: independent E-steps under the final Q, combined by their evidence.

E[Zhat] and E[Zhat mhat] are exact for every K, so R replicates combine as mean = sum Zhat_r mhat_r / sum Zhat_r, consistent as R
grows at fixed K (engine: pooled replicates). Replicate weights are Pareto-smoothed (Vehtari et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, log

from qemppl.compile.plan import Plan
from qemppl.engine.draws import draw_indices, pick
from qemppl.engine.particles import Particles, Proposal
from qemppl.engine.qem import Sampler, Weighted
from qemppl.numerics.lazy import torch
from qemppl.numerics.pareto import khat_from_tail, shape_of_largest, smooth, tail_size, threshold

FEWEST, MOST = 100, 1000
"""Replicates."""
ROUND = 50
"""Replicates between two looks at the Monte Carlo error."""
HOPELESS = 0.9
"""Shape of the replicate weights from which on more replicates do not help."""
SPARE_DRAWS = 2
"""Draws stored for each draw reported, so that replicates can be resampled by weight."""


@dataclass(frozen=True)
class Moments:
    """Pooled posterior moments of one latent, each (member, *event). mcse, sd_mcse: of the mean, of the sd."""

    mean: torch.Tensor
    sd: torch.Tensor
    mcse: torch.Tensor
    sd_mcse: torch.Tensor

    @property
    def noise(self) -> torch.Tensor:
        """The larger of the Monte Carlo errors of mean and sd, in posterior sd."""
        return torch.maximum(self.mcse, self.sd_mcse) / self.sd.clamp_min(torch.finfo(self.sd.dtype).tiny)


@dataclass(frozen=True)
class GroupTail:
    """The importance weights of one group, pooled over replicates. particles: their number. ess: (member,).

    khat: (member,), the fitted shape of the tail or what the largest weight speaks for, whichever is less.
    """

    ess: torch.Tensor
    khat: torch.Tensor
    particles: int


@dataclass(frozen=True)
class Report:
    """What the report phase found. log_z: (replicate,). weights: (replicate,), sum to 1; equal where `fell_back`.

    draws: joint draws by latent, (draw, member, *event).
    """

    log_z: torch.Tensor
    weights: torch.Tensor
    khat: float
    fell_back: bool
    moments: Mapping[str, Moments]
    tails: Mapping[str, GroupTail]
    draws: Mapping[str, torch.Tensor]
    worst_error: float

    @property
    def replicates(self) -> int:
        return len(self.log_z)


@dataclass
class _Pool:
    """Sums over replicates. By latent: centre (member, *event), first and second moments around it by replicate."""

    log_z: list[float] = field(default_factory=list)
    centres: dict[str, torch.Tensor] = field(default_factory=dict)
    first: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    second: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    squares: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    tails: dict[str, torch.Tensor] = field(default_factory=dict)
    draws: list[dict[str, torch.Tensor]] = field(default_factory=list)

    def add(self, particles: Particles, weighted: Weighted, group_of: Mapping[str, str]) -> None:
        """Takes one replicate in."""
        log_z = weighted.evidence.log_z.item()
        self.log_z.append(log_z)
        for name, values in particles.values.items():
            weight = weighted.weights[group_of[name]]
            weight = weight.reshape(*weight.shape, *(1,) * (values.dim() - 2))
            if name not in self.centres:
                self.centres[name] = (weight * values).sum(1)
            offset = values - self.centres[name][:, None]
            weighted_offset = weight * offset
            self.first.setdefault(name, []).append(weighted_offset.sum(1))
            self.second.setdefault(name, []).append((weighted_offset * offset).sum(1))
        for name in particles.clouds:
            weight = weighted.weights[name]
            self.squares.setdefault(name, []).append(weight.square().sum(-1))
            self._keep_tail(name, weight.log() + log_z)

    def _keep_tail(self, name: str, log_weight: torch.Tensor) -> None:
        """The largest weights of each member, as many as a Pareto fit of all replicates can use."""
        joined = torch.cat((self.tails[name], log_weight), -1) if name in self.tails else log_weight
        most = tail_size(MOST * log_weight.shape[-1]) + 1
        self.tails[name] = joined.topk(min(most, joined.shape[-1]), -1).values

    def weights(self) -> tuple[torch.Tensor, float, bool]:
        """Replicate weights, their k-hat, and whether they had to be replaced by equal ones."""
        log_z = torch.tensor(self.log_z, dtype=torch.float64)
        smoothed, khat = smooth(log_z)
        weights = smoothed.softmax(0)
        shape = float(torch.minimum(khat, shape_of_largest(log_z.log_softmax(0).max(), len(log_z))))
        if shape > threshold(len(weights)):
            return torch.full_like(weights, 1 / len(weights)), shape, True
        return weights, shape, False

    def moments(self, weights: torch.Tensor) -> dict[str, Moments]:
        """Pooled moments of every latent."""
        return {name: self._moments(name, weights) for name in self.centres}

    def _moments(self, name: str, weights: torch.Tensor) -> Moments:
        first, second = torch.stack(self.first[name]), torch.stack(self.second[name])
        weights = weights.to(first).reshape(-1, *(1,) * (first.dim() - 1))
        mean = (weights * first).sum(0)
        variance = ((weights * second).sum(0) - mean.square()).clamp_min(0)
        sd = variance.sqrt()
        spread = second - 2 * mean * first + mean.square()  # the second moment around the pooled mean, by replicate
        mcse, variance_mcse = (
            _ratio_error(weights, values, value) for values, value in ((first, mean), (spread, variance))
        )
        sd_mcse = variance_mcse / (2 * sd.clamp_min(torch.finfo(sd.dtype).tiny))
        return Moments(self.centres[name] + mean, sd, mcse, sd_mcse)

    def group_tails(self, weights: torch.Tensor, particles: Mapping[str, int]) -> dict[str, GroupTail]:
        """ESS and k-hat of every group's pooled particles."""
        tails = {}
        for name, squares in self.squares.items():
            ess = 1 / (weights.to(squares[0])[:, None].square() * torch.stack(squares)).sum(0)
            total = particles[name] * len(self.log_z)
            log_share = self.tails[name].amax(-1) - torch.tensor(self.log_z, dtype=torch.float64).logsumexp(0)
            khat = torch.minimum(khat_from_tail(self.tails[name], total), shape_of_largest(log_share, total))
            tails[name] = GroupTail(ess, khat, total)
        return tails


def report(
    sampler: Sampler,
    proposals: Sequence[Proposal],
    draws: int,
    tolerance: float,
    watch: Callable[[int, float, float], None],
) -> Report:
    """Replicates until the Monte Carlo error of every mean and sd is at most `tolerance` posterior sd.

    draws: joint draws wanted. watch: called with the number of replicates, the last log Zhat and the worst error so far.
    """
    pool = _Pool()
    plan = sampler.plan
    group_of = {part.variable.name: group.name for group in plan.groups for part in group.parts}
    group_of |= {enumeration.name: enumeration.name for enumeration in plan.enumerations}
    each = ceil(SPARE_DRAWS * draws / FEWEST)
    worst = torch.inf
    hopeless = False
    while len(pool.log_z) < FEWEST or (worst > tolerance and len(pool.log_z) < MOST and not hopeless):
        step = sampler.e_step(proposals)
        weighted = sampler.weigh(step)
        pool.add(step.particles, weighted, group_of)
        indices = draw_indices(sampler.contraction, weighted.evidence, each, sampler.generator)
        pool.draws.append({n: v.cpu() for n, v in pick(step.particles, plan, indices).items()})
        if each * len(pool.draws) > 2 * SPARE_DRAWS * draws and each > 1:
            each = ceil(each / 2)
            pool.draws = [{name: values[:each].clone() for name, values in drawn.items()} for drawn in pool.draws]
        if len(pool.log_z) % ROUND == 0:
            weights, khat, _ = pool.weights()
            worst = _worst_error(pool.moments(weights), plan)
            hopeless = khat > HOPELESS and len(pool.log_z) >= 2 * FEWEST
        watch(len(pool.log_z), pool.log_z[-1], worst)
    weights, khat, fell_back = pool.weights()
    return Report(
        log_z=torch.tensor(pool.log_z, dtype=torch.float64),
        weights=weights,
        khat=khat,
        fell_back=fell_back,
        moments=pool.moments(weights),
        tails=pool.group_tails(weights, plan.particles),
        draws=_resample(pool.draws, weights, draws, sampler.generator),
        worst_error=worst,
    )


def log_evidence(report: Report) -> tuple[float, float | None]:
    """log of the mean of Zhat over replicates, and its Monte Carlo standard error (delta method).

    The error is None where replicates cannot be weighed: their spread then says nothing of what they missed.
    """
    log_z = report.log_z
    relative = (log_z - log_z.max()).exp()
    error = float(relative.std() / relative.mean() / len(log_z) ** 0.5)
    return float(log_z.logsumexp(0) - log(len(log_z))), None if report.fell_back else error


def _ratio_error(weights: torch.Tensor, values: torch.Tensor, ratio: torch.Tensor) -> torch.Tensor:
    """Standard error of the ratio sum w v / sum w over replicates (delta method). weights sum to 1; values (replicate, ...)."""
    count = len(values)
    return ((weights * (values - ratio)).square().sum(0) * count / (count - 1)).sqrt()


def _worst_error(moments: Mapping[str, Moments], plan: Plan) -> float:
    """The largest Monte Carlo error of a mean or an sd, in posterior sd. An enumerated latent is no less exact than what it hangs on,
    and its sd may be next to nothing."""
    sampled = (moments[part.variable.name] for group in plan.groups for part in group.parts)
    return max((float(m.noise.max()) for m in sampled), default=0.0)


def _resample(
    stored: list[dict[str, torch.Tensor]], weights: torch.Tensor, draws: int, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Equal-weight draws: systematic resampling of the replicates by weight, then shuffled."""
    each = len(next(iter(stored[0].values())))
    heights = weights.repeat_interleave(each).cumsum(0)
    start = torch.rand(1, generator=generator, dtype=torch.float64, device=generator.device).cpu()
    points = (torch.arange(draws) + start) / draws * heights[-1]
    index = torch.searchsorted(heights, points).clamp_max(len(heights) - 1)
    index = index[torch.randperm(draws, generator=generator, device=generator.device).cpu()]
    return {name: torch.cat([drawn[name] for drawn in stored])[index] for name in stored[0]}
