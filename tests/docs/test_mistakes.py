"""docs/mistakes.md shows what `qemppl check` answers to thirty wrong models; `--refresh` writes the page anew."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import pytest

from qemppl.cli.main import run
from tests.conftest import Golden

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "mistakes"
OPENING = """\
# Thirty mistakes

<!-- Written by tests/docs/test_mistakes.py from the models beside it; `pytest tests/docs/test_mistakes.py --refresh` writes it anew. -->

Models as somebody writes them who knows Stan, R or Python and is new to this language, and what `qemppl check` answers: ten wrong versions
each of eight schools, of a hierarchical logistic regression and of an occupancy model.

## How to read an answer

- The first line says how bad it is, gives the code, and says what is wrong in the names of your model. `qemppl check --explain QEM209` says
  more about a code, and so does [diagnostics.md](diagnostics.md).
- `-->` is the place: file, line and column. For data it is the file and the value, such as `data.json: y[3]`, and `:::` is the declaration.
- `^^^` stands below what is wrong, `---` below a second place that helps to understand it.
- `= note` adds a fact, and `= fix` says what to write instead. Code in a fix can be taken over as it is, and `...` is for you to
  fill in.
- Mistakes are answered in one run, from top to bottom. What only follows from another mistake is left out, and warnings of names
  without a use come once the errors are gone: after mending what is shown, check again.

Below each title stands what was meant, then the lines that differ from the right model, then the answer.
"""
TITLES = {
    "eight-schools": "Eight schools",
    "logistic": "Hierarchical logistic regression",
    "occupancy": "Occupancy",
}


def data_of(model: Path) -> list[Path]:
    return sorted(path for path in model.parent.glob(f"{model.stem}.*") if path != model)


def sections(capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    number = 0
    for folder, title in TITLES.items():
        right, *wrong = sorted((FOLDER / folder).glob("*.qem"))
        yield f"## {title}\n\nThe right model:\n\n```qem\n{text_of(right)}```\n"
        for model in wrong:
            number += 1
            yield from section(number, model, right, capsys)


def section(number: int, model: Path, right: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    meant, *_ = model.read_text(encoding="utf-8").splitlines()
    yield f"### {number}. {model.stem[3:].replace('-', ' ').capitalize()}\n\n{meant.lstrip('/# ')}\n"
    if changed := differing_lines(text_of(model), text_of(right)):
        yield f"```qem\n{changed}```\n"
    yield from (f"```\n{path.read_text(encoding='utf-8')}```\n" for path in data_of(model))
    yield f"```\n$ qemppl check {' '.join(path.name for path in (model, *data_of(model)))}\n{answer(model, capsys)}```\n"


def text_of(model: Path) -> str:
    """A model without its first line, which says what is meant."""
    return model.read_text(encoding="utf-8").split("\n", 1)[1]


def differing_lines(wrong: str, right: str) -> str:
    """The lines that the right model does not have; `...` stands for those between."""
    lines = wrong.splitlines()
    matcher = difflib.SequenceMatcher(None, right.splitlines(), lines, autojunk=False)
    shown: list[str] = []
    for kind, _, _, start, end in matcher.get_opcodes():
        if kind != "equal" and start < end:
            shown += (["..."] if start > 0 else []) + lines[start:end]
            last = end
    if shown and last < len(lines):
        shown.append("...")
    return "".join(f"{line}\n" for line in shown)


def answer(model: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints in the folder of the model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(model.parent)
        run(["check", model.name, *(path.name for path in data_of(model))])
    printed = capsys.readouterr()
    return printed.err + printed.out


def test_the_page_shows_what_is_answered(capsys: pytest.CaptureFixture[str], golden: Golden) -> None:
    golden.check("\n".join([OPENING, *sections(capsys)]), ROOT / "docs" / "mistakes.md")


@pytest.mark.parametrize("folder", TITLES)
def test_the_right_models_are_right_and_the_wrong_ones_are_ten(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    right, *wrong = sorted((FOLDER / folder).glob("*.qem"))
    assert "no mistakes" in answer(right, capsys)
    assert [model.stem[:2] for model in wrong] == [f"{number:02}" for number in range(1, 11)]
    assert all("error[QEM" in answer(model, capsys) for model in wrong)
    assert sum(bool(data_of(model)) for model in wrong) == 2
