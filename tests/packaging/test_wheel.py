"""What is published works: built from a copy, installed into a clean environment, run from another folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("qemppl", "grammar", "examples", "docs", "tests")
FILES = (
    "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "constraints.txt", ".gitignore"
)  # fmt: skip


def call(*command: str | Path, cwd: Path) -> str:
    """Output of a command in an environment that knows nothing of this checkout."""
    variables = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of a copy of the tree, and the wheel of that sdist."""
    copy = tmp_path_factory.mktemp("copy")
    for name in SOURCES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    call(sys.executable, "-m", "build", "--no-isolation", "--outdir", copy / "dist", cwd=copy)
    return copy / "dist"


@pytest.fixture(scope="module")
def elsewhere(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an environment of its own, where only the wheel is installed; its dependencies are those of this one."""
    folder = tmp_path_factory.mktemp("elsewhere")
    call(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    site = Path(call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (wheel,) = dist.glob("*.whl")
    call(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    shutil.copytree(ROOT / "examples" / "eight_schools", folder / "eight_schools")
    return folder


def test_the_wheel_holds_the_package_and_nothing_else(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "qemppl/grammar/qem.lark" in names
    assert "qemppl/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"qemppl"}


def test_the_sdist_can_be_tested(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", "constraints.txt", "grammar/qem.lark", "tests/packaging/test_wheel.py"} <= names
    assert not any("__pycache__" in name for name in names)


def test_the_installed_package_is_the_one_that_runs(elsewhere: Path) -> None:
    place = call(elsewhere / "venv/bin/python", "-c", "import qemppl; print(qemppl.__file__)", cwd=elsewhere)
    assert Path(place.strip()).is_relative_to(elsewhere)


def test_check_finds_the_grammar(elsewhere: Path) -> None:
    output = call(
        elsewhere / "venv/bin/qemppl", "check", "eight_schools/model.qem", "eight_schools/data.json", cwd=elsewhere
    )
    assert "theta" in output


def test_fit_runs(elsewhere: Path) -> None:
    command = ("fit", "eight_schools/model.qem", "eight_schools/data.json", "--seed", "1", "--quiet", "-o", "fit.nc")
    output = call(elsewhere / "venv/bin/qemppl", *command, cwd=elsewhere)
    assert "theta[A]" in output
    assert (elsewhere / "fit.nc").is_file()
