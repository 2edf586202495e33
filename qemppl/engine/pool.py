"""The report phase: independent E-steps under the final Q, combined by their evidence (engine: pooled replicates)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from qemppl.compile.plan import Plan
from qemppl.engine.draws import pick
from qemppl.engine.particles import Particles, Proposal
from qemppl.engine.pooling import VERY_MANY, Pooling, Rule, log_mean, pool
from qemppl.engine.qem import Sampler, Weighted
from qemppl.numerics.lazy import torch
from qemppl.numerics.pareto import khat_from_tail, shape_of_largest, tail_size, threshold

SHORTEST_ROUND, LONGEST_ROUND = 13, 50
"""Replicates between two looks at the Monte Carlo error."""
FEWEST_ROUNDS, MOST_ROUNDS = 2, 20
WORK = 1 << 29
"""Entries of tables that a round may compute, some seconds, before it gets shorter. Fewer replicates are enough where an E-step is
expensive, for it then sees many particles or much data; the Monte Carlo error decides."""
HOPELESS = 0.9
"""Shape of the replicate weights from which on more replicates do not help."""
SPARE_DRAWS = 2
"""Draws stored for each draw reported, so that replicates can be resampled by weight. None are spare where a plate has very many members:
draws are dear there, and replicates as a rule weigh alike."""


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

    @property
    def heavy(self) -> torch.Tensor:
        """The members whose tail is too heavy for reliable averages: (member,)."""
        return self.khat > threshold(self.particles)


@dataclass(frozen=True)
class Report:
    """What the report phase found. log_z: (replicate,). pooling: how the replicates are weighed.

    draws: joint draws by latent, (draw, member, *event).
    """

    log_z: torch.Tensor
    pooling: Pooling
    moments: Mapping[str, Moments]
    tails: Mapping[str, GroupTail]
    draws: Mapping[str, torch.Tensor]
    worst_error: float

    @property
    def replicates(self) -> int:
        return len(self.log_z)

    @property
    def khat(self) -> float:
        """Of the weights Zhat_r of the replicates."""
        return self.pooling.khat

    @property
    def fell_back(self) -> bool:
        """Whether the replicates could not be weighed."""
        return self.pooling.rule is Rule.EQUAL


@dataclass
class _Pool:
    """Sums over replicates, at most `most`. By latent: centre (member, *event), first and second moments around it by replicate."""

    most: int
    log_z: list[float] = field(default_factory=list)
    centres: dict[str, torch.Tensor] = field(default_factory=dict)
    first: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    second: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    squares: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    tails: dict[str, list[torch.Tensor]] = field(default_factory=dict)
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
        """The largest weights of each member, as many as a Pareto fit of all replicates can use; selected when twice as many are kept."""
        kept = self.tails.setdefault(name, [])
        kept.append(log_weight)
        most = self.most * log_weight.shape[-1]
        if sum(part.shape[-1] for part in kept) > 2 * tail_size(most):
            self.tails[name] = [self._tail(name, most)]

    def _tail(self, name: str, weights: int) -> torch.Tensor:
        """(member, weight): as many as a fit to so many weights can use, the largest first."""
        joined = torch.cat(self.tails[name], -1)
        return joined.topk(min(tail_size(weights) + 1, joined.shape[-1]), -1).values

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

    def has_heavy_tail(self, weights: torch.Tensor, particles: Mapping[str, int]) -> bool:
        """Whether some member of some group has."""
        return any(bool(tail.heavy.any()) for tail in self.group_tails(weights, particles).values())

    def group_tails(self, weights: torch.Tensor, particles: Mapping[str, int]) -> dict[str, GroupTail]:
        """ESS and k-hat of every group's pooled particles."""
        tails = {}
        for name, squares in self.squares.items():
            ess = 1 / (weights.to(squares[0])[:, None].square() * torch.stack(squares)).sum(0)
            total = particles[name] * len(self.log_z)
            tail = self._tail(name, total)
            log_share = tail.amax(-1) - torch.tensor(self.log_z, dtype=torch.float64).logsumexp(0)
            khat = torch.fmin(khat_from_tail(tail, total), shape_of_largest(log_share, total))
            tails[name] = GroupTail(ess, khat, total)
        return tails


