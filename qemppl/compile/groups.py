"""Who shares a particle index: latents are gathered into groups, and each group gets a posterior family.

A latent alone gives K^n combinations; a joint group learns correlations. The rules, in order:
  - a `sampled` discrete latent stands alone, and so does one with a univariate family, or `dirichlet`, after `approx`;
  - the latents of one plate path share a group (so a `joint` block never needs to be split), but angles have one of their own: a normal law
    on the line ends where a circle is cut;
  - a plate whose latents, over all members, are few beside the global ones joins the global group, unless it is a chain with states;
  - a group of one scalar takes the family of its support, one of a single simplex the Dirichlet family, one of angles the von Mises
    family; any other, arrays of simplexes among them, is normal on the line, with full covariance up to a stated size;
  - the family of a discrete latent knows every value where there are not too many, else mean and variance.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import inf, prod

from qemppl.compile.chains import ends_of, laws_of
from qemppl.compile.discrete import MOST_STATES, limits_of
from qemppl.compile.layout import Layout
from qemppl.data.bound import BoundModel
from qemppl.distributions.registry import LAWS
from qemppl.families.base import Family
from qemppl.families.registry import make_family
from qemppl.ir.model import RandomVariable
from qemppl.numerics.vector_charts import coordinates

FULL_AT_ROOT = 128
FULL_ON_PLATE = 8
"""Largest dimension of a group with a full covariance matrix; above it the family is diagonal."""
MOST_COVARIANCES = 1 << 24
"""Numbers in the covariance matrices of all members of a group; where there are more, the family is diagonal."""
ASKED = "asked for with `approx`"
UNIVARIATE = ("gamma", "inv_gamma", "beta", "exponential")
"""Families of single numbers. The others name what a joint group does anyway: normal on the line, a positive latent as its log."""
ALONE = (*UNIVARIATE, "dirichlet")
"""Families whose latents share no particle index."""
FEW = 0.25
"""A plate's latents join the global group where they have at most this many coordinates for each global one."""


@dataclass(frozen=True)
class Part:
    """One latent inside a group: the coordinates offset .. offset + size of each of the group's members.

    A latent of a deeper plate than the group's has all members of that plate in every particle: `members` of them.
    """

    variable: RandomVariable
    event: tuple[int, ...]
    offset: int
    size: int
    members: int = 1

    @property
    def components(self) -> int:
        """Numbers of the latent in one particle; a simplex has one more than coordinates."""
        return self.members * prod(self.event)


@dataclass(frozen=True)
class Group:
    """Latents that share a particle index, one for each member of `plate`."""

    name: str
    plate: str | None
    parts: tuple[Part, ...]
    family: Family
    why: str
    """Of the family, in a few words."""

    @property
    def dimension(self) -> int:
        return sum(part.size for part in self.parts)

    @property
    def on_a_line(self) -> bool:
        """One real coordinate for each member."""
        return self.dimension == 1 and not self.family.support.integer

    def layout(self, part: Part) -> Layout:
        """Where the particles of a latent are kept."""
        return Layout(part.variable.plate, (self.name,), part.event)


def choose_groups(bound: BoundModel, *, separate: bool = False, integrated: Collection[str] = ()) -> tuple[Group, ...]:
    """The groups of a model, globals first, then by depth. separate: every latent outside `joint` blocks alone, and the coordinates of
    its vectors independent. integrated: latents without particles."""
    latents = [variable for variable in bound.ir.latents if not variable.enumerated and variable.name not in integrated]
    latents.sort(key=lambda v: len(bound.ir.path(v.plate)))
    alone = [v for v in latents if v.sampled or (v.block is None and (separate or v.family in ALONE))]
    by_plate: dict[str | None, list[RandomVariable]] = {}
    angles: dict[str | None, list[RandomVariable]] = {}
    for variable in latents:
        if variable not in alone:
            (angles if _is_angle(variable) else by_plate).setdefault(variable.plate, []).append(variable)
    _absorb_few(bound, by_plate)
    members = [*by_plate.items(), *angles.items(), *((v.plate, [v]) for v in alone)]
    members.sort(key=lambda item: len(bound.ir.path(item[0])))
    return tuple(_make_group(bound, plate, variables, separate) for plate, variables in members)


def _absorb_few(bound: BoundModel, by_plate: dict[str | None, list[RandomVariable]]) -> None:
    """Moves the latents of small plates into the global group."""
    globals_ = by_plate.get(None)
    if globals_ is None:
        return
    chained = {variable.plate for variable in bound.ir.latents if variable.initial is not None}
    for plate in [plate for plate in by_plate if plate is not None and plate not in chained]:
        width = sum(_size(bound, variable, None) for variable in globals_)
        if sum(_size(bound, variable, None) for variable in by_plate[plate]) <= FEW * width:
            globals_.extend(by_plate.pop(plate))


