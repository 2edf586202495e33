"""The file of an unfinished fit: MAGIC, the SHA-256 of what follows, then numpy arrays and JSON. Nothing in it is executed.

Written again every few seconds, at the end of the adapt phase and when the fit is interrupted; each time all at once.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any
from zipfile import BadZipFile

import numpy as np

from qemppl.compile.plan import Plan
from qemppl.diagnostics.diagnostic import Diagnostic, DiagnosticsError, Severity, Stage
from qemppl.engine.checkpoint import Checkpoint, Numbers, restore, to_numbers
from qemppl.engine.qem import Adaptation
from qemppl.numerics.lazy import torch
from qemppl.result.fit import Provenance
from qemppl.result.target import check_target, file_error, replace_file

MAGIC = b"qemppl checkpoint 1\n"
SECONDS_BETWEEN = 5.0
"""Between two writes: what SIGKILL or a power cut can cost."""
SETTINGS = ("method", "step", "particles", "max_iterations", "memory", "init_from")
"""Settings that the adapt phase depends on; the others may change when a fit is resumed."""
FINGERPRINT = {
    "version": "the version of qemppl",
    "model": "the model",
    "data": "the data",
    "seed": "--seed",
    "dtype": "--dtype",
    "device": "--device",
    "particles": "--particles",
    "method": "--method",
    "step": "--step",
    "max_iterations": "--max-iterations",
    "memory": "--memory",
    "init_from": "--init-from",
}
"""What has to be the same, in the words of a user."""

Fingerprint = Mapping[str, int | float | str | None]


class CheckpointFile(AbstractContextManager["CheckpointFile"]):
    """Where a fit is kept while it runs, and what was found there. As a context it writes the last state when it is interrupted.

    Raises DiagnosticsError when the file cannot be written or is not a checkpoint.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        check_target(self.path, force=True)
        self._found = _read(self.path) if self.path.exists() else None
        self._fingerprint: Fingerprint = {}
        self._latest: Checkpoint | None = None
        self._written = time.monotonic()

    @property
    def seed(self) -> int | None:
        """That of the fit found; None where there is none."""
        return None if self._found is None else int(self._found.words["fingerprint"]["seed"])

    def identify(self, model_text: str, provenance: Provenance) -> None:
        """Says which fit is kept here. Raises DiagnosticsError, naming every difference, where another one was found."""
        self._fingerprint = {
            "version": provenance.version,
            "model": hashlib.sha256(model_text.encode()).hexdigest(),
            "data": provenance.data_hash,
            "seed": provenance.seed,
            "dtype": provenance.dtype,
            "device": provenance.device,
            **{name: provenance.settings[name] for name in SETTINGS},
        }
        if self._found is not None and self._found.words["fingerprint"] != self._fingerprint:
            raise _of_another_fit(self.path, self._found.words["fingerprint"], self._fingerprint)

    def restore(self, plan: Plan, generator: torch.Generator) -> Adaptation | None:
        """The state of the fit found; sets the generator. None where there is none."""
        if self._found is None:
            return None
        try:
            return restore(self._found, plan, generator)
        except (LookupError, ValueError, TypeError, RuntimeError) as error:
            raise _damaged(self.path) from error

    def keep(self, state: Adaptation, generator: torch.Generator) -> None:
        """Takes a complete iteration; writes it when the phase has ended, or the last write was long ago."""
        self._latest = Checkpoint.take(state, generator)
        if state.stop_reason or time.monotonic() - self._written > SECONDS_BETWEEN:
            self._write()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            self._write()

    def _write(self) -> None:
        if self._latest is None:
            return
        numbers = to_numbers(self._latest)
        words = {**numbers.words, "groups": list(numbers.means), "fingerprint": self._fingerprint}
        arrays: dict[str, Any] = {f"mean_{index}": mean for index, mean in enumerate(numbers.means.values())}
        content = io.BytesIO()
        np.savez(content, words=np.array(json.dumps(words)), generator=numbers.generator, **arrays)
        body = content.getvalue()
        replace_file(self.path, MAGIC + hashlib.sha256(body).digest() + body)
        self._latest, self._written = None, time.monotonic()


def _read(path: Path) -> Numbers:
    """The checkpoint of a file, once its checksum is right."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                hint = "give the file of an interrupted fit, or one that does not exist yet"
                raise file_error(Stage.DATA, "QEM862", path, "not a checkpoint of this version of qemppl", hint)
            digest, body = file.read(hashlib.sha256().digest_size), file.read()
    except OSError as error:
        message = f"the checkpoint cannot be read: {error.strerror or error}"
        raise file_error(Stage.DATA, "QEM861", path, message, "choose another file") from error
    if hashlib.sha256(body).digest() != digest:
        raise _damaged(path)
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            words: dict[str, Any] = json.loads(arrays["words"].item())
            int(words["fingerprint"]["seed"])  # is asked for before anything else
            means = {name: arrays[f"mean_{index}"] for index, name in enumerate(words["groups"])}
            return Numbers(means, arrays["generator"], words)
    except (OSError, EOFError, BadZipFile, RuntimeError, LookupError, ValueError, TypeError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> DiagnosticsError:
    hint = "remove it and fit again, or restore it from a copy"
    return file_error(Stage.DATA, "QEM863", path, "the checkpoint is truncated or damaged", hint)


def _of_another_fit(path: Path, found: Fingerprint, asked: Fingerprint) -> DiagnosticsError:
    differences = [name for name in FINGERPRINT if found.get(name) != asked[name]]
    named = ", ".join(FINGERPRINT[name] for name in differences)
    return DiagnosticsError(
        [
            Diagnostic(
                "QEM864",
                Severity.ERROR,
                f"the checkpoint belongs to another fit; what differs: {named}",
                where=str(path),
                notes=tuple(
                    f"{FINGERPRINT[n]}: {_shown(found.get(n))} there, {_shown(asked[n])} here" for n in differences
                ),
                hint="repeat the command that was interrupted, or give another file to start anew",
            )
        ],
        Stage.USAGE,
    )


def _shown(value: float | str | None) -> str:
    """A value of a fingerprint; of a hash as many digits as tell two apart."""
    if value is None:
        return "the default"
    return f"{value:.12}" if isinstance(value, str) else str(value)
