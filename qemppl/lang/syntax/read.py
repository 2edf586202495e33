"""Reading a model file: bytes to a Source, or the one reason why not."""

from __future__ import annotations

from pathlib import Path

from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.diagnostics.source import Source

MAX_BYTES = 1_000_000
"""A model is text that somebody wrote: anything larger is another kind of file."""


def read_source(path: str | Path) -> Source:
    """The text of a model file (UTF-8; a byte order mark is dropped, line endings become `\\n`).

    Raises DiagnosticsError if the file cannot be read as a model text.
    """
    return decode_source(read_bytes(path), str(path))


def decode_source(raw: bytes, name: str) -> Source:
    """The text in the bytes of a model file, of which more than MAX_BYTES need not be read. Raises as `read_source` does."""
    if len(raw) > MAX_BYTES:
        raise _refusal("QEM132", f"the file is larger than {MAX_BYTES // 1_000_000} MB", name, "is it a model?")
    if b"\0" in raw:
        where = f"{name}: byte {raw.index(0)}"
        raise _refusal("QEM130", "the file has a NUL byte: it is not text", where, "save it as UTF-8 text")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"the file is not UTF-8: byte {error.start} is 0x{raw[error.start]:02X}"
        raise _refusal("QEM131", message, f"{name}: byte {error.start}", "save it as UTF-8 text") from None
    return Source(name, text.replace("\r\n", "\n").replace("\r", "\n"))


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a model file; of one that is too large only as many as it takes to see that. Raises DiagnosticsError."""
    name = str(path)
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _refusal("QEM133", "there is no such file", name, None) from None
    except IsADirectoryError:
        raise _refusal("QEM133", "this is a folder, not a model file", name, None) from None
    except OSError as error:
        raise _refusal("QEM133", f"the file cannot be read: {error.strerror}", name, None) from None


def _refusal(code: str, message: str, where: str, hint: str | None) -> DiagnosticsError:
    diagnostic = Diagnostic(code, Severity.ERROR, message, where=where, hint=hint)
    return DiagnosticsError([diagnostic], Stage.MODEL)
