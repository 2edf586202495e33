"""A fit that was interrupted and resumed is bitwise the fit that was not."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qemppl.engine.qem as engine
from qemppl.diagnostics.diagnostic import DiagnosticsError, Stage
from qemppl.driver import Model, Progress, Settings, compile_model
from qemppl.result import checkpoint as checkpoint_file
from qemppl.result.fit import FitResult
from tests.result.test_file import assert_same

ROOT = Path(__file__).parents[1]
TEXT = """
data { plate g; real y[g]; }
model {
  real mu ~ normal(0, 5);
  real<lower=0> tau ~ cauchy(0, 5);
  plate g { real z ~ normal(mu, tau); y ~ normal(z, 1); }
}
"""
DATA = {"g": ["a", "b", "c", "d"], "y": [1.0, 3.0, -2.0, 4.5]}
QUICK = Settings(particles=8, draws=40, tolerance=0.9, max_iterations=30)


@pytest.fixture(scope="module")
def model() -> Model:
    return compile_model(text=TEXT)


@pytest.fixture(scope="module")
def whole(model: Model) -> FitResult:
    """The fit that nothing interrupts."""
    return model.fit(DATA, seed=3, settings=QUICK)


def stopping(phase: str, iteration: int) -> Callable[[Progress], None]:
    """Ctrl-C at this point of a fit."""

    def watch(progress: Progress) -> None:
        if (progress.phase, progress.iteration) == (phase, iteration):
            raise KeyboardInterrupt

    return watch


def interrupted(model: Model, path: Path, watch: Callable[[Progress], None], **changes: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        model.fit(DATA, settings=QUICK, progress=watch, resume=path, **{"seed": 3, **changes})


def timeless(fit: FitResult) -> FitResult:
    return dataclasses.replace(fit, seconds=0.0, provenance=dataclasses.replace(fit.provenance, created_at=""))


@pytest.mark.parametrize("stops", [[("adapt", 1)], [("adapt", 4), ("adapt", 5), ("report", 7)], [("report", 60)]])
def test_a_resumed_fit_is_bitwise_the_uninterrupted_one(
    model: Model, whole: FitResult, tmp_path: Path, stops: list[tuple[str, int]]
) -> None:
    path = tmp_path / "run.checkpoint"
    for stop in stops:
        interrupted(model, path, stopping(*stop))
        assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    seen: list[Progress] = []
    fit = model.fit(DATA, settings=QUICK, progress=seen.append, resume=path)  # the seed is that of the checkpoint
    assert_same(timeless(fit), timeless(whole))
    assert seen[0].phase == "report" or seen[0].iteration == stops[-1][1] + 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_ctrl_c_within_an_iteration_keeps_the_last_complete_one(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    path = tmp_path / "run.checkpoint"
    m_step = engine._m_step
    calls = 0

    def stop(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 8:  # two groups: in the middle of the fourth iteration
            raise KeyboardInterrupt
        return m_step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "_m_step", stop)
        interrupted(model, path, lambda _: None, dtype=dtype)
    seen: list[Progress] = []
    fit = model.fit(DATA, settings=QUICK, progress=seen.append, resume=path, dtype=dtype)
    assert seen[0].iteration == 4
    assert_same(timeless(fit), timeless(model.fit(DATA, seed=3, settings=QUICK, dtype=dtype)))


def test_ctrl_c_before_the_first_complete_iteration_leaves_nothing(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "_m_step", stop)
    interrupted(model, tmp_path / "run.checkpoint", lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_a_second_ctrl_c_leaves_the_file_as_it_was(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.checkpoint"
    interrupted(model, path, stopping("adapt", 3))
    before = path.read_bytes()

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    interrupted(model, path, stopping("adapt", 5))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_the_state_is_written_from_time_to_time(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.checkpoint"
    sizes: list[bytes] = []
    clock = iter(range(0, 10_000, 2))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))  # two seconds an iteration or more
    model.fit(
        DATA,
        seed=3,
        settings=QUICK,
        resume=path,
        progress=lambda _: sizes.append(path.read_bytes() if path.exists() else b""),
    )
    adapting = sizes[: QUICK.max_iterations]
    assert adapting[0] == b""
    assert 3 < len(set(adapting)) < len(adapting)


CHILD = """
import sys, time
from pathlib import Path
from qemppl.driver import Settings, compile_model
from qemppl.result import checkpoint
from tests.test_resume import DATA, QUICK, TEXT
checkpoint.SECONDS_BETWEEN = 0.0
def slowly(progress):
    if progress.iteration == 6:
        print("six", flush=True)
        time.sleep(60)
