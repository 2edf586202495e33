"""Reading data files: JSON objects and tables, one or several. Every fault of a file ends as one located diagnostic."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from qemppl.data.files import read_text
from qemppl.data.json_faults import Fault, deep_nesting, duplicate_keys, explain, long_integer
from qemppl.data.place import Origin
from qemppl.data.raw import RawData, raw_from_mapping, read_error
from qemppl.data.table import DELIMITERS, Table, parse_table
from qemppl.data.tables import read_tables
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.ir.model import ModelIR

__all__ = ["RawData", "raw_from_mapping", "read_data"]

_ENDINGS = (".json", *DELIMITERS)
_UNREAD = {".parquet": "Parquet", ".feather": "Feather", ".xlsx": "Excel", ".xls": "Excel", ".rds": "R"}


class _Object(dict[str, object]):
    """A JSON object that remembers the keys given twice."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.has_duplicates = len(self) < len(pairs)


def read_data(paths: str | Path | Sequence[str | Path], ir: ModelIR) -> RawData:
    """The values of the data files of a model, by name.

    A `.csv` or `.tsv` file is a table, one row a member of a plate that its columns tell; any other file is a JSON object. The names of
    several files are put together. NaN and infinite values are read; binding decides whether they may stand there.
    """
    files = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    if not files:
        raise read_error("QEM601", "no data file is given", "data", "name at least one .json or .csv file")
    objects: list[RawData] = []
    tables: list[Table] = []
    errors: list[Diagnostic] = []
    for path in files:
        try:
            content = _read(path)
        except DiagnosticsError as error:
            errors += error.diagnostics
            continue
        if isinstance(content, Table):
            tables.append(content)
        else:
            objects.append(content)
    if errors:
        raise DiagnosticsError(errors, Stage.DATA)
    given = _joined(objects, ", ".join(path.name for path in files))
    return read_tables(tables, ir, given) if tables else given


def _read(path: Path) -> RawData | Table:
    ending = path.suffix.lower()
    if ending in _UNREAD:
        message = f"{_UNREAD[ending]} files are not supported"
        raise read_error("QEM605", message, str(path), "write the data as a table (.csv), or as one JSON object")
    text = read_text(path, _ENDINGS)
    if ending in DELIMITERS:
        return parse_table(text, path.name, DELIMITERS[ending])
    if not text.strip():
        raise read_error("QEM607", "the file is empty", path.name, 'a data file is one JSON object: {"y": [1.5, 2.5]}')
    return raw_from_mapping(_parse(text, path.name), path.name)


def _joined(objects: Sequence[RawData], name: str) -> RawData:
    """The values of several files as those of one."""
    first: dict[str, RawData] = {}
    errors = []
    for raw in objects:
        for key in raw.values:
            if first.setdefault(key, raw) is not raw:
                where = f"{raw.name}: {key}"
                message = f"{key} is given twice, by {first[key].name} and by {raw.name}"
                hint = "leave it out of one of the two files"
                errors.append(Diagnostic("QEM633", Severity.ERROR, message, where=where, hint=hint))
    if errors:
        raise DiagnosticsError(errors, Stage.DATA)
    origins = {key: Origin(raw.name) for key, raw in first.items()}
    return RawData(name, {key: raw.values[key] for key, raw in first.items()}, origins)


def _parse(text: str, name: str) -> dict[str, object]:
    try:
        value = json.loads(text, object_pairs_hook=_Object)
    except json.JSONDecodeError as error:
        raise _fault(explain(text, error), text, name) from None
    except RecursionError:
        raise _fault(deep_nesting(text), text, name) from None
    except ValueError:  # Python reads integers of up to 4300 digits
        raise _fault(long_integer(text), text, name) from None
    if not isinstance(value, _Object):
        found = "a list" if isinstance(value, list) else f"the value {json.dumps(value)[:40]}"
        hint = 'name the values: {"y": [1.5, 2.5]}'
        raise read_error("QEM613", f"the file must hold an object of named values, found {found}", name, hint)
    if value.has_duplicates:
        raise DiagnosticsError([_diagnostic(f, text, name) for f in duplicate_keys(text)], Stage.DATA)
    return value


def _fault(fault: Fault, text: str, name: str) -> DiagnosticsError:
    return DiagnosticsError([_diagnostic(fault, text, name)], Stage.DATA)


def _diagnostic(fault: Fault, text: str, name: str) -> Diagnostic:
    line = text.count("\n", 0, fault.offset) + 1
    column = fault.offset - text.rfind("\n", 0, fault.offset)
    where = f"{name}: line {line}, column {column}"
    return Diagnostic(fault.code, Severity.ERROR, fault.message, where=where, hint=fault.hint)