def _size(bound: BoundModel, variable: RandomVariable, plate: str | None) -> int:
    """Number of coordinates of a latent for each member of the group's plate."""
    event = tuple(bound.size(size) for size in variable.type.event)
    each = prod(event) if variable.form is None else coordinates(variable.form, event)
    return _members(bound, variable, plate) * each


def _members(bound: BoundModel, variable: RandomVariable, plate: str | None) -> int:
    return 1 if variable.plate == plate else bound.count(variable.plate)


def _make_group(bound: BoundModel, plate: str | None, variables: Sequence[RandomVariable], separate: bool) -> Group:
    parts, offset = [], 0
    for variable in variables:
        size = _size(bound, variable, plate)
        event = tuple(bound.size(size) for size in variable.type.event)
        parts.append(Part(variable, event, offset, size, _members(bound, variable, plate)))
        offset += size
    name = "+".join(variable.name for variable in variables[:3]) + ("+.." if len(variables) > 3 else "")
    assert offset == 1 or all(variable.family not in UNIVARIATE for variable in variables), "checked by the language"
    if variables[0].sampled:
        why = "discrete" if variables[0].family is None else ASKED
        return Group(name, plate, tuple(parts), _discrete_family(bound, variables[0], offset), why)
    limit = FULL_AT_ROOT if plate is None else FULL_ON_PLATE
    if separate and variables[0].block is None:
        limit = 1
    family, why = _family_name(variables, offset, 1 if plate is None else bound.count(plate), limit)
    return Group(name, plate, tuple(parts), make_family(family, offset), why)


def _discrete_family(bound: BoundModel, variable: RandomVariable, dimension: int) -> Family:
    """The family of a sampled discrete latent, whose values are counted from the least of each member."""
    least, most = limits_of(bound, variable)
    highest = (most - least).clip(0).reshape(len(least), -1)
    states = float(highest.max()) + 1
    # where there are more, binomial laws would have no variance of their own, and posteriors are often wider than these
    name = "neg_binomial" if states > MOST_STATES else "bernoulli" if states == 2 else "categorical"
    return make_family(variable.family or name, dimension, highest if states < inf else None)


def _family_name(variables: Sequence[RandomVariable], dimension: int, members: int, limit: int) -> tuple[str, str]:
    """The family of a group of `dimension` coordinates for each of its members, and why it is that one. limit: the largest
    dimension with a full covariance."""
    asked = {variable.family for variable in variables} - {None}
    if all(map(_is_angle, variables)):
        return "von_mises", ASKED if asked else "of a circle"
    if len(variables) == 1 and asked <= {"dirichlet"} and _is_one_simplex(variables[0]):
        return "dirichlet", "one simplex"
    if dimension == 1:
        family = variables[0].family
        return (family, ASKED) if family else (_scalar_family(variables[0]), "of its support")
    return _joint_family(asked, dimension, members, limit)


def _joint_family(asked: AbstractSet[str | None], dimension: int, members: int, limit: int) -> tuple[str, str]:
    """Normal on the line, diagonal where a full covariance is large. limit: the largest dimension of one."""
    diagonal, full = "multi_normal_diag", "multi_normal"
    if asked & {diagonal, full}:
        return diagonal if diagonal in asked else full, ASKED
    if dimension > limit:
        return diagonal, f"diagonal: {dimension:,} dimensions, full covariance up to {limit}"
    if members * dimension**2 > MOST_COVARIANCES:
        return diagonal, f"diagonal: {members:,} full covariances of {dimension} dimensions are too many"
    return full, "one joint group, full covariance"


def _is_angle(variable: RandomVariable) -> bool:
    """Whether the posterior of a latent goes round a circle, by its law or as asked for; in a `joint` block it is on a line."""
    own = variable.family == "von_mises" or (variable.family is None and LAWS[variable.law].period is not None)
    return own and variable.block is None and variable.form is None


def _is_one_simplex(variable: RandomVariable) -> bool:
    return variable.form == "simplex" and len(variable.type.event) == 1


def _scalar_family(variable: RandomVariable) -> str:
    """The default of the latent's support (language: posterior family of each latent)."""
    if variable.form is not None:
        return "normal"
    least, most = ends_of(variable)
    lower = variable.bounds.lower is not None or least > -inf
    upper = variable.bounds.upper is not None or most < inf
    if lower and upper:
        return "beta"
    if lower or upper:
        return "lognormal" if any(LAWS[each.law].heavy_right_tail for each in laws_of(variable)) else "gamma"
    return "normal"