compile_model(text=TEXT).fit(DATA, seed=3, settings=QUICK, progress=slowly, resume=sys.argv[1])
"""


def test_after_sigkill_the_last_written_state_loads(model: Model, whole: FitResult, tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    command = [sys.executable, "-c", CHILD, str(path)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "six\n"
        process.send_signal(signal.SIGKILL)
    seen: list[Progress] = []
    fit = model.fit(DATA, settings=QUICK, progress=seen.append, resume=path)
    assert seen[0].iteration == 7
    assert_same(timeless(fit), timeless(whole))


@pytest.fixture
def unfinished(model: Model, tmp_path: Path) -> Path:
    path = tmp_path / "run.checkpoint"
    interrupted(model, path, stopping("adapt", 5))
    return path


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 4}, "--seed"),
        ({"dtype": "float32"}, "--dtype"),
        ({"particles": 9}, "--particles"),
        ({"max_iterations": 31}, "--max-iterations"),
        ({"memory": 2**30}, "--memory"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(
    model: Model, unfinished: Path, change: dict[str, Any], named: str
) -> None:
    before = unfinished.read_bytes()
    with pytest.raises(DiagnosticsError, match=f"QEM864: .*another fit; what differs: {named}$") as caught:
        model.fit(DATA, settings=QUICK, resume=unfinished, **change)
    assert caught.value.stage is Stage.USAGE
    assert caught.value.diagnostics[0].notes[0].startswith(f"{named}: ")
    assert unfinished.read_bytes() == before


def test_a_checkpoint_of_another_model_data_or_version_is_refused(
    model: Model, whole: FitResult, unfinished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differs(named: str) -> Any:
        return pytest.raises(DiagnosticsError, match=f"QEM864: .*what differs: {named}$")

    with differs("the model"):
        compile_model(text=TEXT + "\n").fit(DATA, settings=QUICK, resume=unfinished)
    with differs("the data"):
        model.fit({**DATA, "y": [1.0, 3.0, -2.0, 4.0]}, settings=QUICK, resume=unfinished)
    with differs("--init-from"):
        model.fit(DATA, settings=QUICK, resume=unfinished, init_from=whole)
    with differs("the data, --seed"):
        model.fit({**DATA, "y": [1.0, 3.0, -2.0, 4.0]}, settings=QUICK, resume=unfinished, seed=9)
    monkeypatch.setattr("qemppl.driver.__version__", "999")
    with differs("the version of qemppl"):
        model.fit(DATA, settings=QUICK, resume=unfinished)


def test_the_report_may_be_asked_for_in_another_way(model: Model, unfinished: Path) -> None:
    fit = model.fit(DATA, settings=QUICK, draws=60, tolerance=0.8, resume=unfinished)
    assert_same(timeless(fit), timeless(model.fit(DATA, seed=3, settings=QUICK, draws=60, tolerance=0.8)))


@pytest.mark.parametrize("keep", [0.01, 0.2, 0.9, 0.999])
def test_a_truncated_checkpoint_is_refused(model: Model, unfinished: Path, keep: float) -> None:
    content = unfinished.read_bytes()
    unfinished.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DiagnosticsError, match=r"QEM86[23]") as caught:
        model.fit(DATA, settings=QUICK, resume=unfinished)
    assert caught.value.stage is Stage.DATA


def test_every_flipped_bit_is_noticed(model: Model, unfinished: Path) -> None:
    content = unfinished.read_bytes()
    for position in np.random.default_rng(1).integers(len(checkpoint_file.MAGIC), len(content), 20):
        flipped = bytearray(content)
        flipped[position] ^= 1 << int(position % 8)
        unfinished.write_bytes(flipped)
        with pytest.raises(DiagnosticsError, match="QEM863: the checkpoint is truncated or damaged"):
            model.fit(DATA, settings=QUICK, resume=unfinished)


@pytest.mark.parametrize("content", [b"", b"\x80\x04N.", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"precious"])
def test_a_foreign_file_is_refused_and_kept(model: Model, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.checkpoint"
    path.write_bytes(content)
    with pytest.raises(DiagnosticsError, match="QEM862: not a checkpoint"):
        model.fit(DATA, settings=QUICK, resume=path)
    assert path.read_bytes() == content


class Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_nothing_in_a_forged_checkpoint_is_executed(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, trace = tmp_path / "run.checkpoint", tmp_path / "executed"
    savez = np.savez

    def forged(file: Any, words: Any, generator: Any, **_: Any) -> None:
        savez(file, words=words, generator=generator, mean_0=np.array(Touch(trace), dtype=object))

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", forged)
        interrupted(model, path, stopping("adapt", 2))
    with pytest.raises(DiagnosticsError, match="QEM863"):
        model.fit(DATA, settings=QUICK, resume=path)
    assert not trace.exists()


def test_a_place_that_cannot_hold_the_file_is_refused_at_once(model: Model, tmp_path: Path) -> None:
    for path, code in ((tmp_path / "no" / "such", "QEM851"), (tmp_path, "QEM852")):
        with pytest.raises(DiagnosticsError, match=code):
            model.fit(DATA, settings=QUICK, resume=path)


def test_an_unreadable_checkpoint_is_refused(model: Model, unfinished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may read everything
    with pytest.raises(DiagnosticsError, match=r"QEM861: .*Permission denied"):
        model.fit(DATA, settings=QUICK, resume=unfinished)
