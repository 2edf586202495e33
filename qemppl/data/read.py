"""Reading data files. Every fault of a file ends as one located diagnostic."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from qemppl.data.json_faults import Fault, deep_nesting, duplicate_keys, explain, long_integer
from qemppl.data.raw import RawData, raw_from_mapping, read_error
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage

__all__ = ["MAX_BYTES", "RawData", "raw_from_mapping", "read_data"]

MAX_BYTES = 512 * 2**20
"""A JSON file may be this large; parsed, it takes about ten times the memory."""

_TABLES = {".csv": "CSV", ".tsv": "TSV", ".parquet": "Parquet", ".feather": "Feather", ".xlsx": "Excel"}


class _Object(dict[str, object]):
    """A JSON object that remembers the keys given twice."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.has_duplicates = len(self) < len(pairs)


def read_data(path: str | Path) -> RawData:
    """The values of a JSON data file by name. NaN, Infinity and -Infinity are read; binding decides whether they may stand there."""
    path = Path(path)
    if path.suffix.lower() in _TABLES:
        kind = _TABLES[path.suffix.lower()]
        raise read_error("QEM605", f"{kind} files are not supported", str(path), "write the data as one JSON object")
    text = _decode(_read_bytes(path), path.name)
    if not text.strip():
        raise read_error("QEM607", "the file is empty", path.name, 'a data file is one JSON object: {"y": [1.5, 2.5]}')
    return raw_from_mapping(_parse(text, path.name), path.name)


def _read_bytes(path: Path) -> bytes:
    """The whole file, its size known before anything is read."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise read_error("QEM602", "this is a folder, not a data file", str(path), "name a file inside it")
        if status.st_size > MAX_BYTES:
            raise _too_large(path, f"{status.st_size / 2**20:.0f} MiB")
        with path.open("rb") as file:  # a pipe has no size: read no further than the limit
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise read_error("QEM601", "no such file", str(path), _similar_file(path)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise read_error("QEM603", f"the file cannot be read: {reason}", repr(str(path))[1:-1]) from None
    if len(content) > MAX_BYTES:
        raise _too_large(path, f"more than {MAX_BYTES / 2**20:.0f} MiB")
    return content


def _too_large(path: Path, size: str) -> DiagnosticsError:
    hint = "keep only the variables of the model, or pass numpy arrays from Python"
    return read_error("QEM604", f"the file has {size}; the limit is {MAX_BYTES / 2**20:.0f} MiB", str(path), hint)


def _similar_file(path: Path) -> str | None:
    names = sorted(p.name for p in path.parent.glob("*.json")) if path.parent.is_dir() else []
    return f"the folder has {', '.join(names[:3])}" if names else None


def _decode(content: bytes, name: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise read_error("QEM606", "the file is UTF-16", name, "save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start + 1} (0x{content[error.start]:02x}) is not UTF-8"
        raise read_error("QEM606", message, f"{name}: line {line}", "save the file as UTF-8") from None


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
