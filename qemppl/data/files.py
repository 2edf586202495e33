"""Files: the text of a data file, its size known before it is read."""

from __future__ import annotations

import stat
from pathlib import Path

from qemppl.data.raw import read_error
from qemppl.diagnostics.diagnostic import DiagnosticsError

MAX_BYTES = 512 * 2**20
"""A data file may be this large; parsed, it takes about ten times the memory."""


def read_text(path: Path, endings: tuple[str, ...]) -> str:
    """The text of a file. endings: of the files to suggest where it does not exist."""
    return _decode(_read_bytes(path, endings), path.name)


def _read_bytes(path: Path, endings: tuple[str, ...]) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise read_error("QEM602", "this is a folder, not a data file", str(path), "name a file inside it")
        if status.st_size > MAX_BYTES:
            raise _too_large(path, f"{status.st_size / 2**20:.0f} MiB")
        with path.open("rb") as file:  # a pipe has no size: read no further than the limit
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise read_error("QEM601", "no such file", str(path), _similar_file(path, endings)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise read_error("QEM603", f"the file cannot be read: {reason}", repr(str(path))[1:-1]) from None
    if len(content) > MAX_BYTES:
        raise _too_large(path, f"more than {MAX_BYTES / 2**20:.0f} MiB")
    return content


def _too_large(path: Path, size: str) -> DiagnosticsError:
    hint = "keep only the variables of the model, or pass numpy arrays from Python"
    return read_error("QEM604", f"the file has {size}; the limit is {MAX_BYTES / 2**20:.0f} MiB", str(path), hint)


def _similar_file(path: Path, endings: tuple[str, ...]) -> str | None:
    if not path.parent.is_dir():
        return None
    names = sorted(p.name for p in path.parent.iterdir() if p.suffix.lower() in endings)
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
