"""In which order particles are summed out, and what it costs.

Innermost plates first: at each plate the tables of log-factors are combined and the particles of the plate's groups summed out, for
each member; the message is then added over the members of the plates that it no longer depends on. Within one plate discrete latents
go first, and the order of several groups comes from opt_einsum. The states of a chain are summed out last at its plate, by one step for
all of the chain, whose message goes to the chain's parent. Everything behind `Step` is a table over particle dims today; factors with a
closed form would be another kind of step.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import opt_einsum

from qemppl.compile.chains import Chain
from qemppl.compile.layout import Axes
from qemppl.compile.program import TableKey


@dataclass(frozen=True)
class Step:
    """Adds log-factor tables of one plate axis and sums out particles: log sum exp over `eliminated`.

    inputs, output: numbers of tables. dims: the groups of all inputs, `eliminated` first. rest: those that remain. home: the axis that
    the message is added up to (the step's own where another step at this plate reads it). exact: what it sums out are all values
    of discrete latents, and not particles that stand for a law. parts: the dims of the factors that are exponentiated and multiplied:
    `dims` alone, or two that share only what is summed out, which is then a matrix product. states: of a chain, the dims of the states;
    those of the states one step before stand first in `dims`, then these, and all are eliminated.
    """

    plate: str | None
    inputs: tuple[int, ...]
    dims: tuple[str, ...]
    eliminated: tuple[str, ...]
    output: int
    home: str | None
    exact: bool
    parts: tuple[tuple[str, ...], ...]
    states: tuple[str, ...] = ()

    def entries(self, particles: Mapping[str, int]) -> int:
        """Number of entries that are exponentiated for one member."""
        return sum(prod(particles[dim] for dim in part) for part in self.parts)

    def remaining(self, particles: Mapping[str, int]) -> int:
        """Entries of its message for one member: combinations of the particles that it does not sum out."""
        return prod(particles[dim] for dim in self.rest)

    def products(self, particles: Mapping[str, int]) -> int:
        """Number of multiplications for one member."""
        return 0 if len(self.parts) == 1 else prod(particles[dim] for dim in self.dims)

    @property
    def is_tempered(self) -> bool:
        """Whether it sums out particles of global latents."""
        return self.plate is None and not self.exact

    @property
    def rest(self) -> tuple[str, ...]:
        return self.dims[len(self.eliminated) :]

    @property
    def summed(self) -> tuple[str, ...]:
        """The dims that a sum runs over: in a chain, from each step those of the step before."""
        return self.dims[: len(self.eliminated) - len(self.states)]

    @property
    def given(self) -> tuple[str, ...]:
        """The dims that a sum depends on."""
        return self.dims[len(self.summed) :]

    @property
    def weighed(self) -> tuple[str, ...]:
        """The dims of the particles, or values, of which it gives the weights."""
        return self.states or self.eliminated


@dataclass(frozen=True)
class Elimination:
    """The whole contraction. tables: plate axis and groups of every table, inputs of the contraction first."""

    steps: tuple[Step, ...]
    tables: tuple[TableKey, ...]

    def entries(self, axes: Axes, particles: Mapping[str, int]) -> int:
        """Number of log-factor entries that are exponentiated, over all steps."""
        return sum(axes.size(step.plate) * step.entries(particles) for step in self.steps)

    def cost(self, axes: Axes, particles: Mapping[str, int]) -> int:
        """Exponentials and multiplications of one pass."""
        return sum(axes.size(s.plate) * (s.entries(particles) + s.products(particles)) for s in self.steps)


@dataclass(frozen=True)
class Dims:
    """The particle dims of a plan, in its order. homes: by dim, the plate with one such dim for each member. particles: their number.
    exact: the enumerated ones, which are summed out first at their plate. chains: those of states, which are summed out last."""

    homes: Mapping[str, str | None]
    particles: Mapping[str, int]
    exact: Collection[str] = ()
    chains: Sequence[Chain] = ()


def plan_elimination(keys: Sequence[TableKey], dims: Dims, axes: Axes, *, products: bool = True) -> Elimination:
    """The steps that sum out every particle dim. keys: the tables of log-factors, among which is one of every dim. products: whether
    factors may be multiplied as matrices."""
    planner = _Planner(list(keys), dims, axes, products)
    plates = dict.fromkeys([*dims.homes.values(), *(chain.parent for chain in dims.chains), None])
    for plate in sorted(plates, key=axes.depth, reverse=True):
        planner.eliminate_plate(plate)
    return Elimination(tuple(planner.steps), tuple(planner.tables))


class _Planner:
    def __init__(self, tables: list[TableKey], dims: Dims, axes: Axes, products: bool) -> None:
        self.tables = tables
        self.steps: list[Step] = []
        self._plates = dims.homes
        self._axes = axes
        self._particles = dims.particles
        self._exact = dims.exact
        self._chains = {chain.plate: chain for chain in dims.chains}
        self._products = products
        self._open = list(range(len(tables)))

    def eliminate_plate(self, plate: str | None) -> None:
        """Sums out every dim of one plate: enumerated ones first, the states of a chain last."""
        chain = self._chains.get(plate or "")
        here = {dim for dim, home in self._plates.items() if home == plate}
        if chain is not None:
            here -= {*chain.states, *chain.previous}
        exact = here.intersection(self._exact)
        if exact and (chain is not None or exact != here):
            self._eliminate(plate, exact, lambda dims: bool(exact.intersection(dims)), leaves=False)
            exact = set()
        others = here.difference(self._exact)
        if chain is None:
            self._eliminate(plate, exact or others, lambda _: True, leaves=True)
            return
        if others:
            self._eliminate(plate, others, lambda dims: bool(others.intersection(dims)), leaves=False)
        self._chain(chain)

    def _chain(self, chain: Chain) -> None:
        """Sums out the states; the message is one for each member of the chain's parent."""
        inputs = tuple(table for table in self._open if self.tables[table][0] == chain.plate)
        gone = (*chain.previous, *chain.states)
        rest = tuple(dim for dim in self._dims(inputs) if dim not in gone)
        dims, output = (*gone, *rest), len(self.tables)
        self.tables.append((chain.parent, rest))
        self._open = [*(table for table in self._open if table not in inputs), output]
        is_exact = set(chain.states) <= set(self._exact)
        self.steps.append(Step(chain.plate, inputs, dims, gone, output, chain.parent, is_exact, (dims,), chain.states))

    def _eliminate(
        self, plate: str | None, own: set[str], concerns: Callable[[Sequence[str]], bool], *, leaves: bool
    ) -> None:
        """Sums `own` out of the plate's tables of the dims that it `concerns`. leaves: the result goes to where it is read next."""
        here = [table for table in self._open if self.tables[table][0] == plate]
        inputs = [table for table in here if concerns(self.tables[table][1])]
        self._open = [table for table in self._open if table not in inputs]
        products: list[tuple[int, ...]] = self._alone(plate, inputs, own)
        for pair in self._path([self._dims(product) for product in products], own):
            chosen = [products[i] for i in pair]
            products = [product for i, product in enumerate(products) if i not in pair]
            merged = tuple(table for product in chosen for table in product)
            kept = {group for product in products for group in self._dims(product)}
            gone = [group for group in self._dims(merged) if group in own and group not in kept]
            if gone or not products:  # otherwise only a product: left to the step that sums it out
                merged = (self._step(plate, merged, gone, leaves=leaves and not products),)
                if not products:
                    self._open.append(merged[0])
            products.append(merged)

    def _alone(self, plate: str | None, inputs: Sequence[int], own: set[str]) -> list[tuple[int, ...]]:
        """The tables, those of one group only summed out where another table remains: a product of them would grow for nothing."""
        products: list[tuple[int, ...]] = []
        for dims in dict.fromkeys(self._dims((table,)) for table in inputs):
            same = tuple(table for table in inputs if self._dims((table,)) == dims)
            others = {g for table in inputs if table not in same for g in self._dims((table,))}
            gone = [group for group in dims if group in own and group not in others]
            lonely = bool(gone) and len(same) < len(inputs)
            products.append((self._step(plate, same, gone, leaves=False),) if lonely else same)
        return products

    def _path(self, dims: list[tuple[str, ...]], own: set[str]) -> list[tuple[int, ...]]:
        """Which tables to combine, one combination after another, the last one leaving a single table."""
        if len(dims) == 1 or len(own) <= 1:
            return [tuple(range(len(dims)))]
        symbols = {group: opt_einsum.get_symbol(i) for i, group in enumerate(self._plates)}
        terms = ["".join(symbols[group] for group in groups) for groups in dims]
        output = "".join(symbols[group] for group in self._dims(None, dims) if group not in own)
        shapes = [tuple(self._particles[group] for group in groups) for groups in dims]
        path, _ = opt_einsum.contract_path(f"{','.join(terms)}->{output}", *shapes, shapes=True, optimize="auto")
        return [tuple(sorted(pair)) for pair in path]

    def _dims(self, tables: tuple[int, ...] | None, dims: Sequence[tuple[str, ...]] = ()) -> tuple[str, ...]:
        """The groups of some tables in plan order."""
        if tables is not None:
            dims = [self.tables[table][1] for table in tables]
        present = {group for groups in dims for group in groups}
        return tuple(group for group in self._plates if group in present)

    def _step(self, plate: str | None, inputs: tuple[int, ...], gone: Sequence[str], *, leaves: bool) -> int:
        dims = self._dims(inputs)
        rest = tuple(group for group in dims if group not in gone)
        home = self._axes.deepest([self._plates[group] for group in rest]) if leaves else plate
        output = len(self.tables)
        self.tables.append((home, rest))
        is_exact = bool(gone) and set(gone) <= set(self._exact)
        parts = self._parts(inputs, (*gone, *rest), gone)
        self.steps.append(Step(plate, inputs, (*gone, *rest), tuple(gone), output, home, is_exact, parts))
        return output

    def _parts(
        self, inputs: tuple[int, ...], dims: tuple[str, ...], gone: Sequence[str]
    ) -> tuple[tuple[str, ...], ...]:
        """Two factors to multiply as matrices, where the inputs are such; else one."""
        wanted = list(dict.fromkeys(tuple(d for d in dims if d in self.tables[table][1]) for table in inputs))
        widest = [one for one in wanted if not any(set(one) < set(other) for other in wanted)]
        is_product = len(widest) == 2 and all(set(gone) <= set(part) for part in widest)
        return tuple(widest) if gone and is_product and self._products else (dims,)
