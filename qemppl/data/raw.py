"""RawData: named values as a file or a Python mapping gives them, not yet checked against a model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from qemppl.data.nested import MAX_DEPTH, Leaves, Nested, TooDeepError, unnest
from qemppl.data.place import Origin
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage


@dataclass(frozen=True, eq=False)
class RawData:
    """Values by name. name: what messages call the data: the files' names, or `data`. origins: of the values that do not come as
    the keys of one file."""

    name: str
    values: Mapping[str, Nested]
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def origin(self, name: str) -> Origin:
        return self.origins[name] if name in self.origins else Origin(self.name)

    @cached_property
    def hash(self) -> str:
        """sha256 of the names, list lengths and values: equal for equal data, however it was given."""
        digest = hashlib.sha256()
        for name in sorted(self.values):
            nested = self.values[name]
            for chunk in (name.encode("utf-8", "surrogatepass"), *_structure(nested), _content(nested.leaves)):
                digest.update(len(chunk).to_bytes(8, "little"))
                digest.update(chunk)
        return digest.hexdigest()


def _structure(nested: Nested) -> Iterator[bytes]:
    for counts in nested.counts:
        yield counts.astype("<i8").tobytes()


def _content(leaves: Leaves) -> bytes:
    """Numbers as float64, so that 1 and 1.0 are the same; integers that float64 cannot hold exactly as int64."""
    if isinstance(leaves, list):
        return "\n".join(_text(leaf) for leaf in leaves).encode("utf-8", "surrogatepass")
    if leaves.dtype == np.int64 and bool(((leaves > 2**53) | (leaves < -(2**53))).any()):
        return leaves.astype("<i8").tobytes()
    reals = leaves.astype("<f8")
    reals[np.isnan(reals)] = np.nan  # one bit pattern for every NaN
    return reals.tobytes()


def _text(leaf: object) -> str:
    if isinstance(leaf, int) and not isinstance(leaf, bool):
        return hex(leaf)
    return repr(leaf) if isinstance(leaf, str | float | bool | None) else type(leaf).__name__


def raw_from_mapping(mapping: object, name: str = "data") -> RawData:
    """Data given in Python, a dict: numbers, texts, (nested) lists and tuples, numpy arrays, pandas Series, by name."""
    if not isinstance(mapping, Mapping):
        found = type(mapping).__name__
        raise read_error(
            "QEM613", f"data must map names to values, found {found}", name, 'pass a dict: {"y": [1.5, 2.5]}'
        )
    values: dict[str, Nested] = {}
    errors: list[Diagnostic] = []
    for key, value in mapping.items():
        if not isinstance(key, str):
            errors.append(_error("QEM614", f"the key {key!r} is not a text", name, f'write "{key}"'))
            continue
        try:
            values[key] = unnest(value)
        except TooDeepError:
            message = f"{key} nests lists deeper than {MAX_DEPTH} levels"
            errors.append(_error("QEM610", message, f"{name}: {key}"))
    if errors:
        raise DiagnosticsError(errors, Stage.DATA)
    return RawData(name, values)


def _error(code: str, message: str, where: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, message, where=where, hint=hint)


def read_error(code: str, message: str, where: str, hint: str | None = None) -> DiagnosticsError:
    """The one mistake that stops a file from being read."""
    return DiagnosticsError([_error(code, message, where, hint)], Stage.DATA)
