"""In which order particles are summed out, and what it costs.

Innermost plates first: at each plate the tables of log-factors are combined and the particles of the plate's groups summed out, for
each member; the message is then added over the members of the plates that it no longer depends on. Within one plate discrete latents
go first, and the order of several groups comes from opt_einsum. Everything behind `Step` is a table over particle dims today; factors
with a closed form would be another kind of step.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import opt_einsum

from qemppl.compile.layout import Axes
from qemppl.compile.program import TableKey


@dataclass(frozen=True)
class Step:
    """Adds log-factor tables of one plate axis and sums out particles: log sum exp over `eliminated`.

    inputs, output: numbers of tables. dims: the groups of all inputs, `eliminated` first. rest: those that remain. home: the axis that
    the message is added up to (the step's own where another step at this plate reads it). exact: what it sums out are all values
    of discrete latents, and not particles that stand for a law. parts: the dims of the factors that are exponentiated and multiplied:
    `dims` alone, or two that share only what is summed out, which is then a matrix product.
    """

    plate: str | None
    inputs: tuple[int, ...]
    dims: tuple[str, ...]
    eliminated: tuple[str, ...]
    output: int
    home: str | None
    exact: bool
    parts: tuple[tuple[str, ...], ...]

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


def plan_elimination(
    keys: Sequence[TableKey],
    homes: Mapping[str, str | None],
    axes: Axes,
    particles: Mapping[str, int],
    exact: Collection[str] = (),
    *,
    products: bool = True,
) -> Elimination:
    """The steps that sum out every particle dim. keys: the tables of log-factors, among which is one of every dim. homes: by dim, the
    plate with one such dim for each member. exact: the enumerated dims, which go first at their plate. products: whether factors may
    be multiplied as matrices."""
    planner = _Planner(list(keys), homes, axes, particles, exact, products)
    plates = dict.fromkeys(homes.values())
    for plate in sorted(plates, key=axes.depth, reverse=True):
        planner.eliminate_plate(plate)
    if None not in plates:
        planner.eliminate_plate(None)
    return Elimination(tuple(planner.steps), tuple(planner.tables))


class _Planner:
    def __init__(
        self,
        tables: list[TableKey],
        plates: Mapping[str, str | None],
        axes: Axes,
        particles: Mapping[str, int],
        exact: Collection[str],
        products: bool,
    ) -> None:
        self.tables = tables
        self.steps: list[Step] = []
        self._plates = plates
        self._axes = axes
        self._particles = particles
        self._exact = exact
        self._products = products
        self._open = list(range(len(tables)))

    def eliminate_plate(self, plate: str | None) -> None:
        """Sums out every dim of one plate, enumerated ones first."""
        here = {dim for dim, home in self._plates.items() if home == plate}
        exact = here.intersection(self._exact)
        if exact and exact != here:
            self._eliminate(plate, exact, lambda dims: bool(exact.intersection(dims)), leaves=False)
            exact = set()
        self._eliminate(plate, exact or here - set(self._exact), lambda _: True, leaves=True)

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
