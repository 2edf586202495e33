"""Names and axes of the model as variables, dimensions and coordinates of a result file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from qemppl.result.fit import Estimates, FitResult
from qemppl.result.names import member_labels

RESERVED = ("chain", "draw", "statistic", "iteration", "particle_group")
"""Dimensions that every file has; a name of the model that equals one gets an underscore."""


class Naming:
    """The name in the file of every plate and variable. A variable's event axes are `<variable>_dim_0`, `<variable>_dim_1` as in ArviZ."""

    def __init__(self, plates: tuple[str, ...], variables: tuple[str, ...]) -> None:
        self._taken: set[str] = set(RESERVED)
        self._plates = {name: self.fresh(name) for name in plates}
        self._variables = {name: self.fresh(name) for name in variables}

    def fresh(self, name: str) -> str:
        """`name`, with underscores until nothing else has it."""
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def plate(self, name: str) -> str:
        return self._plates[name]

    def variable(self, name: str) -> str:
        return self._variables[name]


@dataclass(frozen=True)
class Column:
    """A variable of the model with its values: axes (*leading, [member of `plate`,] *event)."""

    name: str
    plate: str | None
    values: NDArray[Any]


class Schema:
    """Makes datasets whose dimensions and coordinates are the plates and event axes of a fit."""

    def __init__(self, fit: Estimates, names: tuple[str, ...]) -> None:
        self._fit = fit
        self.naming = Naming(tuple(plate.name for plate in fit.plates), names)
        self._events: dict[tuple[str, int], str] = {}
        self._above: dict[tuple[str, str], str] = {}

    def dataset(
        self, columns: Iterator[Column], leading: Mapping[str, NDArray[Any]], attributes: Mapping[str, Any]
    ) -> xr.Dataset:
        """One variable a column. leading: the dimensions in front of every variable with their coordinates."""
        variables: dict[str, Any] = {}
        coordinates: dict[str, Any] = dict(leading)
        for column in columns:
            dims = [*leading]
            if column.plate is not None:
                dims.append(self.naming.plate(column.plate))
                coordinates.update(self._member_coordinates(column.plate))
            for axis, size in enumerate(column.values.shape[len(dims) :]):
                dim = self._event_dim(column.name, axis)
                dims.append(dim)
                coordinates[dim] = np.arange(1, size + 1)
            variables[self.naming.variable(column.name)] = (dims, column.values)
        return xr.Dataset(variables, coordinates, attributes)

    def _event_dim(self, name: str, axis: int) -> str:
        if (name, axis) not in self._events:
            self._events[name, axis] = self.naming.fresh(f"{self.naming.variable(name)}_dim_{axis}")
        return self._events[name, axis]

    def _member_coordinates(self, plate: str) -> Iterator[tuple[str, Any]]:
        """The labels of a plate, and along it the label of every ancestor: `house`, `house_county`."""
        dim = self.naming.plate(plate)
        yield dim, strings(member_labels(self._fit, plate))
        axis = self._fit.plate(plate)
        position = axis.parent
        while axis.parent_plate is not None and position is not None:
            labels = strings(member_labels(self._fit, axis.parent_plate))
            yield self._ancestor(plate, axis.parent_plate), (dim, labels[position])
            axis = self._fit.plate(axis.parent_plate)
            position = None if axis.parent is None else axis.parent[position]

    def _ancestor(self, plate: str, above: str) -> str:
        if (plate, above) not in self._above:
            self._above[plate, above] = self.naming.fresh(f"{self.naming.plate(plate)}_{self.naming.plate(above)}")
        return self._above[plate, above]


def variable_names(fit: FitResult) -> tuple[str, ...]:
    """Estimates, then data: the order in which names in the file are given out."""
    return (*(estimate.name for estimate in fit.estimates), *fit.observed_data, *fit.constant_data)


def strings(values: tuple[str, ...]) -> NDArray[np.str_]:
    """Text as an array that a netCDF file stores as strings, also when there is none."""
    return np.array(values, dtype=np.str_)
