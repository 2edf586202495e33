"""Places: how messages name a value of the data, and where in its file it stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Place:
    """name: the value in a sentence, such as `y[3]` or `y in line 4`. where: `data.json: y[3]`, `trees.csv: line 4, column y`."""

    name: str
    where: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Origin:
    """The file that gives a value. Of a table also headers: one by component of a value, and lines: (entry,) of each member."""

    file: str
    headers: tuple[str, ...] = ()
    lines: NDArray[np.int64] | None = None

    @property
    def is_table(self) -> bool:
        return bool(self.headers)

    def whole(self, name: str) -> Place:
        """Everything of that name."""
        column = f"column {self.headers[0] if len(self.headers) == 1 else name}"
        return Place(name, f"{self.file}: {column if self.is_table else name}")

    def key(self, name: str, subscripts: tuple[int, ...]) -> Place:
        """A value in nested lists; subscripts count from 1."""
        text = f"{name}[{','.join(map(str, subscripts))}]" if subscripts else name
        return Place(text, f"{self.file}: {text}")

    def cell(self, name: str, entry: int, component: int | None) -> Place:
        """A component of an entry (counted from 0) of a table, or all of them."""
        header = name if component is None else self.headers[component]
        if self.lines is None:
            return self.whole(header)
        line = self.lines[entry]
        return Place(f"{header} in line {line}", f"{self.file}: line {line}, column {header}")
