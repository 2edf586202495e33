"""Completion in the shell, as click does it."""

from __future__ import annotations

import pytest

from qemppl.cli.main import COMMANDS
from qemppl.diagnostics.catalogue import CATALOGUE
from tests.cli.process import child


def completed(*words: str) -> list[str]:
    """What bash is offered for the last word."""
    variables = {
        "_QEMPPL_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("qemppl", *words)),
        "COMP_CWORD": str(len(words)),
    }
    done = child(variables=variables)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split(",", 1)[1] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("",), set(COMMANDS)),
        (("ch",), {"check"}),
        (("--v",), {"--version"}),
        (("check", "--form"), {"--format"}),
        (("check", "--format", "j"), {"json"}),
        (("check", "--explain", "qem10"), {code for code in CATALOGUE if code.startswith("QEM10")}),
    ],
)
def test_words_are_completed(words: tuple[str, ...], offered: set[str]) -> None:
    assert set(completed(*words)) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_is_told_how(shell: str) -> None:
    done = child(variables={"_QEMPPL_COMPLETE": f"{shell}_source"})
    assert done.returncode == 0
    assert "_QEMPPL_COMPLETE" in done.stdout
