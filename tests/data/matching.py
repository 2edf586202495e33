"""Random data that fit a model: as JSON values and as tables, and the arrays that binding must make of them."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from qemppl.data.columns import list_levels
from qemppl.distributions.registry import LAWS
from qemppl.ir.functions import FUNCTIONS
from qemppl.ir.model import Call, Constant, DataRef, DataVariable, Expr, ModelIR, Plate, RandomVariable, Size

Array = np.ndarray[Any, Any]


@dataclass
class Matching:
    """Data of random sizes. parents: of the members of each plate, in file order. arrays: (member, *event) in file order."""

    ir: ModelIR
    rng: np.random.Generator
    sizes: dict[str, int] = field(default_factory=dict)
    parents: dict[str, Array] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for dim in self.ir.dims:
            self.sizes[dim.name] = dim.size or int(self.rng.integers(1, 4))
        roots = [v for v in self.ir.data if v.type.plate is None]
        self._fill([v for v in roots if v.type.kind == "int" and not v.type.event])
        for plate in self.ir.plates:
            self._members(plate)
        self._fill([v for v in self.ir.data if v.name not in self.arrays and not v.is_index])

    # Sizes and members.

    def size(self, size: Size) -> int:
        return size if isinstance(size, int) else self.sizes[size]

    def count(self, plate: str | None) -> int:
        return 1 if plate is None else len(self.parents[plate])

    def _members(self, plate: Plate) -> None:
        above = self.count(plate.parent)
        is_list = plate.parent is not None and plate.index is None
        size = self.size(plate.size) if plate.size is not None else int(self.rng.integers(1, 5))
        if is_list:
            counts = np.full(above, size) if plate.size is not None else self.rng.integers(0, 4, above)
            counts[0] = max(counts[0], 1)
            self.parents[plate.name] = np.repeat(np.arange(above), counts)
        else:
            self.parents[plate.name] = self.rng.integers(0, above, size)
        if not is_list and (self.rng.random() < 0.3 or not self._is_listed(plate.name)):
            self.labels[plate.name] = [f"{plate.name} no. {i}" for i in range(size)]

    def _is_listed(self, plate: str) -> bool:
        """Whether the lists of a variable tell the members."""
        return any(plate in list_levels(self.ir, v.type.plate) for v in self.ir.data if not v.is_index)

    # Values.

    @cached_property
    def observations(self) -> dict[str, RandomVariable]:
        return {observation.name: observation for observation in self.ir.observations}

    def _fill(self, variables: list[DataVariable]) -> None:
        for variable in variables:
            event = [self.size(size) for size in variable.type.event]
            shape = (self.count(variable.type.plate), *event)
            values = self._values(variable, shape)
            if variable.missing:
                values = values.astype(float)
                values[self.rng.random(shape[0]) < 0.2] = np.nan
            self.arrays[variable.name] = values
            if variable.type.kind == "int" and variable.type.plate is None and not event and not variable.missing:
                self.sizes[variable.name] = int(values[0])

    def _values(self, variable: DataVariable, shape: tuple[int, ...]) -> Array:
        law = LAWS[self.observations[variable.name].law] if variable.name in self.observations else None
        form = variable.form or (law.form if law is not None else None)
        if form is not None or (len(shape) == 3 and shape[1] == shape[2] and law is None):
            return self._formed(form or "covariance", shape)
        lower, upper = self._range(variable)
        ends = shape[:1] + (1,) * (len(shape) - 1)
        lower, upper = lower.reshape(ends), upper.reshape(ends)
        if variable.type.kind == "int":
            lower = np.where(np.isinf(lower), -2, np.ceil(lower))
            upper = np.where(np.isinf(upper), lower + 4, np.floor(upper))
            return self.rng.integers(lower, np.maximum(lower, upper) + 1, shape)
        lower = np.where(np.isinf(lower), np.minimum(upper, 2) - 4, lower)
        upper = np.where(np.isinf(upper), lower + 4, upper)
        return lower + (upper - lower) * self.rng.uniform(0.02, 0.98, shape)

    def _range(self, variable: DataVariable) -> tuple[Array, Array]:
        """(member,): between the declared bounds, and where the law of an outcome has values."""
        plate = variable.type.plate
        bounds = [variable.bounds]
        lowers, uppers = [-math.inf], [math.inf]
        observation = self.observations.get(variable.name)
        if observation is not None:
            law = LAWS[observation.law]
            bounds.append(observation.bounds)
            lowers.append(law.support.lower)
            uppers.append(law.support.upper)
            if law.support.integer:
                uppers.append(1 if law.categories is not None or law.most is not None else math.inf)
            if law.data_arguments == ("n",):
                uppers.append(0)
            own = {"uniform": (-2, 7.5), "discrete_range": (1, 4)}.get(law.name, (-math.inf, math.inf))
            lowers.append(own[0])
            uppers.append(own[1])
        lower = np.full(self.count(plate), max(lowers))
        upper = np.full(self.count(plate), min(uppers))
        for bound in bounds:
            lower = np.maximum(lower, self._number(bound.lower, plate, -math.inf))
            upper = np.minimum(upper, self._number(bound.upper, plate, math.inf))
        return lower, upper

    def _number(self, expr: Expr | None, plate: str | None, otherwise: float) -> Array:
        """(member,): a bound; `otherwise` if there is none, or it is not simple."""
        match expr:
            case Constant():
                return np.full(self.count(plate), expr.value)
            case DataRef() if expr.name in self.sizes:
                return np.full(self.count(plate), self.sizes[expr.name])
            case DataRef() if expr.name in self.arrays and not expr.type.event:
                return self.arrays[expr.name][self._ancestors(plate, expr.type.plate)]
            case Call() if not expr.type.event:
                parts = [self._number(part, plate, math.nan) for part in expr.arguments]
                return np.asarray(FUNCTIONS[expr.function].compute(*parts), float)
            case _:
                return np.full(self.count(plate), otherwise)

    def _ancestors(self, plate: str | None, ancestor: str | None) -> Array:
        positions = np.arange(self.count(plate))
        while plate != ancestor:
            assert plate is not None
            positions, plate = self.parents[plate][positions], self.ir.plate(plate).parent
        return positions

    def _formed(self, form: str, shape: tuple[int, ...]) -> Array:
        x = self.rng.normal(size=shape)
        if form == "simplex":
            x = np.exp(x)
            return x / x.sum(-1, keepdims=True)
        if form in {"ordered", "positive_ordered"}:
            return np.sort(np.exp(x) if form == "positive_ordered" else x, -1) + 0.01 * np.arange(shape[-1])
        covariance = x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1])
        if form == "covariance":
            return covariance
        scale = 1 / np.sqrt(np.diagonal(covariance, 0, -2, -1))
        return np.linalg.cholesky(covariance * scale[..., None] * scale[..., None, :])

    # As JSON.

    def json(self) -> dict[str, object]:
        """The values of a JSON file."""
        data: dict[str, object] = {d.name: self.sizes[d.name] for d in self.ir.dims if not self._is_told(d.name)}
        for variable in self.ir.data:
            if not variable.is_index:
                values = [_without_nan(value) for value in self.arrays[variable.name].tolist()]
                data[variable.name] = self._nested(variable.type.plate, values)
        for plate in self.ir.plates:
            if plate.index is not None:
                data[plate.index] = self._references(plate)
            if plate.name in self.labels:
                data[plate.name] = self.labels[plate.name]
            elif not self._is_listed(plate.name):
                data[plate.name] = self._nested(plate.name, [f"m{i}" for i in range(self.count(plate.name))])
        return data

    def _is_told(self, dim: str) -> bool:
        """Whether a vector of the data tells the size of a dim."""
        return any(dim in v.type.event and self.count(v.type.plate) for v in self.ir.data)

    def _references(self, plate: Plate) -> list[object]:
        assert plate.parent is not None
        positions = self.parents[plate.name].tolist()
        names = self.labels.get(plate.parent)
        return [names[i] for i in positions] if names is not None else [i + 1 for i in positions]

    def _nested(self, plate: str | None, values: list[Any]) -> Any:
        if plate is None:
            return values[0]
        for level in reversed(list_levels(self.ir, plate)[1:]):
            outer = self.ir.plate(level).parent
            groups: list[list[Any]] = [[] for _ in range(self.count(outer))]
            for parent, value in zip(self.parents[level].tolist(), values, strict=True):
                groups[parent].append(value)
            values = groups
        return values

    # As tables.

    def tables(self) -> dict[str, str]:
        """Texts by file name: a table for each plate, with a key for each member, and JSON for what lives on no plate."""
        return {f"{plate.name}.csv": self._table(plate) for plate in self.ir.plates}

    def rest(self) -> dict[str, object]:
        """What tables do not hold."""
        data = self.json()
        kept = {v.name for v in self.ir.data if v.type.plate is None and not v.is_index} | {
            d.name for d in self.ir.dims
        }
        return {name: value for name, value in data.items() if name in kept}

    def _table(self, plate: Plate) -> str:
        levels = list_levels(self.ir, plate.name)
        columns: dict[str, list[object]] = {}
        for level in levels:
            positions = self._ancestors(plate.name, level)
            columns[level] = [self._key(level, i) for i in positions.tolist()]
        if plate.index is not None and plate.parent is not None:
            for level in list_levels(self.ir, plate.parent)[:-1]:
                columns[level] = [self._key(level, i) for i in self._ancestors(plate.name, level).tolist()]
            columns[plate.index] = [self._key(plate.parent, i) for i in self.parents[plate.name].tolist()]
        for variable in self.ir.data:
            if variable.type.plate == plate.name and not variable.is_index:
                values = self.arrays[variable.name]
                for place in np.ndindex(values.shape[1:]):
                    subscripts = ",".join(str(i + 1) for i in place)
                    header = f"{variable.name}[{subscripts}]" if place else variable.name
                    columns[header] = [_cell(value) for value in values[(slice(None), *place)].tolist()]
        text = io.StringIO()
        csv.writer(text).writerows([[*columns], *zip(*columns.values(), strict=True)])
        return text.getvalue()

    def _key(self, plate: str, member: int) -> object:
        if plate in self.labels:
            return self.labels[plate][member]
        if not self._is_listed(plate):
            return f"m{member}"
        if len(list_levels(self.ir, plate)) == 1:
            return member + 1
        parents = self.parents[plate]
        return member + 1 - int(np.searchsorted(parents, parents[member]))

    # As bound.

    def rows(self, plate: str | None) -> Array:
        """The file positions of the members in the order of their parents."""
        if plate is None:
            return np.arange(1)
        parent = self.ir.plate(plate).parent
        if parent is None:
            return np.arange(self.count(plate))
        place = np.argsort(self.rows(parent))
        return np.argsort(place[self.parents[plate]], kind="stable")


def _without_nan(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _cell(value: object) -> object:
    return "" if isinstance(value, float) and math.isnan(value) else value
