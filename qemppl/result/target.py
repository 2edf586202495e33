"""Where a result is written: refused early when it cannot be, replaced all at once when it can."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage


def check_target(path: str | Path, *, force: bool) -> None:
    """Raise DiagnosticsError where writing would fail, before anything long is computed."""
    target = Path(path)
    if not target.parent.is_dir():
        raise file_error(Stage.USAGE, "QEM851", target, "there is no such folder", "create it, or choose another")
    if not os.path.lexists(target):
        return
    if target.exists() and not target.is_file():
        raise file_error(
            Stage.USAGE, "QEM852", target, "this is not a file that can be replaced", "choose another name"
        )
    if not force:
        hint = "choose another name, or replace it with --force (force=True in Python)"
        raise file_error(Stage.USAGE, "QEM853", target, "the file exists", hint)


def replace_file(path: str | Path, content: bytes | memoryview) -> None:
    """Write a file that appears complete or not at all: an old one stays as it was until the new one is on the disk."""
    target = Path(path).resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except OSError as error:
        _discard(temporary)
        message = f"the file cannot be written: {error.strerror or error}"
        hint = "nothing was changed; free some space, or choose another folder"
        raise file_error(Stage.RESOURCE, "QEM854", target, message, hint) from error
    except BaseException:
        _discard(temporary)
        raise


def _discard(temporary: Path) -> None:
    with contextlib.suppress(OSError):
        temporary.unlink()


def file_error(stage: Stage, code: str, path: Path, message: str, hint: str) -> DiagnosticsError:
    """One error about one file."""
    return DiagnosticsError([Diagnostic(code, Severity.ERROR, message, where=str(path), hint=hint)], stage)