def report(
    sampler: Sampler,
    proposals: Sequence[Proposal],
    draws: int,
    tolerance: float,
    watch: Callable[[int, float, float], None],
) -> Report:
    """Replicates until the Monte Carlo error of every mean and sd is at most `tolerance` posterior sd, and no group's weights have too
    heavy a tail: one large weight of a few replicates may be chance, and more of them tell. An infinite tolerance asks for neither.

    draws: joint draws wanted. watch: called with the number of replicates, the last log Zhat and the worst error so far.
    """
    plan = sampler.plan
    round_length = max(SHORTEST_ROUND, min(LONGEST_ROUND, WORK // max(plan.flops, 1)))
    fewest, most = FEWEST_ROUNDS * round_length, MOST_ROUNDS * round_length
    if not sampler.pools:
        round_length = fewest = most = 1
    found = _Pool(most)
    group_of = _group_of(plan)
    members = max((plan.axes.size(home) for home in plan.homes.values()), default=1)
    stored = draws if members >= VERY_MANY else SPARE_DRAWS * draws
    each = ceil(stored / fewest)
    worst, pooling, is_enough = torch.inf, None, False
    while len(found.log_z) < fewest or (
        not is_enough and len(found.log_z) < most and not _is_hopeless(pooling, round_length)
    ):
        step = sampler.e_step(proposals)
        weighted = sampler.weigh(step)
        found.add(step.particles, weighted, group_of)
        indices = sampler.draw_indices(weighted, each)
        found.draws.append({n: v.cpu() for n, v in pick(step.particles, plan, indices).items()})
        if each * len(found.draws) > 2 * stored and each > 1:
            each = ceil(each / 2)
            found.draws = [{name: values[:each].clone() for name, values in drawn.items()} for drawn in found.draws]
        if len(found.log_z) % round_length == 0:
            pooling = pool(torch.tensor(found.log_z, dtype=torch.float64), members)
            worst = _worst_error(found.moments(pooling.weights), plan)
            is_enough = worst <= tolerance and (
                tolerance == torch.inf or not found.has_heavy_tail(pooling.for_draws, plan.particles)
            )
        watch(len(found.log_z), found.log_z[-1], worst)
    assert pooling is not None, "there is a round"
    return Report(
        log_z=torch.tensor(found.log_z, dtype=torch.float64),
        pooling=pooling,
        moments=found.moments(pooling.weights),
        tails=found.group_tails(pooling.for_draws, plan.particles),
        draws=_resample(found.draws, pooling.for_draws, draws, sampler.generator),
        worst_error=worst,
    )


def _group_of(plan: Plan) -> dict[str, str]:
    """By latent, the particle dim that its weights belong to."""
    group_of = {part.variable.name: group.name for group in plan.groups for part in group.parts}
    return group_of | {enumeration.name: enumeration.name for enumeration in plan.enumerations}


def log_evidence(report: Report) -> tuple[float, float | None]:
    """log of the evidence, and its Monte Carlo standard error; None where the replicates could not be weighed."""
    return log_mean(report.log_z, report.pooling.rule)


def _is_hopeless(pooling: Pooling | None, round_length: int) -> bool:
    """Whether more replicates would not help."""
    if pooling is None or pooling.rule is not Rule.EQUAL:
        return False
    return pooling.khat > HOPELESS and len(pooling.weights) >= 4 * round_length


def _ratio_error(weights: torch.Tensor, values: torch.Tensor, ratio: torch.Tensor) -> torch.Tensor:
    """Standard error of the ratio sum w v / sum w over replicates (delta method), NaN for one. weights sum to 1; values (replicate, ..)."""
    count = len(values)
    if count == 1:
        return torch.full_like(ratio, torch.nan)
    return ((weights * (values - ratio)).square().sum(0) * count / (count - 1)).sqrt()


def _worst_error(moments: Mapping[str, Moments], plan: Plan) -> float:
    """The largest Monte Carlo error of a mean or an sd, in posterior sd. An enumerated latent is no less exact than what it hangs on,
    and its sd may be next to nothing."""
    sampled = (moments[part.variable.name] for group in plan.groups for part in group.parts)
    return max((float(m.noise.max()) for m in sampled), default=0.0)


def _resample(
    stored: list[dict[str, torch.Tensor]], weights: torch.Tensor, draws: int, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Equal-weight draws: systematic resampling of the replicates by weight, then shuffled. Uses up what is stored, one latent after
    another."""
    if not stored[0]:
        return {}  # all latents are integrated in closed form
    each = len(next(iter(stored[0].values())))
    heights = weights.repeat_interleave(each).cumsum(0)
    start = torch.rand(1, generator=generator, dtype=torch.float64, device=generator.device).cpu()
    points = (torch.arange(draws) + start) / draws * heights[-1]
    index = torch.searchsorted(heights, points).clamp_max(len(heights) - 1)
    index = index[torch.randperm(draws, generator=generator, device=generator.device).cpu()]
    replicate, place = index // each, index % each
    resampled = {}
    for name in list(stored[0]):
        parts = [drawn.pop(name) for drawn in stored]
        resampled[name] = parts[0].new_empty((draws, *parts[0].shape[1:]))
        for number, part in enumerate(parts):
            mine = replicate == number
            resampled[name][mine] = part[place[mine]]
    return resampled
